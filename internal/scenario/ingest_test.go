package scenario_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Every way that an event comes in.
func TestIngest(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"events come in by every door", eventsComeInByEveryDoor},
		{"the status of a tracked event", theStatusOfATrackedEvent},
		{"an ID is made up", anIDIsMadeUp},
		{"pages and screens", pagesAndScreens},
	})
}

func basic(key string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":"))}
}

func verdictsOf(t *testing.T, reply served.Reply, status int) []served.Verdict {
	t.Helper()
	if reply.Status != status {
		t.Fatalf("status %d, want %d: %s", reply.Status, status, reply.Body)
	}
	var answer struct {
		Success  bool
		Verdicts []served.Verdict
	}
	reply.Decode(t, &answer)
	if !answer.Success {
		t.Errorf("success is false beside verdicts: %s", reply.Body)
	}
	return answer.Verdicts
}

// An SDK may write the path with or without a slash, and give its key in two ways.
func eventsComeInByEveryDoor(t *testing.T, s story) {
	doors := []struct {
		name, path, key string
		headers         []string
	}{
		{"batch-bearer", "/v1/batch", s.acme.WriteKey, nil},
		{"batch-slash", "/v1/batch/", s.acme.WriteKey, nil},
		{"batch-basic", "/v1/batch", "", basic(s.acme.WriteKey)},
		{"track-bearer", "/v1/track", s.acme.WriteKey, nil},
		{"track-slash", "/v1/track/", s.acme.WriteKey, nil},
		{"track-basic", "/v1/track/", "", basic(s.acme.WriteKey)},
	}
	for i, door := range doors {
		body := event(door.name, "Opened", door.name, noon)
		if i < 3 {
			body = `{"batch":[` + body + `]}`
		}
		got := verdictsOf(t, s.kit.Do(t, http.MethodPost, door.path, door.key, body, door.headers...), http.StatusOK)
		wantEqual(t, door.name, got, []served.Verdict{{MessageID: door.name, Status: "ACCEPTED"}})
	}
	s.wantCount(t, len(doors), len(doors))
}

// Of a single event the status tells what became of it.
func theStatusOfATrackedEvent(t *testing.T, s story) {
	send := func(body string, status int, want string) {
		t.Helper()
		wantVerdicts(t, verdictsOf(t, s.kit.Do(t, http.MethodPost, "/v1/track", s.acme.WriteKey, body), status), want)
	}
	send(event("m1", "Opened", "u1", noon), http.StatusOK, "ACCEPTED")
	send(event("m1", "Opened", "u1", noon), http.StatusOK, "DUPLICATE")
	send(event("m1", "Closed", "u1", noon), http.StatusConflict, "CONFLICT")
	send(event("m2", "", "u1", noon), http.StatusBadRequest, "REJECTED")
	send(`{"event":"Type is not needed here","userId":"u2"}`, http.StatusOK, "ACCEPTED")
	s.wantCount(t, 2, 2)
}

// A made-up id lets the sender find its event again, and nobody else.
func anIDIsMadeUp(t *testing.T, s story) {
	const body = `{"type":"track","event":"Opened","userId":"u1","timestamp":"` + noon + `"}`
	got := s.acme.Batch(t, body, body)
	wantVerdicts(t, got, "ACCEPTED", "ACCEPTED")
	if got[0].MessageID == "" || got[0].MessageID == got[1].MessageID {
		t.Errorf("the made-up ids are %q and %q", got[0].MessageID, got[1].MessageID)
	}
	s.wantCount(t, 2, 1)
}

// Pages and screens are events too, and a page's name is one of its properties.
func pagesAndScreens(t *testing.T, s story) {
	wantVerdicts(t, s.acme.Batch(t,
		`{"type":"page","name":"Home","anonymousId":"a1","timestamp":"`+noon+`"}`,
		`{"type":"screen","name":"Home","userId":42,"properties":{"name":"Own"},"timestamp":"`+noon+`"}`,
	), "ACCEPTED", "ACCEPTED")
	var answer struct {
		Events struct {
			List struct {
				Nodes []struct {
					Type, UserID, AnonymousID string
					Properties                map[string]any
				}
			}
		}
	}
	s.acme.Query(t, `{ events(`+ever+`) { list { nodes { type userId anonymousId properties } } } }`, nil, &answer)
	nodes := answer.Events.List.Nodes
	wantEqual(t, "types", []string{nodes[1].Type, nodes[0].Type}, []string{"$page", "$screen"})
	wantEqual(t, "names", []any{nodes[1].Properties["name"], nodes[0].Properties["name"]}, []any{"Home", "Own"})
	wantEqual(t, "who", []string{nodes[1].AnonymousID, nodes[0].UserID}, []string{"a1", "42"})
	s.wantCount(t, 2, 2)
}
