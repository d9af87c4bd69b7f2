package scenario_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/summary"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Summaries of what is over, restatements, and the views that closed days are read from.
func TestSummaries(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"summaries are kept", summariesAreKept},
		{"a page of summaries takes two statements", aPageOfSummaries},
		{"summaries are pushed", summariesArePushed},
		{"a late event and a merge restate", restatementsAreTold},
		{"a stranger finds no summary", aStrangerFindsNoSummary},
		{"an embed token shows its metric's summaries", aTokenShowsItsSummaries},
		{"how summaries cannot be asked for", badSummaries},
		{"views tell how fresh they are", viewsTellHowFreshTheyAre},
	})
}

// allOfSummaries asks for all that there is of them.
const allOfSummaries = `
query ($key: String!, $period: SummaryPeriod!, $from: Date, $to: Date, $asOf: DateTime, $first: Int!, $after: String, $start: Date!) {
	metric(key: $key) {
		summaries(period: $period, from: $from, to: $to, asOf: $asOf, first: $first, after: $after) {
			edges { cursor node { id } }
			nodes {
				id metric { key } period start range { from to } zone value unit currency definitionVersion exact asOf dataVersion version
				recordedAt supersededAt history { value version } restatements { before after }
			}
			pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
		}
		summarySeries(period: $period, from: $from, to: $to, asOf: $asOf) { period starts values restated exact }
		summary(period: $period, start: $start, asOf: $asOf) { id start value }
	}
}`

// allOfRestatements asks for all that there is of them.
const allOfRestatements = `
query ($metric: String, $period: SummaryPeriod, $from: Date, $to: Date, $first: Int!, $after: String) {
	restatements(metric: $metric, period: $period, from: $from, to: $to, first: $first, after: $after) {
		edges { cursor node { start } }
		nodes { metric { key } period start range { from to } before after change causes lateEvents because recordedAt }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
	}
}`

type keptFigure struct {
	ID, Period, Start, Zone, Unit, DataVersion, RecordedAt string
	Metric                                                 struct{ Key string }
	Range                                                  span
	Value                                                  *float64
	Currency, SupersededAt                                 *string
	DefinitionVersion, Version                             int
	Exact                                                  bool
	History                                                []struct{ Value, Version int }
	Restatements                                           []struct{ Before, After int }
}

type summariesAnswer struct {
	Metric struct {
		Summaries struct {
			Edges    []struct{ Cursor string }
			Nodes    []keptFigure
			PageInfo pageInfo
		}
		SummarySeries struct {
			Period   string
			Starts   []string
			Values   []*float64
			Restated []int
			Exact    []bool
		}
		Summary *keptFigure
	}
}

type restatementsAnswer struct {
	Restatements struct {
		Edges []struct{ Cursor string }
		Nodes []struct {
			Metric                struct{ Key string }
			Period, Start         string
			Range                 span
			Before, After, Change *float64
			Causes, Because       []string
			LateEvents            int
		}
		PageInfo pageInfo
	}
}

// summarize does for a company what the worker does by itself, as if it were then.
func summarize(t *testing.T, kit *served.Kit, who *served.Tenant, now string) {
	t.Helper()
	app, err := postgres.OpenApp(t.Context(), kit.DB, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	metrics := metric.NewService(app, metric.NewCatalog(metric.Builtin()))
	if err := summary.NewSummarizer(kit.Node.Worker(), metrics, slog.New(slog.DiscardHandler)).Summarize(t.Context(), who.ID, at(t, now)); err != nil {
		t.Fatal(err)
	}
}

// inMay asks for days of May, whatever the worker has added since.
func inMay(more map[string]any) map[string]any {
	variables := map[string]any{"key": "events", "period": "DAY", "first": 50, "start": "2026-05-01", "to": "2026-05-04"}
	for name, value := range more {
		variables[name] = value
	}
	return variables
}

func summariesAreKept(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon), event("m2", "E", "u2", noon), event("m3", "E", "u1", "2026-05-03T21:59:59Z"))
	summarize(t, s.kit, s.acme, "2026-05-04T00:00:00Z")
	var got summariesAnswer
	s.acme.Query(t, allOfSummaries, inMay(nil), &got)
	nodes := got.Metric.Summaries.Nodes
	if len(nodes) != 3 {
		t.Fatalf("%d days are kept, want 3: %+v", len(nodes), nodes)
	}
	latest := nodes[0]
	wantEqual(t, "the latest", []any{latest.Metric.Key, latest.Period, latest.Start, latest.Zone, *latest.Value, latest.Unit, latest.Currency, latest.Exact, latest.Version, latest.DefinitionVersion},
		[]any{"events", "DAY", "2026-05-03", "Europe/Berlin", 1.0, "EVENTS", (*string)(nil), true, 1, 1})
	wantEqual(t, "its range", latest.Range, span{at(t, "2026-05-02T22:00:00Z"), at(t, "2026-05-03T22:00:00Z")})
	wantEqual(t, "the series", toJSON(t, got.Metric.SummarySeries), `{"Period":"DAY","Starts":["2026-05-01","2026-05-02","2026-05-03"],"Values":[2,0,1],"Restated":[0,0,0],"Exact":[true,true,true]}`)
	wantEqual(t, "by its day", []any{got.Metric.Summary.Start, *got.Metric.Summary.Value}, []any{"2026-05-01", 2.0})
	for first := 1; first <= 3; first++ {
		var all []string
		var after *string
		for more := true; more; {
			s.acme.Query(t, allOfSummaries, inMay(map[string]any{"first": first, "after": after}), &got)
			page := got.Metric.Summaries
			wantPage(t, page.PageInfo, first, len(page.Nodes), len(page.Edges), after != nil)
			for _, n := range page.Nodes {
				all = append(all, n.Start)
			}
			more, after = page.PageInfo.HasNextPage, page.PageInfo.EndCursor
		}
		wantEqual(t, fmt.Sprint("pages of ", first), all, []string{"2026-05-03", "2026-05-02", "2026-05-01"})
	}
	s.acme.Query(t, allOfSummaries, inMay(map[string]any{"period": "WEEK", "start": "2026-04-27"}), &got)
	wantEqual(t, "the week", *got.Metric.Summary.Value, 3.0)
	s.acme.Query(t, allOfSummaries, inMay(map[string]any{"start": "2026-04-30"}), &got)
	wantEqual(t, "the day before all", got.Metric.Summary, (*keptFigure)(nil))
}

// However long the page, and whatever is asked of each: one statement for the figures, and one
// for what they were.
func aPageOfSummaries(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	summarize(t, s.kit, s.acme, "2026-05-20T00:00:00Z")
	for _, to := range []string{"2026-05-03", "2026-05-19"} {
		s.kit.Statements.Take()
		var got struct {
			Metric struct{ Summaries struct{ Nodes []keptFigure } }
		}
		s.acme.Query(t, `query ($to: Date) { metric(key: "events") { summaries(period: DAY, to: $to) { nodes { start history { value version } restatements { before after } metric { key } } } } }`,
			map[string]any{"to": to}, &got)
		counts := s.kit.Statements.TakeForAnswers()
		wantEqual(t, fmt.Sprintf("statements for %d days", len(got.Metric.Summaries.Nodes)), counts, map[string]int{"SummaryPage": 1, "SummaryHistory": 1})
	}
}

func summariesArePushed(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			s := s.aside(t)
			s.acme.Batch(t, event("m1", "E", "u1", noon))
			w := watch(t, s.kit, s.acme.ReadKey, live(`metric(key: "events") { summary(period: DAY, start: "2026-05-01") { value version } }`))
			wantNext(t, w, `"summary":null`)
			summarize(t, s.kit, s.acme, "2026-05-02T12:00:00Z")
			wantNext(t, w, `"value":1,"version":1`)
			s.acme.Batch(t, event("m2", "E", "u1", noon))
			summarize(t, s.kit, s.acme, "2026-05-02T12:00:00Z")
			wantNext(t, w, `"value":2,"version":2`)
		})
	}
}

func restatementsAreTold(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon), event("m2", "E", "u2", noon))
	summarize(t, s.kit, s.acme, "2026-05-02T12:00:00Z")
	var got summariesAnswer
	s.acme.Query(t, allOfSummaries, inMay(nil), &got)
	known, id := got.Metric.Summary, got.Metric.Summary.ID
	then := got.Metric.Summaries.Nodes[0].RecordedAt
	s.acme.Batch(t, event("m3", "E", "u1", noon))
	summarize(t, s.kit, s.acme, "2026-05-02T12:00:00Z")
	merged := merge(t, s.acme, "u2", "u1")
	summarize(t, s.kit, s.acme, "2026-05-02T12:00:00Z")

	var list restatementsAnswer
	s.acme.Query(t, allOfRestatements, map[string]any{"first": 10, "period": "DAY", "from": "2026-05-01", "to": "2026-05-02"}, &list)
	var told []string
	for _, r := range list.Restatements.Nodes {
		told = append(told, fmt.Sprint(r.Metric.Key, " ", r.Start, " ", *r.Before, " ", *r.After, " ", *r.Change, " ", r.Causes, " ", r.LateEvents, " ", len(r.Because)))
	}
	for _, want := range []string{"active_users 2026-05-01 2 1 -1 [IDENTITY] 0 1", "events 2026-05-01 2 3 1 [LATE_EVENTS] 1 0", "new_users 2026-05-01 2 1 -1 [IDENTITY] 0 1"} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("it is told\n%s\nwant %s", strings.Join(told, "\n"), want)
		}
	}
	wantEqual(t, "what is behind the latest", list.Restatements.Nodes[0].Because, []string{merged})
	var one struct{ Node struct{ Reason string } }
	s.acme.Manage(t, `query ($id: ID!) { node(id: $id) { ... on PersonMerge { reason } } }`, map[string]any{"id": merged}, &one)
	if one.Node.Reason == "" {
		t.Error("the merge behind it is not found by its id")
	}
	s.acme.Query(t, allOfRestatements, map[string]any{"first": 1, "metric": "events"}, &list)
	wantEqual(t, "of events", len(list.Restatements.Nodes), 1)

	s.acme.Query(t, allOfSummaries, inMay(nil), &got)
	now := got.Metric.Summaries.Nodes[len(got.Metric.Summaries.Nodes)-1]
	wantEqual(t, "the figure now", []any{*now.Value, now.Version, now.SupersededAt, toJSON(t, now.History), toJSON(t, now.Restatements)},
		[]any{3.0, 2, (*string)(nil), `[{"Value":3,"Version":2},{"Value":2,"Version":1}]`, `[{"Before":2,"After":3}]`})
	s.acme.Query(t, allOfSummaries, inMay(map[string]any{"asOf": then}), &got)
	wantEqual(t, "as it was known", *got.Metric.Summary, *known)
	var found struct {
		Node struct {
			Value        float64
			SupersededAt *string
		}
	}
	s.acme.Query(t, `query ($id: ID!) { node(id: $id) { ... on MetricSummary { value supersededAt } } }`, map[string]any{"id": id}, &found)
	if found.Node.Value != 2 || found.Node.SupersededAt == nil {
		t.Errorf("by its id what it was is %+v", found.Node)
	}
}

func aStrangerFindsNoSummary(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	summarize(t, s.kit, s.acme, "2026-05-02T12:00:00Z")
	s.acme.Batch(t, event("m2", "E", "u1", noon))
	summarize(t, s.kit, s.acme, "2026-05-02T12:00:00Z")
	var mine, others summariesAnswer
	s.acme.Query(t, allOfSummaries, inMay(nil), &mine)
	s.globex.Query(t, allOfSummaries, inMay(nil), &others)
	wantEqual(t, "the stranger's", []any{len(others.Metric.Summaries.Nodes), len(others.Metric.SummarySeries.Starts), others.Metric.Summary}, []any{0, 0, (*keptFigure)(nil)})
	var list restatementsAnswer
	s.globex.Query(t, allOfRestatements, map[string]any{"first": 10}, &list)
	wantEqual(t, "the stranger's restatements", len(list.Restatements.Nodes), 0)
	wantRefused(t, s.kit, s.globex.ReadKey, `query ($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": mine.Metric.Summary.ID}, "NOT_FOUND")
	wantRefused(t, s.kit, s.acme.WriteKey, `{ restatements { nodes { start } } }`, nil, "FORBIDDEN")
}

func aTokenShowsItsSummaries(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	summarize(t, s.kit, s.acme, "2026-05-02T12:00:00Z")
	s.acme.Batch(t, event("m2", "E", "u2", noon))
	summarize(t, s.kit, s.acme, "2026-05-02T12:00:00Z")
	var users summariesAnswer
	s.acme.Query(t, allOfSummaries, inMay(map[string]any{"key": "active_users"}), &users)
	token, _ := embed(t, s.acme, time.Hour, eventsAlone)
	answer := s.kit.Ask(t, token, `{ metric(key: "events") { summary(period: DAY, start: "2026-05-01") { value } } restatements(first: 10) { nodes { metric { key } } } }`, nil)
	if data := string(answer.Data); len(answer.Errors) > 0 || !strings.Contains(data, `"value":2`) || strings.Contains(data, "users") || !strings.Contains(data, `{"metric":{"key":"events"}}`) {
		t.Errorf("the token is shown %s %+v", data, answer.Errors)
	}
	wantRefused(t, s.kit, token, `query ($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": users.Metric.Summary.ID}, "NOT_FOUND")
	wantRefused(t, s.kit, token, `{ restatements(metric: "active_users") { nodes { start } } }`, nil, "NOT_FOUND")
}

func badSummaries(t *testing.T, s story) {
	for query, want := range map[string][2]string{
		`{ metric(key: "events") { summaries(period: DAY, first: 0) { nodes { start } } } }`:                             {"BAD_USER_INPUT", "first"},
		`{ metric(key: "events") { summaries(period: DAY, first: 101) { nodes { start } } } }`:                           {"BAD_USER_INPUT", "first"},
		`{ metric(key: "events") { summaries(period: DAY, after: "x") { nodes { start } } } }`:                           {"BAD_USER_INPUT", "after"},
		`{ metric(key: "events") { summaries(period: DAY, from: "2026-05-02", to: "2026-05-02") { nodes { start } } } }`: {"BAD_USER_INPUT", "to"},
		`{ restatements(from: "2026-05-02", to: "2026-05-01") { nodes { start } } }`:                                     {"BAD_USER_INPUT", "to"},
		`{ restatements(metric: "nothing") { nodes { start } } }`:                                                        {"NOT_FOUND", "metric"},
		`{ restatements(first: -1) { nodes { start } } }`:                                                                {"BAD_USER_INPUT", "first"},
		`{ restatements(after: "eA") { nodes { start } } }`:                                                              {"BAD_USER_INPUT", "after"},
		`{ materializedViews(first: 0) { nodes { name } } }`:                                                             {"BAD_USER_INPUT", "first"},
		`{ materializedViews(after: "eA") { nodes { name } } }`:                                                          {"BAD_USER_INPUT", "after"},
	} {
		answer := s.kit.Ask(t, s.acme.ReadKey, query, nil)
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != want[0] || answer.Errors[0].Extensions.Field != want[1] {
			t.Errorf("%s: %+v, want %v", query, answer.Errors, want)
			continue
		}
		wantDiscreet(t, answer.Errors[0].Message, "")
	}
	for _, date := range []string{"", "2026-02-30", "2026-5-1", "today", "2026-05-01T00:00:00Z"} {
		wantRefused(t, s.kit, s.acme.ReadKey, `query ($d: Date!) { metric(key: "events") { summary(period: DAY, start: $d) { id } } }`, map[string]any{"d": date}, "BAD_USER_INPUT")
	}
}

// allOfViews asks for all that there is of them.
const allOfViews = `query ($first: Int!, $after: String) { materializedViews(first: $first, after: $after) {
	edges { cursor node { name } }
	nodes { name state reason startedAt lastRefreshedAt lastDuration staleDays closedDays freshUntil error }
	pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`

type viewsAnswer struct {
	MaterializedViews struct {
		Edges []struct{ Cursor string }
		Nodes []struct {
			Name                                                         string
			State, Reason, StartedAt, LastRefreshedAt, FreshUntil, Error *string
			LastDuration                                                 *float64
			StaleDays, ClosedDays                                        int
		}
		PageInfo pageInfo
	}
}

func viewsTellHowFreshTheyAre(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon), event("m2", "E", "u1", "2026-05-03T12:00:00Z"))
	materialize(t, s.kit)
	look := func(who *served.Tenant) (got viewsAnswer) {
		t.Helper()
		who.Query(t, allOfViews, map[string]any{"first": 10}, &got)
		return got
	}
	got := look(s.acme)
	wantEqual(t, "how many views", len(got.MaterializedViews.Nodes), 2)
	for i, name := range []string{"day_total", "day_type"} {
		v := got.MaterializedViews.Nodes[i]
		if v.Name != name || v.State == nil || v.Reason == nil || v.LastRefreshedAt == nil || *v.LastDuration <= 0 || v.StaleDays != 0 || v.ClosedDays != 2 || *v.FreshUntil <= "2026-05-03" {
			t.Errorf("%s: %s", name, toJSON(t, v))
		}
	}
	// A change of one day, kept from the worker by holding its turn.
	conn := owner(t, s.kit.DB)
	apply(t, conn, "begin")
	apply(t, conn, "select pg_advisory_xact_lock(hashtext('tidemark_closing'))")
	s.acme.Batch(t, event("m3", "E", "u1", "2026-05-03T13:00:00Z"))
	for _, v := range look(s.acme).MaterializedViews.Nodes {
		if v.StaleDays != 1 || v.ClosedDays != 2 || *v.FreshUntil != "2026-05-03" {
			t.Errorf("after a late event %s", toJSON(t, v))
		}
	}
	for _, v := range look(s.globex).MaterializedViews.Nodes {
		if v.StaleDays != 0 || v.ClosedDays != 0 {
			t.Errorf("the stranger sees %s", toJSON(t, v))
		}
	}
	apply(t, conn, "rollback")
	var after *string
	for _, name := range []string{"day_total", "day_type"} {
		var page viewsAnswer
		s.acme.Query(t, allOfViews, map[string]any{"first": 1, "after": after}, &page)
		wantPage(t, page.MaterializedViews.PageInfo, 1, len(page.MaterializedViews.Nodes), len(page.MaterializedViews.Edges), after != nil)
		wantEqual(t, "view", page.MaterializedViews.Nodes[0].Name, name)
		after = page.MaterializedViews.PageInfo.EndCursor
	}
}
