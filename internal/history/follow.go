package history

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

func (h *head) set(now dbsqlc.HistoryHeadRow, days []dbsqlc.HistoryDaysRow) {
	h.at, h.day, h.dropped, h.forgotten = now.At, now.DayRevision, now.RawSince.UnixMicro(), now.Forgotten
	for _, d := range days {
		h.days[d.Day] = d.Version
	}
}

// news is what has changed since a head.
type news struct {
	days   []dbsqlc.HistoryDaysRow
	events []dbsqlc.HistorySinceRow
	moves  map[int64]int64
}

// overlap is how far behind the last instant changes of hands are looked for again: an instant
// is that at which a transaction had the tenant's turn, not that of its commit.
const overlap = 10 * time.Minute

// find reads what has changed since a head, in the days that have changed.
func find(ctx context.Context, tx pgx.Tx, was head) (news, error) {
	var n news
	var err error
	if n.days, err = dbsqlc.New().HistoryDays(ctx, tx); err != nil {
		return n, fmt.Errorf("read days of histories: %w", err)
	}
	n.days = slices.DeleteFunc(n.days, func(d dbsqlc.HistoryDaysRow) bool { return was.days[d.Day] == d.Version })
	if len(n.days) == 0 {
		return n, nil
	}
	// A day of any zone lies within these.
	starts, ends := calendar.UTC.StartOf(n.days[0].Day-1), calendar.UTC.StartOf(n.days[len(n.days)-1].Day+2)
	n.events, err = dbsqlc.New().HistorySince(ctx, tx, dbsqlc.HistorySinceParams{
		LastID: was.id, Starts: starts, Ends: ends,
	})
	if err != nil {
		return n, fmt.Errorf("read what was done since: %w", err)
	}
	moves, err := dbsqlc.New().HistoryMoves(ctx, tx, was.at.Add(-overlap))
	if err != nil {
		return n, fmt.Errorf("read who changed hands: %w", err)
	}
	n.moves = make(map[int64]int64, len(moves))
	for _, m := range moves {
		n.moves[m.IdentityID] = m.PersonID
	}
	return n, nil
}

// follow adds what has changed since a head. The caller holds the turn.
func (k *kept) follow(ctx context.Context, tx pgx.Tx, was head, now dbsqlc.HistoryHeadRow) error {
	n, err := find(ctx, tx, was)
	if err != nil {
		return err
	}
	k.reading.Lock()
	defer k.reading.Unlock()
	if k.columns != nil {
		k.columns.apply(n)
		k.columns.head.set(now, n.days)
	}
	return nil
}

// apply adds news. Who changed hands did so before what follows is added under who they are now.
func (c *Columns) apply(n news) {
	c.move(n.moves)
	byPerson, byAccount := map[int64][]uint32{}, map[int64][]uint32{}
	for _, e := range n.events {
		row := c.add(entry{
			id: e.EventID, at: e.OccurredAt.UnixMicro(), kind: []byte(e.Type),
			identity: e.IdentityID, person: e.PersonID, account: e.AccountID,
		})
		if person := c.personOf[c.identity[row]]; person != 0 {
			byPerson[person] = append(byPerson[person], row)
		}
		if e.AccountID != 0 {
			byAccount[e.AccountID] = append(byAccount[e.AccountID], row)
		}
	}
	c.arrive(c.byPerson, byPerson)
	if c.byAccount != nil {
		c.arrive(c.byAccount, byAccount)
	}
	if a := c.byPerson; a.loose > tolerated+c.Rows()/4 {
		c.sort()
	}
}

// tolerated is how many rows may be in lists before all are sorted again, beside a quarter of
// all.
const tolerated = 100_000

// arrive adds new rows to their units, in the order of the units' numbers, so that what is asked
// twice is answered in the same order.
func (c *Columns) arrive(a *arrangement, rows map[int64][]uint32) {
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		c.insert(a, id, rows[id])
	}
}
