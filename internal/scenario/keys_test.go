package scenario_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Keys, and what they may do.
func TestKeys(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a key is shown once", aKeyIsShownOnce},
		{"a key is rotated under its users", aKeyIsRotatedUnderItsUsers},
		{"a key ends while it is watched with", aKeyEndsWhileItIsWatchedWith},
		{"a publishable key sends and does nothing else", aPublishableKeySendsAndDoesNothingElse},
		{"a use outside of the pattern is kept", aUseOutsideOfThePatternIsKept},
		{"the last use is told, live", theLastUseIsToldLive},
	})
}

const (
	allOfKeys = `{ apiKeys(first: 10) { totalCount pageInfo { hasNextPage } edges { cursor node { id } } nodes {
		id kind name prefix permissions origins createdAt createdBy expiresAt revokedAt revokedReason lastUsedAt lastUsedFrom rotates { id } } } }`
	makeKey = `mutation ($kind: APIKeyKind!, $name: String!, $permissions: [Permission!], $origins: [String!], $expiresAt: DateTime) {
		createApiKey(kind: $kind, name: $name, permissions: $permissions, origins: $origins, expiresAt: $expiresAt) { secret key { id prefix permissions } } }`
	rotateIt = `mutation ($id: ID!, $hours: Int!) { rotateApiKey(id: $id, overlapHours: $hours) { secret key { id name rotates { id expiresAt revokedReason } } } }`
	revokeIt = `mutation ($id: ID!) { revokeApiKey(id: $id, reason: "lost") { id revokedAt revokedReason } }`
)

type keyShown struct {
	ID, Kind, Name, Prefix string
	Permissions, Origins   []string
	CreatedBy, LastUsedAt  *string
	RevokedAt              *string
	RevokedReason          *string
	ExpiresAt              *time.Time
	Rotates                *struct{ ID, RevokedReason string }
}

type madeKey struct {
	Secret string
	Key    keyShown
}

// make has a tenant make a key.
func newKey(t *testing.T, who *served.Tenant, variables map[string]any) madeKey {
	t.Helper()
	var answer struct{ CreateAPIKey madeKey }
	variables["name"] = "n"
	who.Manage(t, makeKey, variables, &answer)
	return answer.CreateAPIKey
}

func rotate(t *testing.T, who *served.Tenant, id string, hours int) madeKey {
	t.Helper()
	var answer struct{ RotateAPIKey madeKey }
	who.Manage(t, rotateIt, map[string]any{"id": id, "hours": hours}, &answer)
	return answer.RotateAPIKey
}

// Whoever makes a key is told its secret, and nobody after; others can tell it from its
// beginning, and the stranger does not hear of it.
func aKeyIsShownOnce(t *testing.T, s story) {
	made := newKey(t, s.acme, map[string]any{"kind": "READ", "permissions": []string{"READ"}})
	wantEqual(t, "permissions", made.Key.Permissions, []string{"READ_METRICS", "READ"})
	answer := s.kit.Ask(t, s.acme.ManageKey, allOfKeys, nil)
	if text := string(answer.Data); strings.Contains(text, made.Secret) || !strings.Contains(text, made.Secret[:10]) || len(answer.Errors) > 0 {
		t.Errorf("the list is %s %+v", text, answer.Errors)
	}
	var list struct {
		APIKeys struct {
			TotalCount int
			Nodes      []keyShown
		}
	}
	if err := json.Unmarshal(answer.Data, &list); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "how many there are", list.APIKeys.TotalCount, 4)
	if first := list.APIKeys.Nodes[0]; first.ID != made.Key.ID || first.Kind != "READ" || first.CreatedBy == nil {
		t.Errorf("the newest is %+v", first)
	}
	stored := ""
	s.kit.Scan(t, `select string_agg(k::text, ' ') from api_key k where tenant_id = $1`, []any{s.acme.ID}, &stored)
	told := ""
	s.kit.Scan(t, `select string_agg(e::text, ' ') from audit_entry e where tenant_id = $1`, []any{s.acme.ID}, &told)
	if strings.Contains(stored+told, made.Secret[10:]) || !strings.Contains(told, "KEY_CREATED") {
		t.Error("the secret is stored, or its making is not in the audit")
	}
	if got := s.kit.Ask(t, made.Secret, `{ events(`+ever+`) { count } }`, nil); len(got.Errors) > 0 {
		t.Errorf("the key reads %+v", got.Errors)
	}
	if got := s.kit.Ask(t, made.Secret, `{ eventTypes { totalCount } }`, nil); len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "FORBIDDEN" {
		t.Errorf("the key may more than it was given: %s %+v", got.Data, got.Errors)
	}
	for _, document := range []string{`query ($id: ID!) { node(id: $id) { id } }`, revokeIt, `mutation ($id: ID!) { rotateApiKey(id: $id) { secret } }`} {
		got := s.kit.Ask(t, s.globex.ManageKey, document, map[string]any{"id": made.Key.ID})
		if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "NOT_FOUND" {
			t.Errorf("the stranger gets %s %+v", got.Data, got.Errors)
		}
	}
	if got := s.kit.Ask(t, s.globex.ManageKey, allOfKeys, nil); !strings.Contains(string(got.Data), `"totalCount":3`) {
		t.Errorf("the stranger's own are %s", got.Data)
	}
}

// With an overlap the old key goes on, and asks those who watch to come again, since its end
// is another; without one, it ends at once.
func aKeyIsRotatedUnderItsUsers(t *testing.T, s story) {
	old := newKey(t, s.acme, map[string]any{"kind": "READ"})
	socket := s.kit.Connect(t, old.Secret)
	next := rotate(t, s.acme, old.Key.ID, 24)
	if got, ended := (ending{t, socket}).end(); !ended || got.Closed != 1012 {
		t.Errorf("the socket ends with %+v, want 1012", got)
	}
	again := s.kit.Connect(t, old.Secret)
	if got := s.kit.Ask(t, next.Secret, `{ tenant { name } }`, nil); len(got.Errors) > 0 {
		t.Errorf("the new key gets %+v", got.Errors)
	}
	var revoked struct{ RevokeAPIKey keyShown }
	s.acme.Manage(t, revokeIt, map[string]any{"id": old.Key.ID}, &revoked)
	if r := revoked.RevokeAPIKey; r.RevokedAt == nil || r.RevokedReason == nil || *r.RevokedReason != "lost" {
		t.Errorf("revoked: %+v", r)
	}
	if got, ended := (ending{t, again}).end(); !ended || got.Closed != 4401 {
		t.Errorf("the socket ends with %+v, want 4401", got)
	}
	watching := s.kit.Connect(t, next.Secret)
	last := rotate(t, s.acme, next.Key.ID, 0)
	if got, ended := (ending{t, watching}).end(); !ended || got.Closed != 4401 {
		t.Errorf("without an overlap the socket ends with %+v, want 4401", got)
	}
	if last.Key.Rotates == nil || last.Key.Rotates.ID != next.Key.ID || last.Key.Rotates.RevokedReason != "Rotated." {
		t.Errorf("the last is %+v", last.Key)
	}
	s.wantShutOut(t, next.Secret)
}

// A key that ends while somebody watches ends what they watch, within five seconds.
func aKeyEndsWhileItIsWatchedWith(t *testing.T, s story) {
	ends := time.Now().Add(3 * time.Second)
	key := newKey(t, s.acme, map[string]any{"kind": "READ", "expiresAt": ends.Format(time.RFC3339Nano)}).Secret
	socket := s.kit.Connect(t, key)
	wantNext(t, socketWatcher{socket, socket.Subscribe(t, live(`events(`+ever+`) { count }`))}, `"count":0`)
	if got, ended := (ending{t, socket}).end(); !ended || got.Closed != 4403 {
		t.Errorf("the socket ends with %+v, want 4403", got)
	}
	if late := time.Since(ends); late > 5*time.Second || late < 0 {
		t.Errorf("it ended %s after its time", late)
	}
	s.wantShutOut(t, key)
}

func aPublishableKeySendsAndDoesNothingElse(t *testing.T, s story) {
	key := newKey(t, s.acme, map[string]any{"kind": "PUBLISH", "origins": []string{"https://www.example.com"}}).Secret
	body := `{"batch":[` + event("m1", "E", "u1", noon) + `]}`
	for origin, want := range map[string]int{"https://www.example.com": http.StatusOK, "https://evil.example": http.StatusForbidden, "null": http.StatusForbidden} {
		if got := s.kit.Do(t, http.MethodPost, "/v1/batch", key, body, "Origin", origin); got.Status != want {
			t.Errorf("from %s: %d %s", origin, got.Status, got.Body)
		}
	}
	s.wantCount(t, 1, 1)
	for _, document := range []string{`{ __typename }`, `{ tenant { name } }`, asked["Mutation.ingestEvents"]} {
		for _, by := range transports[:2] {
			if got := by.ask(t, s.kit, key, requestOf(t, document, nil)); got.code() != "FORBIDDEN" || got.Status != http.StatusForbidden {
				t.Errorf("over %s it gets %+v", by.name, got)
			}
		}
	}
	s.wantCount(t, 1, 1)
}

// misuses waits until the audit has so many, and gives them as texts.
func (s story) misuses(t *testing.T, want int) (list []string) {
	t.Helper()
	conn := owner(t, s.kit.DB)
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		list = rows(t, conn, `select after::text || ' ' || actor_kind || ' ' || coalesce(address, '') from audit_entry
			where tenant_id = $1 and action = 'KEY_MISUSED' order by 1`, s.acme.ID)
		if len(list) >= want {
			break
		}
	}
	return list
}

// Each key and way is told once an hour, however often it is tried, and the key never.
func aUseOutsideOfThePatternIsKept(t *testing.T, s story) {
	revoked := newKey(t, s.acme, map[string]any{"kind": "READ"})
	s.acme.Manage(t, revokeIt, map[string]any{"id": revoked.Key.ID}, &struct{}{})
	embed := newKey(t, s.acme, map[string]any{"kind": "EMBED"})
	publish := newKey(t, s.acme, map[string]any{"kind": "PUBLISH", "origins": []string{"https://a.example"}})
	for range 3 {
		s.kit.Ask(t, revoked.Secret, `{ tenant { name } }`, nil)
		s.kit.Ask(t, embed.Secret, `{ tenant { name } }`, nil)
		s.kit.Ask(t, publish.Secret, `{ tenant { name } }`, nil)
		s.kit.Do(t, http.MethodPost, "/v1/batch", publish.Secret, `{"batch":[]}`)
		s.kit.Do(t, http.MethodPost, "/v1/batch", s.acme.ReadKey, `{"batch":[]}`)
		s.kit.Ask(t, s.acme.WriteKey, `{ tenant { name } }`, nil)
		s.kit.Ask(t, s.acme.WriteKey, `{ __typename }`, nil)
	}
	got := s.misuses(t, 6)
	wantEqual(t, "the audit", got, []string{
		`{"as":"REVOKED","kind":"read"} KEY 127.0.0.1`,
		`{"as":"WRONG_ORIGIN","kind":"publish"} KEY 127.0.0.1`,
		`{"as":"WRONG_PLACE","kind":"embed"} KEY 127.0.0.1`,
		`{"as":"WRONG_PLACE","kind":"publish"} KEY 127.0.0.1`,
		`{"as":"WRONG_PLACE","kind":"read"} KEY 127.0.0.1`,
		`{"as":"WRONG_PLACE","kind":"write"} KEY 127.0.0.1`,
	})
	if n := number(t, owner(t, s.kit.DB), `select count(*) from audit_entry where tenant_id = $1 and action = 'KEY_MISUSED'`, s.globex.ID); n != 0 {
		t.Errorf("the stranger's audit has %d of them", n)
	}
}

func theLastUseIsToldLive(t *testing.T, s story) {
	made := newKey(t, s.acme, map[string]any{"kind": "READ"})
	w := watchSocket(t, s.kit, s.acme.ManageKey, live(`apiKeys(first: 1) { nodes { lastUsedAt lastUsedFrom } }`))
	wantNext(t, w, `"lastUsedAt":null`)
	s.kit.Ask(t, made.Secret, `{ tenant { name } }`, nil)
	until(t, w, `"lastUsedFrom":"127.0.0.0/24"`)
	// Once a minute: what follows at once is no change.
	s.kit.Ask(t, made.Secret, `{ tenant { name } }`, nil)
	if n := number(t, owner(t, s.kit.DB), `select count(*) from api_key_use u join api_key k using (tenant_id, api_key_id) where u.tenant_id = $1 and k.name = 'n'`, s.acme.ID); n != 1 {
		t.Errorf("%d uses", n)
	}
}

// What is told of keys in answers to who has none, or not one that may.
func TestNobodyMakesThemselvesMore(t *testing.T) {
	s := begin(t)
	weak := newKey(t, s.acme, map[string]any{"kind": "MANAGE", "permissions": []string{"MANAGE_KEYS"}}).Secret
	for kind, want := range map[string]string{"READ": "FORBIDDEN", "MANAGE": "FORBIDDEN", "EMBED": "FORBIDDEN", "WRITE": "", "PUBLISH": ""} {
		got := s.kit.Ask(t, weak, makeKey, map[string]any{"kind": kind, "name": "more"})
		code := ""
		if len(got.Errors) > 0 {
			code = got.Errors[0].Extensions.Code
		}
		if code != want {
			t.Errorf("%s: %s %+v", kind, got.Data, got.Errors)
		}
	}
	for field, variables := range map[string]map[string]any{
		"kind":        nil,
		"name":        {"kind": "READ", "name": ""},
		"permissions": {"kind": "READ", "permissions": []string{"MANAGE_KEYS"}},
		"origins":     {"kind": "PUBLISH", "origins": []string{"example.com"}},
		"expiresAt":   {"kind": "READ", "expiresAt": "2020-01-01T00:00:00Z"},
	} {
		if variables == nil {
			continue // the schema's to refuse
		}
		if variables["name"] == nil {
			variables["name"] = "n"
		}
		got := s.kit.Ask(t, s.acme.ManageKey, makeKey, variables)
		if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "BAD_USER_INPUT" || got.Errors[0].Extensions.Field != field {
			t.Errorf("%s: %s", field, fmt.Sprint(got.Errors))
		}
	}
}
