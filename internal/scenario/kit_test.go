package scenario_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// story is a server with two companies: the one it is about, and a stranger.
type story struct {
	kit          *served.Kit
	acme, globex *served.Tenant
}

func begin(t *testing.T) story {
	t.Helper()
	kit := served.Start(t)
	return story{kit, kit.Tenant(t, "Acme", "Europe/Berlin"), kit.Tenant(t, "Globex", "America/New_York")}
}

// chapter is a part of a story, with a name that says what happens.
type chapter struct {
	name string
	tell func(t *testing.T, s story)
}

// tell has all chapters happen in the same house, each to companies of its own.
func (s story) tell(t *testing.T, chapters []chapter) {
	t.Helper()
	for _, c := range chapters {
		t.Run(c.name, func(t *testing.T) { c.tell(t, s.aside(t)) })
	}
}

// aside is a story in the same house, of companies that have done nothing yet.
func (s story) aside(t *testing.T) story {
	t.Helper()
	return story{s.kit, s.kit.Tenant(t, "Acme", "Europe/Berlin"), s.kit.Tenant(t, "Globex", "America/New_York")}
}

// The members of an event that the tests change.
const noon = "2026-05-01T12:00:00Z"

// event is a tracked event in Segment's shape.
func event(id, name, user, at string) string {
	return fmt.Sprintf(`{"type":"track","messageId":%q,"event":%q,"userId":%q,"timestamp":%q}`, id, name, user, at)
}

// ever is a range that holds all of a story.
const ever = `range: {from: "2024-01-01T00:00:00Z", to: "2028-01-01T00:00:00Z"}`

// count asks how many events and how many users a tenant has.
func count(t *testing.T, who *served.Tenant) (events, users int) {
	t.Helper()
	var answer struct {
		Events struct{ Count int }
		Metric struct{ Value struct{ Value int } }
	}
	who.Query(t, `{ events(`+ever+`) { count } metric(key: "active_users") { value(`+ever+`) { value } } }`, nil, &answer)
	return answer.Events.Count, answer.Metric.Value.Value
}

// wantCount holds the figures against a count by hand, and the stranger against nothing.
func (s story) wantCount(t *testing.T, events, users int) {
	t.Helper()
	if e, u := count(t, s.acme); e != events || u != users {
		t.Errorf("Acme has %d events of %d users, want %d of %d", e, u, events, users)
	}
	s.wantStrangerEmpty(t)
}

func (s story) wantStrangerEmpty(t *testing.T) {
	t.Helper()
	if e, u := count(t, s.globex); e != 0 || u != 0 {
		t.Errorf("the stranger sees %d events of %d users", e, u)
	}
}

// wantVerdicts compares the statuses alone.
func wantVerdicts(t *testing.T, got []served.Verdict, want ...string) {
	t.Helper()
	var statuses []string
	for _, v := range got {
		statuses = append(statuses, v.Status)
	}
	if diff := cmp.Diff(want, statuses); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s\n%+v", diff, got)
	}
}

// wantEqual compares anything.
func wantEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// toJSON writes what must be writable.
func toJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// leaks lists what no message to a caller may contain.
var leaks = []string{"select ", "insert ", "SQLSTATE", "pgx", "goroutine", ".go:", "panic", "tidemark_app", "unexpected EOF", "jsontext", "/work/"}

// wantDiscreet fails if a message shows the inside, or the marker that the body had.
func wantDiscreet(t *testing.T, message, marker string) {
	t.Helper()
	if message == "" {
		t.Error("there is no message")
	}
	for _, leak := range leaks {
		if strings.Contains(message, leak) {
			t.Errorf("the message %q shows the inside (%q)", message, leak)
		}
	}
	if marker != "" && strings.Contains(message, marker) {
		t.Errorf("the message %q repeats the body", message)
	}
}
