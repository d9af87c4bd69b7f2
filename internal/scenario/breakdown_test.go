package scenario_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Figures by anything that is known of events: filtered, told apart, compared, and as they once
// were.
func TestBreakdowns(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"by hand", aBreakdownByHand},
		{"filters", figuresWithFilters},
		{"what is asked wrongly", figuresAskedWrongly},
		{"what is known of people", breakdownsOfPeople},
		{"live", aBreakdownIsPushed},
		{"as it was known", figuresOfThePast},
	})
}

// sold is a sale in a region, by somebody of an account.
func sold(id, user, region, account string, amount int, at string) string {
	return fmt.Sprintf(`{"type":"track","messageId":%q,"event":"Sold","userId":%q,"timestamp":%q,"properties":{"region":%q,"amount":%d},"context":{"groupId":%q,"os":{"name":"iOS"}}}`,
		id, user, at, region, amount, account)
}

// April and May of a company that sells in three regions.
var sales = []string{
	sold("a1", "ann", "EU", "one", 10, "2026-04-02T10:00:00Z"),
	sold("a2", "ben", "EU", "two", 20, "2026-04-03T10:00:00Z"),
	sold("a3", "ben", "US", "two", 30, "2026-04-03T11:00:00Z"),
	sold("m1", "ann", "EU", "one", 10, "2026-05-02T10:00:00Z"),
	sold("m2", "ann", "EU", "one", 20, "2026-05-03T10:00:00Z"),
	sold("m3", "cem", "EU", "two", 30, "2026-05-03T11:00:00Z"),
	sold("m4", "cem", "US", "two", 40, "2026-05-04T11:00:00Z"),
	sold("m5", "ann", "AP", "one", 50, "2026-05-04T12:00:00Z"),
	`{"type":"track","messageId":"m6","event":"Seen","userId":"ann","timestamp":"2026-05-04T13:00:00Z"}`,
}

const overMay = `zone: "UTC", range: {from: "2026-05-01T00:00:00Z", to: "2026-05-29T00:00:00Z"}`

// allOfMetrics asks for every field that figures can have (TestEveryFieldIsAsked).
const allOfMetrics = `query {
  metrics(first: 1) { edges { cursor node { key } } pageInfo { hasNextPage } }
  metric(key: "events") {
    formula direction permission version custom dimensions
    value(` + overMay + `, compare: [{kind: LAST_MONTH}]) { value money { amount currency } definitionVersion sources comparisons { kind range { from to } value difference ratio } }
    series(` + overMay + `, interval: WEEK, movingAverage: 2, compare: [{kind: PREVIOUS_PERIOD}]) {
      values movingAverage cumulative currency definitionVersion sources
      comparisons { kind range { from to } at values differences ratios }
    }
    breakdown(` + overMay + `, by: [{kind: PROPERTY, name: "region"}, {kind: ACCOUNT}], top: 2, interval: MONTH, compare: [{kind: LAST_MONTH}]) {
      by { kind name } groupCount at complete currency range { from to } zone asOf watermark exact definitionVersion sources
      rows { keys value values comparisons { value ratio } }
      rest { keys value values comparisons { value ratio } }
      total { keys value values comparisons { value ratio } }
    }
  }
}`

// peopleOfRows asks whom the rows of a breakdown are made of.
const peopleOfRows = `{
  metric(key: "active_users") {
    breakdown(` + overMay + `, by: [{kind: PROPERTY, name: "region"}], top: 1) {
      groupCount
      rows { keys value entities(first: 5) { totalCount } }
      rest { value entities(first: 5) { totalCount } }
      total { value entities(first: 5) { totalCount } }
    }
  }
}`

func aBreakdownByHand(t *testing.T, s story) {
	s.acme.Batch(t, sales...)
	got := s.kit.Ask(t, s.acme.ReadKey, allOfMetrics, nil)
	for _, part := range []string{
		`"value":{"value":6,"money":null,"definitionVersion":1,"sources":["OPEN"],"comparisons":[{"kind":"LAST_MONTH","range":{"from":"2026-04-01T00:00:00Z","to":"2026-04-29T00:00:00Z"},"value":3,"difference":3,"ratio":1}]}`,
		`"values":[3,3,0,0,0],"movingAverage":[1.5,3,1.5,0,0],"cumulative":[3,6,6,6,6]`,
		`"by":[{"kind":"PROPERTY","name":"region"},{"kind":"ACCOUNT","name":null}],"groupCount":5`,
		`"sources":["OPEN","RAW"]`,
		`"rows":[{"keys":["EU","one"],"value":2,"values":[2],"comparisons":[{"value":1,"ratio":1}]},{"keys":[null,null],"value":1,"values":[1],"comparisons":[{"value":0,"ratio":null}]}]`,
		`"rest":{"keys":[],"value":3,"values":[3],"comparisons":[{"value":2,"ratio":0.5}]}`,
		`"total":{"keys":[],"value":6,"values":[6],"comparisons":[{"value":3,"ratio":1}]}`,
	} {
		if !strings.Contains(string(got.Data), part) {
			t.Errorf("no %s in %s %+v", part, got.Data, got.Errors)
		}
	}
	// One user of two regions is one in their rest, and one in all.
	got = s.kit.Ask(t, s.acme.ReadKey, peopleOfRows, nil)
	wantEqual(t, "users", string(got.Data), `{"metric":{"breakdown":{"groupCount":4,"rows":[{"keys":["EU"],"value":2,"entities":{"totalCount":2}}],"rest":{"value":2,"entities":{"totalCount":2}},"total":{"value":2,"entities":{"totalCount":2}}}}}`)
	got = s.kit.Ask(t, s.globex.ReadKey, peopleOfRows, nil)
	wantEqual(t, "a stranger", string(got.Data), `{"metric":{"breakdown":{"groupCount":0,"rows":[],"rest":null,"total":{"value":0,"entities":{"totalCount":0}}}}}`)
}

func figuresWithFilters(t *testing.T, s story) {
	s.acme.Batch(t, sales...)
	for filter, want := range map[string]string{
		`{dimension: {kind: TYPE}, operator: EQUALS, values: ["Sold"]}`:                                                                                                                    "5",
		`{dimension: {kind: PROPERTY, name: "region"}, operator: NOT_EQUALS, values: ["EU"]}`:                                                                                              "2",
		`{not: {dimension: {kind: PROPERTY, name: "region"}, operator: EQUALS, values: ["EU"]}}`:                                                                                           "2",
		`{dimension: {kind: PROPERTY, name: "region"}, operator: IS_NOT_SET}`:                                                                                                              "1",
		`{dimension: {kind: PROPERTY, name: "region"}, operator: STARTS_WITH, values: ["e"]}`:                                                                                              "3",
		`{dimension: {kind: PROPERTY, name: "amount"}, operator: AT_LEAST, values: [30]}`:                                                                                                  "3",
		`{dimension: {kind: PROPERTY, name: "amount"}, operator: AT_LEAST, values: ["30"]}`:                                                                                                "0",
		`{dimension: {kind: CONTEXT, name: "os.name"}, operator: CONTAINS, values: ["OS"]}`:                                                                                                "5",
		`{and: [{dimension: {kind: ACCOUNT}, operator: EQUALS, values: ["two"]}, {or: [{dimension: {kind: SOURCE}, operator: IS_SET}, {dimension: {kind: TYPE}, operator: IS_NOT_SET}]}]}`: "2",
	} {
		got := s.kit.Ask(t, s.acme.ReadKey, `{ metric(key: "events") { value(`+overMay+`, filter: `+filter+`) { value } } }`, nil)
		wantEqual(t, filter, string(got.Data), `{"metric":{"value":{"value":`+want+`}}}`)
	}
	s.wantStrangerEmpty(t)
}

func figuresAskedWrongly(t *testing.T, s story) {
	const type0 = `{dimension: {kind: TYPE}, operator: IS_SET}`
	for asked, field := range map[string]string{
		`value(filter: {and: [` + type0 + `, {dimension: {kind: TYPE}, operator: EQUALS}]}) { value }`:              "filter.and[1].values",
		`value(filter: {not: {dimension: {kind: PROPERTY, name: "n"}, operator: EQUALS, values: [[1]]}}) { value }`: "filter.not.values",
		`value(filter: {or: []}) { value }`:                                                                          "filter",
		`value(filter: {dimension: {kind: PROPERTY}, operator: IS_SET}) { value }`:                                   "filter.dimension.name",
		`value(filter: {dimension: {kind: PLAN}, operator: IS_SET}) { value }`:                                       "filter.dimension.kind",
		`value(compare: [{kind: RANGE}]) { value }`:                                                                  "compare.range",
		`value(asOf: "2090-01-01T00:00:00Z") { value }`:                                                              "asOf",
		`series(movingAverage: 1) { values }`:                                                                        "movingAverage",
		`breakdown(by: []) { groupCount }`:                                                                           "by",
		`breakdown(by: [{kind: TYPE}, {kind: TYPE}]) { groupCount }`:                                                 "by[1]",
		`breakdown(by: [{kind: TYPE, name: "x"}]) { groupCount }`:                                                    "by[0].name",
		`breakdown(by: [{kind: TYPE}], top: 101) { groupCount }`:                                                     "top",
		`breakdown(by: [{kind: TYPE}], top: 100, interval: HOUR, range: {last: {count: 30, interval: DAY}}) { at }`:  "interval",
		`breakdown(by: [{kind: TYPE}, {kind: SOURCE}, {kind: ACCOUNT}, {kind: PROPERTY, name: "n"}]) { groupCount }`: "by",
	} {
		got := s.kit.Ask(t, s.acme.ReadKey, `{ metric(key: "events") { `+asked+` } }`, nil)
		if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "BAD_USER_INPUT" || got.Errors[0].Extensions.Field != field {
			t.Errorf("%s: %+v, want BAD_USER_INPUT of %s", asked, got.Errors, field)
		}
	}
}

// identified says a trait of a user, or of an account.
func identified(id, user, plan, at string) string {
	return fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":%q,"timestamp":%q,"traits":{"plan":%q}}`, id, user, at, plan)
}

// What is known of people is told to who may see it; and nobody else learns it by a filter.
func breakdownsOfPeople(t *testing.T, s story) {
	s.acme.Batch(t, sales...)
	s.acme.Batch(t, identified("i1", "ann", "gold", "2026-01-01T00:00:00Z"), identified("i2", "cem", "free", "2026-01-01T00:00:00Z"),
		identified("i3", "ann", "silver", "2026-01-02T00:00:00Z"),
		`{"type":"group","messageId":"g1","userId":"ann","groupId":"one","timestamp":"2026-01-01T00:00:00Z","traits":{"size":7}}`)
	const users = `breakdown(` + overMay + `, by: [{kind: USER_TRAIT, name: "plan"}]) { rows { keys value } }`
	const accounts = `breakdown(` + overMay + `, by: [{kind: ACCOUNT_TRAIT, name: "size"}]) { rows { keys value } }`
	const filtered = `value(` + overMay + `, filter: {not: {dimension: {kind: USER_TRAIT, name: "plan"}, operator: EQUALS, values: ["gold"]}}) { value }`
	metricOf := func(selection string) string { return `{ metric(key: "events") { ` + selection + ` } }` }
	got := s.kit.Ask(t, s.acme.ManageKey, metricOf(users+` two: `+accounts), nil)
	wantEqual(t, "traits", string(got.Data), `{"metric":{"breakdown":{"rows":[{"keys":["silver"],"value":4},{"keys":["free"],"value":2}]},"two":{"rows":[{"keys":[null],"value":3},{"keys":["7"],"value":3}]}}}`)

	d := newDesk(t, s)
	blind := access.Principal{Tenant: s.acme.ID, Kind: access.ReadKey, Permissions: access.Of(access.ReadMetrics)}
	for document, field := range map[string]string{users: `"field":"by[0]"`, filtered: `"field":"filter.not.dimension"`} {
		if got := d.ask(t, blind, metricOf(document)); !strings.Contains(got, `"code":"FORBIDDEN"`) || !strings.Contains(got, field) {
			t.Errorf("%s to who may not see people: %s", document, got)
		}
	}
	// Who sees the accounts of size 7 alone is told of what these did, and of no more.
	seeing := d.member(t, s, s.acme, `{"events":[{"group":"account","in":["one"]}],"people":[{"trait":"plan","in":["silver"]}],"accounts":[{"trait":"size","in":[7]}]}`, access.ReadMetrics, access.ReadPII)
	for document, want := range map[string]string{
		users:    `{"metric":{"breakdown":{"rows":[{"keys":["silver"],"value":3}]}}}`,
		accounts: `{"metric":{"breakdown":{"rows":[{"keys":["7"],"value":3}]}}}`,
		`breakdown(` + overMay + `, by: [{kind: TYPE}]) { rows { keys value } }`: `{"metric":{"breakdown":{"rows":[{"keys":["Sold"],"value":3}]}}}`,
	} {
		if got := d.ask(t, seeing, metricOf(document)); !strings.Contains(got, want) {
			t.Errorf("%s to who sees some: %s, want %s", document, got, want)
		}
	}
}

func aBreakdownIsPushed(t *testing.T, s story) {
	s.acme.Batch(t, sales...)
	const rows = `metric(key: "events") { breakdown(` + overMay + `, by: [{kind: USER_TRAIT, name: "plan"}], top: 2, filter: {dimension: {kind: PROPERTY, name: "region"}, operator: EQUALS, values: ["EU"]}) { rows { keys value } total { value } } }`
	w := watchSocket(t, s.kit, s.acme.ManageKey, live(rows))
	other := watchSocket(t, s.kit, s.globex.ManageKey, live(rows))
	wantNext(t, w, `"rows":[{"keys":[null],"value":3}]`)
	wantNext(t, other, `"rows":[],"total":{"value":0}`)
	s.acme.Batch(t, sold("m7", "cem", "EU", "two", 1, "2026-05-05T11:00:00Z"))
	until(t, w, `"rows":[{"keys":[null],"value":4}]`)
	s.acme.Batch(t, identified("i1", "cem", "gold", "2020-01-01T00:00:00Z")) // years before the range
	until(t, w, `"keys":["gold"],"value":2`)
	s.wantStrangerEmpty(t)
}

// What came later is not in the past, and who was merged later was two.
func figuresOfThePast(t *testing.T, s story) {
	s.acme.Batch(t, sales...)
	was := instant(t, s.kit)
	const figures = `users: metric(key: "active_users") { value(%[1]s%[2]s) { value asOf exact sources } } events: metric(key: "events") { value(%[1]s%[2]s) { value } } new: metric(key: "new_users") { value(zone: "UTC", range: {from: "2026-04-01T00:00:00Z", to: "2026-05-29T00:00:00Z"}%[2]s) { value } }`
	ask := func(asOf string) string {
		return string(s.kit.Ask(t, s.acme.ManageKey, `{ `+fmt.Sprintf(figures, overMay, asOf)+` }`, nil).Data)
	}
	then := `, asOf: "` + was.Format(time.RFC3339Nano) + `"`
	before := ask(then)
	for _, part := range []string{`"users":{"value":{"value":2`, `"events":{"value":{"value":6`, `"new":{"value":{"value":3`, `"sources":["RAW"]`, `"exact":true`} {
		if !strings.Contains(before, part) {
			t.Errorf("as it was: no %s in %s", part, before)
		}
	}
	s.acme.Batch(t, sold("late", "dua", "EU", "two", 1, "2026-05-05T11:00:00Z"))
	merge(t, s.acme, "ann", "cem")
	now := ask("")
	for _, part := range []string{`"users":{"value":{"value":2`, `"events":{"value":{"value":7`, `"new":{"value":{"value":3`} {
		if !strings.Contains(now, part) {
			t.Errorf("as it is: no %s in %s", part, now)
		}
	}
	wantEqual(t, "the past, told later", ask(then), before)
}

// instant reads the database's clock.
func instant(t *testing.T, kit *served.Kit) (at time.Time) {
	t.Helper()
	if err := owner(t, kit.DB).QueryRow(t.Context(), "select clock_timestamp()").Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}
