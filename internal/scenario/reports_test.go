package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Reports, and what others are let see of them.
func TestReports(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a report is kept, run and given up", aReportIsKept},
		{"what cannot be a report", whatCannotBeAReport},
		{"a report is pushed", aReportIsPushed},
		{"a shared report shows its answers alone", aSharedReportShowsItsAnswersAlone},
		{"a report shared for some rows", aReportSharedForSomeRows},
		{"taking a report back", takingAReportBack},
	})
}

// How reports are asked for.
const (
	saveIt = `mutation ($r: ReportInput!) { saveReport(report: $r) { id name document variables result createdAt updatedAt shares { id } } }`
	dropIt = `mutation ($id: ID!) { deleteReport(id: $id) }`
	share  = `mutation ($id: ID!, $with: ID!, $rows: RowConditionsInput) {
		shareReport(id: $id, tenant: $with, rows: $rows) { id tenantId rows sharedAt endedAt } }`
	unshare     = `mutation ($id: ID!) { unshareReport(id: $id) { id endedAt } }`
	listReports = `{ reports(first: 10) { edges { cursor node { id } } nodes { id name result } pageInfo { hasNextPage } } }`
	listShared  = `{ sharedReports(first: 10) { edges { cursor node { id } } nodes { id name sharedBy sharedAt result } pageInfo { hasNextPage } } }`
	oneReport   = `query ($id: ID!) { report(id: $id) { id name } node(id: $id) { id ... on Report { name } } }`
	oneShared   = `query ($id: ID!) { sharedReport(id: $id) { id name result } }`
)

// eventsThen counts the events of the day that the stories are told of.
const eventsThen = `query ($from: DateTime!) { metric(key: "events") { value(range: {from: $from, to: "2026-05-02T00:00:00Z"}) { value exact } } }`

func answerOf(events int) string {
	return fmt.Sprintf(`{"data":{"metric":{"value":{"value":%d,"exact":true}}}}`, events)
}

type kept struct {
	ID, Name, Document string
	Variables, Result  map[string]any
	UpdatedAt          string
	Shares             []struct{ ID string }
}

// keep saves the report of the stories.
func keep(t *testing.T, who *served.Tenant, name string) kept {
	t.Helper()
	var answer struct{ SaveReport kept }
	who.Manage(t, saveIt, map[string]any{"r": map[string]any{
		"name": name, "document": eventsThen, "variables": map[string]any{"from": "2026-05-01T00:00:00Z"},
	}}, &answer)
	return answer.SaveReport
}

// tenantID is what a tenant tells others, so that they can share with it.
func tenantID(t *testing.T, who *served.Tenant) string {
	t.Helper()
	var answer struct{ Tenant struct{ ID string } }
	who.Query(t, `{ tenant { id } }`, nil, &answer)
	return answer.Tenant.ID
}

// give shares a report, and returns the id of the share.
func give(t *testing.T, from *served.Tenant, report string, to *served.Tenant, rows any) string {
	t.Helper()
	var answer struct{ ShareReport struct{ ID, TenantID string } }
	from.Manage(t, share, map[string]any{"id": report, "with": tenantID(t, to), "rows": rows}, &answer)
	wantEqual(t, "shared with", answer.ShareReport.TenantID, tenantID(t, to))
	return answer.ShareReport.ID
}

// wantRefused asks, and wants one refusal and nothing else.
func wantRefused(t *testing.T, kit *served.Kit, key, query string, variables map[string]any, code string) {
	t.Helper()
	answer := kit.Ask(t, key, query, variables)
	if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != code {
		t.Errorf("%s %v: %+v %s, want %s", query, variables, answer.Errors, answer.Data, code)
	}
	for _, e := range answer.Errors {
		wantDiscreet(t, e.Message, "")
	}
}

func aReportIsKept(t *testing.T, s story) {
	s.acme.Batch(t, event("m1", "E", "u1", noon), event("m2", "E", "u2", noon))
	made := keep(t, s.acme, "Noon")
	wantEqual(t, "answer", toJSON(t, made.Result), toJSON(t, map[string]any{"data": map[string]any{"metric": map[string]any{"value": map[string]any{"value": 2, "exact": true}}}}))
	wantEqual(t, "document", made.Document, eventsThen)

	var changed struct{ SaveReport kept }
	s.acme.Manage(t, saveIt, map[string]any{"r": map[string]any{"id": made.ID, "name": "Names", "document": `{ metrics { totalCount } }`}}, &changed)
	wantEqual(t, "changed", []any{changed.SaveReport.ID, changed.SaveReport.Name, changed.SaveReport.Result["data"]},
		[]any{made.ID, "Names", map[string]any{"metrics": map[string]any{"totalCount": float64(len(metric.Builtin()) + len(revenue.Metrics()))}}})
	second := keep(t, s.acme, "Second")
	var list struct {
		Reports struct{ Nodes []kept }
		Report  kept
		Node    kept
	}
	s.acme.Query(t, listReports, nil, &list)
	wantEqual(t, "the list", []string{list.Reports.Nodes[0].ID, list.Reports.Nodes[1].ID}, []string{second.ID, made.ID})
	s.acme.Query(t, oneReport, map[string]any{"id": made.ID}, &list)
	wantEqual(t, "found by id", []string{list.Report.Name, list.Node.Name}, []string{"Names", "Names"})

	// The stranger finds, changes and gives up nothing.
	for _, query := range []string{`query ($id: ID!) { report(id: $id) { id } }`, dropIt, `query ($id: ID!) { node(id: $id) { id } }`, oneShared} {
		wantRefused(t, s.kit, s.globex.ManageKey, query, map[string]any{"id": made.ID}, "NOT_FOUND")
	}
	wantRefused(t, s.kit, s.globex.ManageKey, saveIt, map[string]any{"r": map[string]any{"id": made.ID, "name": "x", "document": `{ metrics { totalCount } }`}}, "NOT_FOUND")
	s.globex.Query(t, listReports, nil, &list)
	wantEqual(t, "the stranger's list", len(list.Reports.Nodes), 0)

	s.acme.Manage(t, dropIt, map[string]any{"id": made.ID}, &struct{}{})
	wantRefused(t, s.kit, s.acme.ReadKey, `query ($id: ID!) { report(id: $id) { id } }`, map[string]any{"id": made.ID}, "NOT_FOUND")
}

// Whoever is shown a report may be let see nothing else: so it asks for metrics alone.
func whatCannotBeAReport(t *testing.T, s story) {
	for name, document := range map[string]string{
		"nothing":             ``,
		"no GraphQL":          `select * from event`,
		"no such field":       `{ metric(key: "events") { secret } }`,
		"a mutation":          `mutation { forgetPropertySamples }`,
		"a subscription":      `subscription { live { revision } }`,
		"two queries":         `query a { metrics { totalCount } } query b { metrics { totalCount } }`,
		"events":              `{ events { count } }`,
		"a person":            `{ person(userId: "ann") { id } }`,
		"what is hidden":      `{ events { list { nodes { properties } } } }`,
		"reports":             `{ reports { nodes { name } } }`,
		"a report in another": `{ report(id: "x") { result } }`,
		"what others share":   `{ ...more } fragment more on Query { sharedReports { nodes { result } } }`,
		"a report as a node":  `{ node(id: "x") { ... on SharedReport { result } } }`,
		"a variable too few":  `query ($key: String!) { metric(key: $key) { key } }`,
	} {
		t.Run(name, func(t *testing.T) {
			wantRefused(t, s.kit, s.acme.ManageKey, saveIt, map[string]any{"r": map[string]any{"name": "x", "document": document}}, "BAD_USER_INPUT")
		})
	}
	for _, draft := range []map[string]any{
		{"name": "", "document": `{ metrics { totalCount } }`}, {"name": strings.Repeat("x", 201), "document": `{ metrics { totalCount } }`},
		{"name": "x", "document": `{ metrics { totalCount } } #` + strings.Repeat("x", 20_000)},
	} {
		wantRefused(t, s.kit, s.acme.ManageKey, saveIt, map[string]any{"r": draft}, "BAD_USER_INPUT")
	}
	wantRefused(t, s.kit, s.acme.ReadKey, saveIt, map[string]any{"r": map[string]any{"name": "x", "document": `{ metrics { totalCount } }`}}, "FORBIDDEN")
}

// Asked live, a report's answer is pushed when it changes, and so is another document.
func aReportIsPushed(t *testing.T, s story) {
	made := keep(t, s.acme, "Noon")
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			w := watch(t, s.kit, s.acme.ReadKey, live(`report(id: "`+made.ID+`") { result }`))
			until(t, w, `"value":`)
			events, _ := count(t, s.acme)
			s.acme.Batch(t, event("m"+way, "E", "u1", noon))
			until(t, w, answerOf(events+1))
		})
	}
	w := watchSocket(t, s.kit, s.acme.ReadKey, live(`reports { nodes { name } }`))
	wantNext(t, w, `"Noon"`)
	s.acme.Manage(t, saveIt, map[string]any{"r": map[string]any{"id": made.ID, "name": "Night", "document": `{ metrics { totalCount } }`}}, &struct{}{})
	wantNext(t, w, `"Night"`)
}

// The other tenant sees the name and the answers, and finds nothing else by them; a third one
// sees nothing at all.
func aSharedReportShowsItsAnswersAlone(t *testing.T, s story) {
	third := s.aside(t).acme
	s.acme.Batch(t, event("m1", "E", "u1", noon), event("m2", "E", "u2", noon))
	made := keep(t, s.acme, "Noon")
	shared := give(t, s.acme, made.ID, s.globex, nil)
	var got struct {
		SharedReports struct {
			Nodes []struct {
				ID, Name, SharedBy string
				Result             map[string]any
			}
		}
	}
	s.globex.Query(t, listShared, nil, &got)
	wantEqual(t, "how many are shared", len(got.SharedReports.Nodes), 1)
	node := got.SharedReports.Nodes[0]
	wantEqual(t, "what is shared", []string{node.ID, node.Name, node.SharedBy}, []string{shared, "Noon", "Acme"})
	wantEqual(t, "answer", node.Result, made.Result)
	third.Query(t, listShared, nil, &got)
	wantEqual(t, "what the third sees", len(got.SharedReports.Nodes), 0)
	s.acme.Query(t, listShared, nil, &got)
	wantEqual(t, "what is shared with Acme", len(got.SharedReports.Nodes), 0)
	wantRefused(t, s.kit, third.ReadKey, oneShared, map[string]any{"id": shared}, "NOT_FOUND")
	wantRefused(t, s.kit, third.ReadKey, `query ($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": shared}, "NOT_FOUND")

	// By the grant, or as one who has it, the report itself is neither found nor changed.
	for _, query := range []string{`query ($id: ID!) { report(id: $id) { document } }`, dropIt} {
		wantRefused(t, s.kit, s.globex.ManageKey, query, map[string]any{"id": made.ID}, "NOT_FOUND")
		wantRefused(t, s.kit, s.globex.ManageKey, query, map[string]any{"id": shared}, "NOT_FOUND")
	}
	wantRefused(t, s.kit, s.globex.ManageKey, unshare, map[string]any{"id": shared}, "NOT_FOUND")
	wantRefused(t, s.kit, s.globex.ManageKey, share, map[string]any{"id": made.ID, "with": tenantID(t, third)}, "NOT_FOUND")
	s.wantStrangerEmpty(t)

	// With whom it cannot be shared.
	for with, code := range map[string]string{
		tenantID(t, s.acme): "BAD_USER_INPUT", tenantID(t, s.globex): "BAD_USER_INPUT", "x": "NOT_FOUND", made.ID: "NOT_FOUND",
		"dGVuYW50OjAwMDAwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA": "NOT_FOUND",
	} {
		wantRefused(t, s.kit, s.acme.ManageKey, share, map[string]any{"id": made.ID, "with": with}, code)
	}
	wantRefused(t, s.kit, s.acme.ReadKey, share, map[string]any{"id": made.ID, "with": tenantID(t, third)}, "FORBIDDEN")
	wantRefused(t, s.kit, s.acme.ManageKey, dropIt, map[string]any{"id": made.ID}, "BAD_USER_INPUT") // shared
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		var entries int
		s.kit.Scan(t, `select count(*) from audit_entry where tenant_id = $1 and action = 'REPORT_SHARED'`, []any{who.ID}, &entries)
		wantEqual(t, "entries in the audit log", entries, 1)
	}
}

// A grant for some rows counts those alone, also live, next to one for all of them; and what
// is made to break out of a condition does not.
func aReportSharedForSomeRows(t *testing.T, s story) {
	third := s.aside(t).globex
	in := func(id, region string) string {
		return strings.Replace(event(id, "E", "u"+id, noon), `"type"`, `"properties":{"region":`+region+`},"type"`, 1)
	}
	region := func(values ...any) map[string]any {
		values = append([]any{}, values...) // a list, also of nothing
		return map[string]any{"events": []any{map[string]any{"property": []string{"region"}, "in": values}}}
	}
	s.acme.Batch(t, in("m1", `"EU"`), in("m2", `"EU"`), in("m3", `"US"`), in("m4", `"'\") || true || (\""`))
	made := keep(t, s.acme, "Noon")
	some := give(t, s.acme, made.ID, s.globex, region("EU"))
	all := give(t, s.acme, made.ID, third, nil)
	result := func(id string) string { return live(`sharedReport(id: "` + id + `") { result }`) }
	narrow, whole := watchSocket(t, s.kit, s.globex.ReadKey, result(some)), watchStream(t, s.kit, third.ReadKey, result(all))
	wantNext(t, narrow, answerOf(2))
	wantNext(t, whole, answerOf(4))
	s.acme.Batch(t, in("m5", `"US"`))
	wantNext(t, whole, answerOf(5))
	s.acme.Batch(t, in("m6", `"EU"`))
	wantNext(t, narrow, answerOf(3)) // the very next: what came of the US was nobody's news here
	for _, value := range []any{`EU") || true || ("`, `EU'; set role tidemark_app; --`, `\`, "\u2028", `EU\u0022`, true, 1} {
		fourth := s.aside(t).globex
		id := give(t, s.acme, made.ID, fourth, region(value))
		answer := s.kit.Ask(t, fourth.ReadKey, oneShared, map[string]any{"id": id})
		if !strings.Contains(string(answer.Data), answerOf(0)) {
			t.Errorf("the value %q shows %s %+v", value, answer.Data, answer.Errors)
		}
	}
	for _, rows := range []map[string]any{
		{}, region(), region([]any{"EU"}), {"events": []any{map[string]any{"trait": "x", "in": []any{"EU"}}}},
		{"events": []any{map[string]any{"property": []string{strings.Repeat("x", 201)}, "in": []any{"EU"}}}},
	} {
		answer := s.kit.Ask(t, s.acme.ManageKey, share, map[string]any{"id": made.ID, "with": tenantID(t, s.aside(t).globex), "rows": rows})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "BAD_USER_INPUT" {
			t.Errorf("rows %v: %+v", rows, answer.Errors)
		}
	}
}

// Once a report is taken back its answers are, wherever they are watched.
func takingAReportBack(t *testing.T, s story) {
	made := keep(t, s.acme, "Noon")
	shared := give(t, s.acme, made.ID, s.globex, nil)
	var watchers []watcher
	for _, watch := range ways {
		watchers = append(watchers, watch(t, s.kit, s.globex.ReadKey, live(`sharedReport(id: "`+shared+`") { result }`)))
	}
	list := watchSocket(t, s.kit, s.globex.ReadKey, live(`sharedReports { nodes { name } }`))
	for _, w := range watchers {
		wantNext(t, w, answerOf(0))
	}
	wantNext(t, list, `"Noon"`)
	s.acme.Manage(t, unshare, map[string]any{"id": shared}, &struct{}{})
	for _, w := range watchers {
		wantNext(t, w, "NOT_FOUND")
	}
	wantNext(t, list, `"nodes":[]`)
	wantRefused(t, s.kit, s.globex.ReadKey, oneShared, map[string]any{"id": shared}, "NOT_FOUND")
	wantRefused(t, s.kit, s.acme.ManageKey, unshare, map[string]any{"id": shared}, "NOT_FOUND")
	give(t, s.acme, made.ID, s.globex, nil)
	wantNext(t, list, `"Noon"`)
}
