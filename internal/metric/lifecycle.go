package metric

import (
	"context"
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// lifecycle reads who was active in each bucket, who of them in the whole bucket before it as
// well (returning), and who in that one and not in this (dormant).
var lifecycle = &Reader{
	Name: "lifecycle", Columns: []string{"active", "returning", "dormant"}, Against: true,
	Read: readLifecycle, List: listTurnout,
}

// resurrecting is whom the reader can list besides: the active ones who are neither new nor
// returning.
const resurrecting = "resurrecting"

// turnout is who was there, who of them before as well, and who was before.
type turnout struct{ active, returning, before int64 }

func readLifecycle(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
	t := NewTable(g, "active", "returning", "dormant")
	before := g.before()
	g.noteBefore(ctx, before)
	days, rest := g.pairs(before)
	found := make([]turnout, len(g.Buckets))
	if len(days) > 0 {
		if err := readTurnoutOfDays(ctx, db, days, found, t); err != nil {
			return nil, err
		}
	}
	if err := rest.read(ctx, db, g, found, t); err != nil {
		return nil, err
	}
	for i, f := range found {
		t.Columns["active"][0][i] = float64(f.active)
		t.Columns["returning"][0][i] = float64(f.returning)
		t.Columns["dormant"][0][i] = float64(f.before - f.returning)
	}
	return t, nil
}

// noteBefore says that the answer depends on the buckets before as well.
func (g Grid) noteBefore(ctx context.Context, before []calendar.Bucket) {
	if len(before) == 0 || g.narrowed { // which depends on all that was before anyway
		return
	}
	topic.Note(ctx, topic.Span{
		Tenant: g.tenant, Subject: topic.Day,
		From: g.home.DateOf(before[0].Start).String(), To: g.home.DateOf(before[len(before)-1].End.Add(-1)).String(),
	})
}

// chain are stretches of time in a row: where one is told against another, it comes right
// after it.
type chain struct {
	stretches []calendar.Bucket
	links     []link
}

type link struct{ bucket, stretch int }

// pairs parts the buckets: those that are, with the one before, days of the tenant's zone, and
// the chain of all others.
func (g Grid) pairs(before []calendar.Bucket) (days []piece, rest chain) {
	for i, b := range g.Buckets {
		if !b.Start.Before(b.End) {
			continue
		}
		day := g.home.DateOf(b.Start)
		if !g.narrowed && g.isHome(b, day) && g.isHome(before[i], day-1) {
			days = append(days, piece{bucket: i, day: day})
			continue
		}
		if n := len(rest.stretches); n == 0 || rest.stretches[n-1] != before[i] {
			rest.stretches = append(rest.stretches, before[i])
		}
		rest.stretches = append(rest.stretches, b)
		rest.links = append(rest.links, link{i, len(rest.stretches) - 1})
	}
	return days, rest
}

func (g Grid) isHome(b calendar.Bucket, day calendar.Date) bool {
	return b.Start.Equal(g.home.StartOf(day)) && b.End.Equal(g.home.StartOf(day+1))
}

func readTurnoutOfDays(ctx context.Context, db dbsqlc.DBTX, days []piece, found []turnout, t *Table) error {
	l := listsOf(days)
	rows, err := dbsqlc.New().ActivityReturnByDay(ctx, db, dbsqlc.ActivityReturnByDayParams{
		Buckets: l.buckets, Days: l.days, FirstDay: l.days[0], LastDay: l.days[len(l.days)-1],
	})
	if err != nil {
		return fmt.Errorf("read who returned by day: %w", err)
	}
	for _, r := range rows {
		found[r.Bucket] = turnout{r.Active, r.Returning, r.Before}
		if r.Kept {
			t.Sources |= Materialized
		} else {
			t.Sources |= Open
		}
	}
	return nil
}

func (c chain) read(ctx context.Context, db dbsqlc.DBTX, g Grid, found []turnout, t *Table) error {
	if len(c.stretches) == 0 {
		return nil
	}
	read := c.readWhole
	if g.narrowed {
		read = c.readSeen
	}
	turnouts, err := read(ctx, db, g, t)
	if err != nil {
		return fmt.Errorf("read who returned: %w", err)
	}
	for _, p := range c.links {
		found[p.bucket] = turnouts[p.stretch]
		found[p.bucket].before = turnouts[p.stretch-1].active
	}
	return nil
}

func (c chain) readWhole(ctx context.Context, db dbsqlc.DBTX, g Grid, t *Table) ([]turnout, error) {
	g.Buckets = c.stretches
	pieces := g.cover()
	t.Exact = t.Exact && !pieces.rounds()
	pieces = pieces.kept()
	t.Sources |= pieces.sources(0)
	days, slots, raw := listsOf(pieces.days), listsOf(pieces.slots), listsOf(pieces.raw)
	rows, err := dbsqlc.New().ActivityReturnByStretch(ctx, db, dbsqlc.ActivityReturnByStretchParams{
		DayBuckets: days.buckets, Days: days.days,
		MaskBuckets: slots.buckets, MaskDays: slots.days, Masks: masksOf(pieces.slots),
		RawBuckets: raw.buckets, RawStarts: raw.starts, RawEnds: raw.ends,
	})
	turnouts := make([]turnout, len(c.stretches))
	for _, r := range rows {
		turnouts[r.Stretch] = turnout{active: r.Active, returning: r.Returning}
	}
	return turnouts, err
}

func (c chain) readSeen(ctx context.Context, db dbsqlc.DBTX, g Grid, t *Table) ([]turnout, error) {
	t.Sources |= Raw
	of := dbsqlc.NarrowedReturnByStretchParams{}
	for i, s := range c.stretches {
		of.Stretches = append(of.Stretches, int32(i))
		of.Starts, of.Ends = append(of.Starts, s.Start), append(of.Ends, s.End)
		t.Exact = t.Exact && !s.Start.Before(g.rawSince)
	}
	rows, err := dbsqlc.New().NarrowedReturnByStretch(ctx, db, of)
	turnouts := make([]turnout, len(c.stretches))
	for _, r := range rows {
		turnouts[r.Stretch] = turnout{active: r.Active, returning: r.Returning}
	}
	return turnouts, err
}
