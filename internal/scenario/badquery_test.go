package scenario_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What cannot be answered is refused, in the same words by every way.
func TestBadAsking(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"bad questions", badQuestions},
		{"bad requests", badRequests},
		{"bad operations", badOperations},
	})
}

// question is a bad one: the selection of a query, the code, and the field that it names.
type question struct{ name, selection, code, field string }

const badInput, invalid, unparsable = "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"

func value(args string) string { return `metric(key: "events") { value(` + args + `) { value } }` }
func series(args string) string {
	return `metric(key: "active_users") { series(` + args + `) { values } }`
}

func cursor(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

func questions() []question {
	const may = `from: "2026-05-01T00:00:00Z", to: "2026-06-01T00:00:00Z"`
	list := []question{
		{"unknown root field", `nothing`, invalid, ""},
		{"unknown field", `tenant { name password }`, invalid, ""},
		{"unknown argument", `metric(key: "events", where: "1=1") { key }`, invalid, ""},
		{"no selection", `tenant`, invalid, ""},
		{"selection of a text", `tenant { name { x } }`, invalid, ""},
		{"missing argument", `metric { key }`, invalid, ""},
		{"argument of the wrong type", `metric(key: 5) { key }`, invalid, ""},
		{"number as a text", `metrics(first: "5") { totalCount }`, invalid, ""},
		{"number with a fraction", `metrics(first: 1.5) { totalCount }`, invalid, ""},
		{"interval of no kind", series(`interval: FORTNIGHT`), invalid, ""},
		{"undeclared variable", `metric(key: $key) { key }`, invalid, ""},
		{"unknown directive", `tenant @secret { name }`, invalid, ""},
		{"unknown fragment", `tenant { ...nobody }`, invalid, ""},
		{"syntax error", `tenant { name`, unparsable, ""},
		{"empty selection", ``, unparsable, ""},
		{"unterminated text", `metric(key: "` + secret + `) { key }`, unparsable, ""},
		{"20,000 aliases", strings.Repeat(`a: tenant { name } `, 20_000), unparsable, ""},
		{"time of no shape", value(`range: {from: "` + secret + `"}`), badInput, "range.from"},
		{"time as a number", value(`range: {from: 1777636800}`), badInput, "range.from"},

		{"from after to", value(`range: {from: "2026-06-01T00:00:00Z", to: "2026-05-01T00:00:00Z"}`), badInput, "range.to"},
		{"from is to", series(`range: {from: "2026-05-01T00:00:00Z", to: "2026-05-01T00:00:00Z"}`), badInput, "range.to"},
		{"from before 2000", value(`range: {from: "1999-12-31T23:59:59Z"}`), badInput, "range.from"},
		{"from in year 0", value(`range: {from: "0000-01-01T00:00:00Z"}`), badInput, "range.from"},
		{"from in year 1", value(`range: {from: "0001-01-01T00:00:00Z"}`), badInput, "range.from"},
		{"from after 2100", value(`range: {from: "2100-01-01T00:00:01Z"}`), badInput, "range.from"},
		{"to after 2100", `events(range: {from: "2026-05-01T00:00:00Z", to: "9999-01-01T00:00:00Z"}) { count }`, badInput, "range.to"},
		{"to without from", value(`range: {to: "2026-05-01T00:00:00Z"}`), badInput, "range.from"},
		{"last 0", value(`range: {last: {count: 0, interval: DAY}}`), badInput, "range.last.count"},
		{"last -1", value(`range: {last: {count: -1, interval: DAY}}`), badInput, "range.last.count"},
		{"last 10,001", `events(range: {last: {count: 10001, interval: HOUR}}) { count }`, badInput, "range.last.count"},
		{"last 10,000 years", value(`range: {last: {count: 10000, interval: YEAR}}`), badInput, "range.last.count"},
		{"last with from", value(`range: {from: "2026-05-01T00:00:00Z", last: {count: 1, interval: DAY}}`), badInput, "range.last"},
		{"last with from and to", value(`range: {` + may + `, last: {count: 1, interval: DAY}}`), badInput, "range.last"},
		{"more than 2,000 points", series(`range: {from: "2026-01-01T00:00:00Z", to: "2026-06-01T00:00:00Z"}, interval: HOUR`), badInput, "interval"},
		{"2,001 points", series(`range: {last: {count: 2001, interval: DAY}}`), badInput, "interval"},
		{"timeline of a million hours", `events(range: {from: "2000-01-01T00:00:00Z"}) { timeline(interval: HOUR) { counts } }`, badInput, "interval"},
		{"metric of no key", `metric(key: "` + secret + `") { key }`, "NOT_FOUND", "key"},
		{"metric of SQL", `metric(key: "events'; drop table event; --") { key }`, "NOT_FOUND", "key"},
		{"1,001 types", `events(types: [` + strings.Repeat(`"a",`, 1001) + `]) { count }`, badInput, "types"},
	}
	for _, zone := range []string{"", " ", "Local", "local", "../etc", "../../etc/passwd", "/etc/localtime", "berlin", "europe/berlin", "Europe/Berlin ",
		"Europe", "Europe/", "posix/Europe/Berlin", "UTC+2", "+02:00", "CEST", `UTC'; select 1; --`, `Europe/Berlin\u0000`, "Zürich", strings.Repeat("Z", 10_000)} {
		name := fmt.Sprintf("zone %.30q", zone)
		list = append(list,
			question{name + " of a value", value(`zone: "` + zone + `"`), badInput, "zone"},
			question{name + " of events", `events(zone: "` + zone + `") { count }`, badInput, "zone"})
	}
	for _, first := range []string{"0", "-1", "501", "1001", "2147483647", "2147483648", "-2147483649", "9223372036854775807"} {
		list = append(list, question{"list of " + first, `events { list(first: ` + first + `) { totalCount } }`, badInput, "first"})
		list = append(list, question{"metrics of " + first, `metrics(first: ` + first + `) { totalCount }`, badInput, "first"})
		if first != "501" {
			list = append(list, question{"types of " + first, `events { byType(first: ` + first + `) { types } }`, badInput, "first"})
		}
	}
	for _, after := range []string{"", "x", "====", secret, cursor("events"), cursor("1.x"), cursor("99999999999999999999.1"), cursor("-1.1"), strings.Repeat("A", 10_000)} {
		list = append(list, question{fmt.Sprintf("events after %.20q", after), `events { list(after: "` + after + `") { totalCount } }`, badInput, "after"})
		if after != cursor("events") {
			list = append(list, question{fmt.Sprintf("metrics after %.20q", after), `metrics(after: "` + after + `") { totalCount }`, badInput, "after"})
		}
	}
	return list
}

// A bad question gets a code, the field at fault and a sentence, the same by every way, and
// in a live query too.
func badQuestions(t *testing.T, s story) {
	for _, q := range questions() {
		t.Run(q.name, func(t *testing.T) {
			for _, by := range transports {
				q.wantRefused(t, by.name, by.ask(t, s.kit, s.acme.ReadKey, requestOf(t, "{ "+q.selection+" }", nil)), true)
				if by.name != "HTTP" {
					live := "subscription { live { query { " + q.selection + " } } }"
					q.wantRefused(t, "live over "+by.name, by.ask(t, s.kit, s.acme.ReadKey, requestOf(t, live, nil)), false)
				}
			}
		})
	}
}

func (q question) wantRefused(t *testing.T, way string, got outcome, null bool) {
	t.Helper()
	if got.Closed != 0 || len(got.Errors) == 0 {
		t.Errorf("%s: %+v", way, got)
		return
	}
	first := got.Errors[0]
	if first.Extensions.Code != q.code || first.Extensions.Field != q.field {
		t.Errorf("%s: got %s %q, want %s %q: %.300s", way, first.Extensions.Code, first.Extensions.Field, q.code, q.field, first.Message)
	}
	if null && !isNull(got.Data) {
		t.Errorf("%s: there is data: %.300s", way, got.Data)
	}
	for _, message := range got.messages() {
		wantDiscreet(t, message, secret)
		if len(message) > 600 {
			t.Errorf("%s: a message of %d bytes", way, len(message))
		}
	}
}

// A request of the wrong shape is refused before any document: with a code over HTTP and in
// a stream, with 4400 over a websocket.
func badRequests(t *testing.T, s story) {
	good := `{"query":"{ tenant { name } }"}`
	for _, c := range []struct{ name, body, field string }{
		{"malformed JSON", `{"query": "` + secret + `}`, ""},
		{"cut short", good[:len(good)-1], ""},
		{"a list of requests", "[" + good + "]", ""},
		{"a text", `"` + secret + `"`, ""},
		{"null", `null`, ""},
		{"no query", `{}`, "query"},
		{"query null", `{"query":null}`, "query"},
		{"query a number", `{"query":5}`, "query"},
		{"variables a list", `{"query":"{ tenant { name } }","variables":["` + secret + `"]}`, "variables"},
		{"variables a text", `{"query":"{ tenant { name } }","variables":"` + secret + `"}`, "variables"},
		{"operationName a number", `{"query":"{ tenant { name } }","operationName":7}`, "operationName"},
		{"invalid UTF-8", "{\"query\":\"{ tenant { name } } # \xff\"}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, by := range transports[:2] {
				got := by.ask(t, s.kit, s.acme.ReadKey, c.body)
				if got.Status != http.StatusBadRequest || got.code() != badInput || got.Errors[0].Extensions.Field != c.field || len(got.Data) > 0 {
					t.Errorf("%s: %+v", by.name, got)
				}
				wantDiscreet(t, got.messages()[0], secret)
			}
			got := overSocket(t, s.kit, s.acme.ReadKey, c.body)
			if got.Closed != 4400 && (c.name != "invalid UTF-8" || got.Closed != 1007) {
				t.Errorf("websocket: closed with %d (%s), want 4400", got.Closed, got.Reason)
			}
			wantDiscreet(t, strings.ReplaceAll(got.Reason, "failed to get reader: ", ""), secret)
		})
	}
}

// What is wrong around a document that is fine by itself.
func badOperations(t *testing.T, s story) {
	two := `query A { tenant { name } } query B { tenant { name } }`
	for _, c := range []struct{ name, body string }{
		{"two operations and no name", toJSON(t, map[string]any{"query": two})},
		{"an operation that is not there", toJSON(t, map[string]any{"query": two, "operationName": "C"})},
		{"a missing variable", requestOf(t, `query ($key: String!) { metric(key: $key) { key } }`, nil)},
		{"a null variable", requestOf(t, `query ($key: String!) { metric(key: $key) { key } }`, map[string]any{"key": nil})},
		{"a variable of another type", requestOf(t, `query ($first: Int!) { metrics(first: $first) { totalCount } }`, map[string]any{"first": "5"})},
		{"a number for a text", requestOf(t, `query ($key: String!) { metric(key: $key) { key } }`, map[string]any{"key": 5})},
		{"a boolean for a text", requestOf(t, `query ($key: String!) { metric(key: $key) { key } }`, map[string]any{"key": true})},
		{"a fraction for a number", requestOf(t, `query ($first: Int!) { metrics(first: $first) { totalCount } }`, map[string]any{"first": 1.5})},
		{"a text for an object", requestOf(t, `query ($range: RangeInput) { events(range: $range) { count } }`, map[string]any{"range": secret})},
		{"an interval of no kind", requestOf(t, `query ($i: Interval!) { events { timeline(interval: $i) { counts } } }`, map[string]any{"i": "day"})},
		{"a mutation without a key for it", requestOf(t, `mutation { ingestEvents(events: []) { accepted } }`, nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, by := range transports {
				got := by.ask(t, s.kit, s.acme.ReadKey, c.body)
				if got.Closed != 0 || got.code() == "" || got.code() == "INTERNAL" || got.code() == "NOT_FOUND" || !isNull(got.Data) {
					t.Errorf("%s: %+v", by.name, got)
					continue
				}
				wantDiscreet(t, got.messages()[0], secret)
			}
		})
	}
	if got := s.kit.Do(t, "GET", "/graphql?query="+"mutation%7BingestEvents(events:%5B%5D)%7Baccepted%7D%7D", s.acme.WriteKey, ""); got.Status != http.StatusMethodNotAllowed {
		t.Errorf("a mutation by GET gets %d %s", got.Status, got.Body)
	}
}
