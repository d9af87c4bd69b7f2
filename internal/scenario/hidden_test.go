package scenario_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
)

const whoDidIt = `events(range: {from: "2024-01-01T00:00:00Z", to: "2028-01-01T00:00:00Z"}) { list(first: 10) { nodes { type userId context person { traits } } } }`

// noticed is an answer with what it says about itself.
type noticed struct {
	Data       json.RawMessage
	Extensions struct {
		Notices []struct {
			Code, Group string
			Path        []string
		}
	}
}

// What is personal is null for a viewer, whether there is something or not, and the answer says
// so in the same words; whoever may see it does, at the same time and by the same document.
func TestWhatIsPersonalIsHidden(t *testing.T) {
	s := begin(t)
	viewer := s.join(t, s.acme, "viewer@acme.example", access.Viewer)
	ask := func(token string) (answer noticed) {
		s.kit.Do(t, http.MethodPost, "/graphql", token, requestOf(t, `{ `+whoDidIt+` }`, nil)).Decode(t, &answer)
		return answer
	}
	notices := toJSON(t, ask(viewer.AccessToken).Extensions.Notices)
	wantEqual(t, "without an event", notices, "null")
	s.acme.Batch(t, `{"type":"track","event":"E","anonymousId":"device","messageId":"m1","timestamp":"`+noon+`"}`)
	without := ask(viewer.AccessToken)
	tellOf(t, s, s.acme, said("m2", "identify", `"userId":"u1","traits":{"email":"u1@example.com"}`))
	s.acme.Batch(t, event("m3", "E", "u1", noon))
	with := ask(viewer.AccessToken)
	wantEqual(t, "the notices, with and without a value", with.Extensions.Notices, without.Extensions.Notices)
	wantEqual(t, "the notices", toJSON(t, with.Extensions.Notices), `[`+
		`{"Code":"HIDDEN","Group":"PII","Path":["events","list","nodes","context"]},`+
		`{"Code":"HIDDEN","Group":"PII","Path":["events","list","nodes","person","traits"]},`+
		`{"Code":"HIDDEN","Group":"PII","Path":["events","list","nodes","userId"]}]`)
	if text := string(with.Data); strings.Contains(text, "u1") || !strings.Contains(text, `"userId":null`) || !strings.Contains(text, `"traits":null`) {
		t.Errorf("a viewer sees %s", text)
	}
	all := ask(s.acme.ReadKey)
	if text := string(all.Data); !strings.Contains(text, "u1@example.com") || len(all.Extensions.Notices) != 0 {
		t.Errorf("a key sees %s, %v", text, all.Extensions.Notices)
	}
	wantCode(t, s.kit, viewer.AccessToken, `{ person(userId: "u1") { id } }`, nil, "FORBIDDEN")
	s.wantStrangerEmpty(t)
}

// A live query hides as well, shares nothing with those who see more, and shows what is hidden
// within two seconds of the role that allows it.
func TestALiveQueryHidesToo(t *testing.T) {
	s := begin(t)
	owner, viewer := s.join(t, s.acme, "owner@acme.example", access.Owner), s.join(t, s.acme, "viewer@acme.example", access.Viewer)
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	query := live(whoDidIt)
	seeing, not := watchSocket(t, s.kit, owner.AccessToken, query), watchSocket(t, s.kit, viewer.AccessToken, query)
	wantNext(t, seeing, `"userId":"u1"`)
	wantNext(t, not, `"userId":null`)
	s.acme.Batch(t, event("m2", "F", "u2", noon))
	wantNext(t, seeing, `"userId":"u2"`)
	if next := not.next(t); strings.Contains(next, "u2") || !strings.Contains(next, `"type":"F"`) || !strings.Contains(next, `"group":"PII"`) {
		t.Errorf("a viewer is pushed %s", next)
	}
	socket := s.kit.Connect(t, viewer.AccessToken)
	must[any](t, s.kit, owner.AccessToken, changeRoleIt, vars{"id": viewer.viewer(t, s.kit).MemberID, "role": roleNamed(t, s.kit, owner.AccessToken, "Admin")})
	if got, ended := (ending{t, socket}).end(); !ended || got.Closed != 1012 {
		t.Errorf("a socket whose rights have changed ends with %+v, want 1012", got)
	}
	again := watchSocket(t, s.kit, viewer.AccessToken, query)
	wantNext(t, again, `"userId":"u2"`)
}
