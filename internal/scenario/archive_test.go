package scenario_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/archive"
)

// Retention, and what is seen of it.
func TestArchive(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"figures outlive their events", figuresOutliveTheirEvents},
		{"a late event for a dropped month is stored", aLateEventForADroppedMonth},
		{"an edge in an archived month is not exact", anEdgeInAnArchivedMonth},
		{"the archive's parts are listed", theArchivesPartsAreListed},
		{"who may set a retention, and to what", whoMaySetARetention},
	})
}

const archivedFigures = `query ($range: RangeInput!) {
	tenant { eventRetentionMonths }
	events(range: $range) { count rawSince exact byType { types counts totalCount } timeline { at counts } list(first: 500) { totalCount nodes { id type messageId properties } } }
	total: metric(key: "events") { value(range: $range) { value exact } series(range: $range, interval: DAY) { values exact } }
	active: metric(key: "active_users") { value(range: $range) { value exact } series(range: $range, interval: WEEK, zone: "Asia/Kolkata") { values exact } }
	fresh: metric(key: "new_users") { value(range: $range) { value exact } series(range: $range) { values } }
}`

type archivedAnswer struct {
	Tenant struct{ EventRetentionMonths *int }
	Events struct {
		Count    int
		RawSince *time.Time
		Exact    bool
		ByType   any
		Timeline any
		List     struct {
			TotalCount int
			Nodes      []struct {
				ID, Type, MessageID string
				Properties          any
			}
		}
	}
	Total, Active, Fresh struct {
		Value struct {
			Value float64
			Exact bool
		}
		Series any
	}
}

// monthsAgo is the first instant of a month in UTC.
func monthsAgo(n int) time.Time {
	year, month, _ := time.Now().UTC().Date()
	return time.Date(year, month-time.Month(n), 1, 0, 0, 0, 0, time.UTC)
}

func rangeOf(from, to time.Time) map[string]any {
	return map[string]any{"range": map[string]any{"from": from.Format(time.RFC3339), "to": to.Format(time.RFC3339)}}
}

// busy has both companies do something every seven hours of the month, four months ago and
// two months ago.
func (s story) busy(t *testing.T) {
	t.Helper()
	var events []string
	for _, ago := range []int{4, 2} {
		for i := range 60 {
			at := monthsAgo(ago).Add(time.Duration(i)*7*time.Hour + 7*time.Minute)
			events = append(events, event(fmt.Sprint(ago, "/", i), fmt.Sprint("T", i%3), fmt.Sprint("u", i%11), at.Format(time.RFC3339)))
		}
	}
	for _, who := range []string{s.acme.WriteKey, s.globex.WriteKey} {
		if reply := s.kit.Do(t, "POST", "/v1/batch", who, `{"batch":[`+strings.Join(events, ",")+`]}`); reply.Status != 200 {
			t.Fatalf("batch: %d %s", reply.Status, reply.Body)
		}
	}
}

const setRetention = `mutation ($months: Int) { setEventRetention(months: $months) { id eventRetentionMonths } }`

// keep has Acme keep a month, and the archive do its work.
func (s story) keep(t *testing.T) {
	t.Helper()
	var answer struct {
		SetEventRetention struct{ EventRetentionMonths *int }
	}
	s.acme.Manage(t, setRetention, map[string]any{"months": 1}, &answer)
	wantEqual(t, "retention", *answer.SetEventRetention.EventRetentionMonths, 1)
	if err := s.archive(t).Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s story) archive(t *testing.T) *archive.Archive {
	t.Helper()
	cold, err := s.kit.Node.Archive()
	if err != nil {
		t.Fatal(err)
	}
	return cold
}

func figuresOutliveTheirEvents(t *testing.T, s story) {
	s.busy(t)
	months := rangeOf(monthsAgo(6), monthsAgo(-1))
	var before, after, back, theirs archivedAnswer
	s.acme.Query(t, archivedFigures, months, &before)
	wantEqual(t, "events", before.Events.Count, 120)
	if before.Events.RawSince != nil || before.Tenant.EventRetentionMonths != nil || !before.Events.Exact {
		t.Errorf("before: %+v", before)
	}
	listed := before.Events.List

	s.keep(t)
	s.acme.Query(t, archivedFigures, months, &after)
	wantEqual(t, "retention", *after.Tenant.EventRetentionMonths, 1)
	wantEqual(t, "rawSince", *after.Events.RawSince, monthsAgo(1))
	wantEqual(t, "listed", len(after.Events.List.Nodes), 0)
	before.Tenant, after.Tenant, before.Events.RawSince, after.Events.RawSince = struct{ EventRetentionMonths *int }{}, struct{ EventRetentionMonths *int }{}, nil, nil
	before.Events.List.Nodes, after.Events.List.Nodes = nil, nil
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("figures changed (-before +after):\n%s", diff)
	}

	// Brought back, events are listed as they were, and figures don't count them again.
	_, err := s.archive(t).Restore(t.Context(), archive.Restore{Tenant: s.acme.ID, From: monthsAgo(2), To: monthsAgo(1), Keep: time.Hour}, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	s.acme.Query(t, archivedFigures, months, &back)
	wantEqual(t, "rawSince", *back.Events.RawSince, monthsAgo(3))
	wantEqual(t, "restored", back.Events.List.Nodes, listed.Nodes[:60])
	wantEqual(t, "count", back.Events.Count, 120)

	s.globex.Query(t, archivedFigures, months, &theirs)
	wantEqual(t, "the stranger's list", len(theirs.Events.List.Nodes), 120)
	if theirs.Events.RawSince != nil {
		t.Errorf("the stranger's raw events are there since %v", theirs.Events.RawSince)
	}
}

// The server has seen the partition; then it is dropped; and an event comes late.
func aLateEventForADroppedMonth(t *testing.T, s story) {
	day := time.Date(2019, 6, 5, 12, 0, 0, 0, time.UTC) // a month of this chapter alone
	late := func(id string) string { return event(id, "E", "u1", day.Format(time.RFC3339)) }
	wantVerdicts(t, s.acme.Batch(t, late("m1"), late("m2")), "ACCEPTED", "ACCEPTED")
	wantVerdicts(t, s.acme.Batch(t, late("m2")), "DUPLICATE")
	s.keep(t)
	partitions := 0
	s.kit.Scan(t, `select count(*) from pg_class where relname = 'event_201906'`, nil, &partitions)
	wantEqual(t, "partitions", partitions, 0)
	wantVerdicts(t, s.acme.Batch(t, late("m3"), late("m1")), "ACCEPTED", "DUPLICATE")
	var answer archivedAnswer
	s.acme.Query(t, archivedFigures, rangeOf(day.AddDate(0, 0, -1), day.AddDate(0, 0, 1)), &answer)
	wantEqual(t, "count and list", []int{answer.Events.Count, len(answer.Events.List.Nodes)}, []int{3, 1})
	s.keep(t) // the late one goes into a part of its own
	parts, err := s.archive(t).Parts(t.Context(), s.acme.ID)
	if err != nil || len(parts) != 2 || parts[0].Events != 2 || parts[1].Events != 1 {
		t.Errorf("parts %+v, %v", parts, err)
	}
}

// A range that cuts a quarter hour of an archived month says that it is not exact, and
// counts that quarter hour whole; the others stay exact.
func anEdgeInAnArchivedMonth(t *testing.T, s story) {
	month := monthsAgo(2)
	send := func(id, user string, at time.Duration) {
		wantVerdicts(t, s.acme.Batch(t, event(id, "E", user, month.Add(at).Format(time.RFC3339))), "ACCEPTED")
	}
	send("m1", "u1", time.Minute)
	send("m2", "u2", 10*time.Minute)
	send("m3", "u3", 20*time.Minute)
	cases := []struct {
		from, to      time.Duration
		exact         bool
		events        int // of the whole quarter hours
		active, fresh float64
	}{
		{0, time.Hour, true, 3, 3, 3},
		{15 * time.Minute, 30 * time.Minute, true, 1, 1, 1},
		{5 * time.Minute, time.Hour, false, 3, 3, 2},
		{0, 5 * time.Minute, false, 2, 2, 1},
		{0, 16 * time.Minute, false, 3, 3, 2},
		{2 * time.Minute, 3 * time.Minute, false, 2, 2, 0},
		{5 * time.Minute, 25 * time.Minute, false, 3, 3, 2},
		{14*time.Minute + 59*time.Second, 15 * time.Minute, false, 2, 2, 0},
	}
	for _, c := range cases {
		var answer archivedAnswer
		s.acme.Query(t, archivedFigures, rangeOf(month.Add(c.from), month.Add(c.to)), &answer)
		if !answer.Events.Exact || !answer.Total.Value.Exact {
			t.Errorf("%v to %v: not exact while events are there", c.from, c.to)
		}
	}
	s.keep(t)
	for _, c := range cases {
		var answer archivedAnswer
		s.acme.Query(t, archivedFigures, rangeOf(month.Add(c.from), month.Add(c.to)), &answer)
		name := fmt.Sprint(c.from, " to ", c.to)
		wantEqual(t, name+" exact", []bool{answer.Events.Exact, answer.Total.Value.Exact, answer.Active.Value.Exact, answer.Fresh.Value.Exact},
			[]bool{c.exact, c.exact, c.exact, true})
		wantEqual(t, name, []float64{float64(answer.Events.Count), answer.Total.Value.Value, answer.Active.Value.Value, answer.Fresh.Value.Value},
			[]float64{float64(c.events), float64(c.events), c.active, c.fresh})
	}
	// Where raw events are kept, an edge is as exact as ever.
	var answer archivedAnswer
	s.acme.Query(t, archivedFigures, rangeOf(month, time.Now().Truncate(time.Hour).Add(time.Minute)), &answer)
	wantEqual(t, "an edge of today", answer.Events.Exact, true)
}

const pageOfParts = `query ($first: Int!, $after: String) { archiveParts(first: $first, after: $after) {
	edges { cursor node { id } }
	nodes { id month path state events bytes sha256 firstAt lastAt exportedAt verifiedAt droppedAt restoredUntil }
	pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`

type partPage struct {
	ArchiveParts struct {
		Edges []struct {
			Cursor string
			Node   struct{ ID string }
		}
		Nodes []struct {
			ID, Path, State, Sha256                               string
			Events, Bytes                                         int
			Month, ExportedAt                                     time.Time
			FirstAt, LastAt, VerifiedAt, DroppedAt, RestoredUntil *time.Time
		}
		PageInfo   pageInfo
		TotalCount int
	}
}

func theArchivesPartsAreListed(t *testing.T, s story) {
	s.busy(t)
	var empty partPage
	s.acme.Query(t, pageOfParts, map[string]any{"first": 5}, &empty)
	wantPage(t, empty.ArchiveParts.PageInfo, 5, 0, 0, false)
	s.keep(t)
	var months []time.Time
	for after := (*string)(nil); ; {
		var answer partPage
		s.acme.Query(t, pageOfParts, map[string]any{"first": 1, "after": after}, &answer)
		page := answer.ArchiveParts
		wantPage(t, page.PageInfo, 1, len(page.Nodes), len(page.Edges), after != nil)
		wantEqual(t, "totalCount", page.TotalCount, 2)
		p := page.Nodes[0]
		months = append(months, p.Month)
		if p.State != "DROPPED" || p.Events != 60 || p.Bytes < 1000 || len(p.Sha256) != 64 || p.DroppedAt == nil || p.VerifiedAt == nil ||
			!p.FirstAt.Equal(p.Month.Add(7*time.Minute)) || p.RestoredUntil != nil || p.ExportedAt.After(*p.DroppedAt) || p.LastAt.Before(*p.FirstAt) {
			t.Errorf("part %+v", p)
		}
		const node = `query ($id: ID!) { node(id: $id) { id ... on ArchivePart { path } } }`
		var found struct{ Node struct{ ID, Path string } }
		s.acme.Query(t, node, map[string]any{"id": p.ID}, &found)
		wantEqual(t, "node", []string{found.Node.ID, found.Node.Path, page.Edges[0].Node.ID}, []string{p.ID, p.Path, p.ID})
		stranger := s.kit.Ask(t, s.globex.ReadKey, node, map[string]any{"id": p.ID})
		if len(stranger.Errors) != 1 || stranger.Errors[0].Extensions.Code != "NOT_FOUND" {
			t.Errorf("the stranger finds it: %s", stranger.Data)
		}
		if after = page.PageInfo.EndCursor; !page.PageInfo.HasNextPage {
			break
		}
	}
	wantEqual(t, "months, the latest first", months, []time.Time{monthsAgo(2), monthsAgo(4)})
	var theirs partPage
	s.globex.Query(t, pageOfParts, map[string]any{"first": 5}, &theirs)
	wantEqual(t, "the stranger's parts", theirs.ArchiveParts.TotalCount, 0)
	for _, bad := range []map[string]any{{"first": 0}, {"first": 501}, {"first": 1, "after": "x"}, {"first": 1, "after": "MjAyNi0wNS0wMS4x="}} {
		if answer := s.kit.Ask(t, s.acme.ReadKey, pageOfParts, bad); len(answer.Errors) == 0 || answer.Errors[0].Extensions.Code != "BAD_USER_INPUT" {
			t.Errorf("%v: %+v", bad, answer.Errors)
		}
	}
}

func whoMaySetARetention(t *testing.T, s story) {
	for _, key := range []string{s.acme.ReadKey, s.acme.WriteKey} {
		answer := s.kit.Ask(t, key, setRetention, map[string]any{"months": 1})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "FORBIDDEN" {
			t.Errorf("errors %+v", answer.Errors)
		}
	}
	for _, months := range []int{0, -1, 1201} {
		answer := s.kit.Ask(t, s.acme.ManageKey, setRetention, map[string]any{"months": months})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Field != "months" {
			t.Errorf("%d: errors %+v", months, answer.Errors)
		}
	}
	type retention struct {
		SetEventRetention, Tenant struct{ EventRetentionMonths *int }
	}
	var set, unset, theirs retention
	s.acme.Manage(t, setRetention, map[string]any{"months": 1200}, &set)
	wantEqual(t, "set", *set.SetEventRetention.EventRetentionMonths, 1200)
	s.globex.Query(t, `{ tenant { eventRetentionMonths } }`, nil, &theirs)
	s.acme.Manage(t, setRetention, map[string]any{"months": nil}, &unset)
	if unset.SetEventRetention.EventRetentionMonths != nil || theirs.Tenant.EventRetentionMonths != nil {
		t.Error("there is a retention still, or the stranger has one")
	}
}
