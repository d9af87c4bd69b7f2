package scenario_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// seer is somebody who watches: with what, what of a document, and what they must never be shown.
type seer struct {
	token, operation string
	variables        vars
	never            []string
}

// sharing is two who watch the same, and do not see the same.
type sharing struct {
	document string // between the braces of a query
	seers    func(t *testing.T, s story) (one, other seer)
	change   func(t *testing.T, s story) // of what both see
}

const whatIsSeen = `events(range: $range) { count list(first: 10) { nodes { type userId properties person { traits } } } }
	metric(key: "events") { value(range: $range) { value } series(range: $range) { values } } tenant { name }`

var sharings = map[string]sharing{
	"two companies":               {whatIsSeen, twoCompanies, somethingHappens},
	"two roles":                   {whatIsSeen, twoRoles, somethingHappens},
	"a key and a role":            {whatIsSeen, aKeyAndARole, somethingHappens},
	"two roles of some rows each": {whatIsSeen, twoRegions, somethingHappens},
	"all rows and some":           {whatIsSeen, allRowsAndSome, somethingHappens},
	"two who sign in":             {`viewer { email name sessions { nodes { current } totalCount } } tenant { name }`, twoMembers, somebodyIsCalledOtherwise},
	"two sessions of one":         {`viewer { email name sessions { nodes { id current } totalCount } } tenant { name }`, twoSessions, somebodyIsCalledOtherwise},
	"a token and a key":           {`metric(key: "events") { value(range: $range) { value } series(range: $range) { values } } metrics(first: 100) { totalCount }`, aTokenAndAKey, somethingHappens},
	"two tokens":                  {`metric(key: "events") { value(range: $range) { value } series(range: $range) { values } }`, twoTokens, somethingHappens},
	"two variables":               {whatIsSeen, twoVariables, somethingHappens},
	"two operations":              {whatIsSeen, twoOperations, somethingHappens},
}

// Whoever watches the same as somebody else, before or after them and by either way, sees exactly
// what a query of their own gives: never what only the other may see.
func TestWhatIsSharedLeaksNothing(t *testing.T) {
	s := begin(t)
	for name, sh := range sharings {
		for way := range ways {
			for _, order := range []string{"the one first", "the other first"} {
				t.Run(strings.Join([]string{name, way, order}, ", "), func(t *testing.T) {
					t.Parallel()
					sh.leaksNothing(t, s.aside(t), way, order == "the one first")
				})
			}
		}
	}
}

func (sh sharing) leaksNothing(t *testing.T, s story, way string, oneFirst bool) {
	s.bothRegions(t, "before")
	one, other := sh.seers(t, s)
	seers := []seer{one, other}
	if !oneFirst {
		slices.Reverse(seers)
	}
	var watchers []watcher
	for _, who := range seers {
		w := who.watch(t, s, way, sh.document)
		watchers = append(watchers, w)
		who.wantOwn(t, s, w, sh.document)
	}
	first, second := seers[0].plain(t, s, sh.document), seers[1].plain(t, s, sh.document)
	if first == second {
		t.Fatalf("both see %s: there is nothing to leak", first)
	}
	sh.change(t, s)
	for i, who := range seers {
		who.wantOwn(t, s, watchers[i], sh.document)
	}
}

// documents are a plain one and a live one, each with the same two operations.
func documents(selection string) (plain, live string) {
	variables := ""
	if strings.Contains(selection, "$range") {
		variables = "($range: RangeInput!)"
	}
	told := "told: __typename " + selection
	return fmt.Sprintf(`query Seen%[1]s { %[2]s } query Told%[1]s { %[3]s }`, variables, selection, told),
		fmt.Sprintf(`subscription Seen%[1]s { live { query { %[2]s } } } subscription Told%[1]s { live { query { %[3]s } } }`, variables, selection, told)
}

func (who seer) body(t *testing.T, document string) string {
	t.Helper()
	return toJSON(t, vars{"query": document, "operationName": who.operation, "variables": who.variables})
}

func (who seer) watch(t *testing.T, s story, way, selection string) watcher {
	t.Helper()
	_, document := documents(selection)
	if way == "SSE" {
		return streamWatcher{s.kit.StreamBody(t, who.token, who.body(t, document))}
	}
	socket := s.kit.Connect(t, who.token)
	socket.Send(t, served.Frame{ID: "a", Type: "subscribe", Payload: json.RawMessage(who.body(t, document))})
	return socketWatcher{socket, "a"}
}

// answerSeen is an answer and what it says is hidden, however it came.
type answerSeen struct {
	Data       json.RawMessage
	Errors     []served.Error
	Extensions struct {
		Notices []struct {
			Group string
			Path  []any
		}
	}
}

func shownIn(t *testing.T, text string) string {
	t.Helper()
	var got answerSeen
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if len(got.Errors) > 0 {
		t.Fatalf("somebody is shown %s", text)
	}
	var pushed struct {
		Live *struct{ Query json.RawMessage }
	}
	if err := json.Unmarshal(got.Data, &pushed); err == nil && pushed.Live != nil {
		got.Data = pushed.Live.Query
	}
	var hidden []string
	for _, n := range got.Extensions.Notices {
		path := strings.TrimPrefix(strings.TrimPrefix(strings.Trim(fmt.Sprint(n.Path), "[]"), "live "), "query ")
		hidden = append(hidden, n.Group+" "+path)
	}
	return string(got.Data) + " " + strings.Join(hidden, ", ")
}

// plain is what a query of their own gives.
func (who seer) plain(t *testing.T, s story, selection string) string {
	t.Helper()
	document, _ := documents(selection)
	return shownIn(t, string(s.kit.Do(t, http.MethodPost, "/graphql", who.token, who.body(t, document)).Body))
}

// wantOwn waits until they are shown what a query of their own gives now, and holds all that they
// are shown meanwhile against what they must never be.
func (who seer) wantOwn(t *testing.T, s story, w watcher, selection string) {
	t.Helper()
	want := who.plain(t, s, selection)
	for {
		got := shownIn(t, w.next(t))
		for _, never := range who.never {
			if strings.Contains(got, never) {
				t.Fatalf("somebody who must not see %s is shown %s", never, got)
			}
		}
		if got == want {
			return
		}
		t.Logf("before %s there is %s", want, got)
	}
}

// bothRegions has somebody of each region and of each company do something.
func (s story) bothRegions(t *testing.T, id string) {
	t.Helper()
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		name := map[*served.Tenant]string{s.acme: "acme", s.globex: "globex"}[who]
		for _, region := range []string{"EU", "US"} {
			user := name + "-" + region
			tellOf(t, s, who, said("i"+id+region, "identify", `"userId":"`+user+`","traits":{"region":"`+region+`"}`))
			wantVerdicts(t, who.Batch(t, fmt.Sprintf(`{"type":"track","messageId":"t%[1]s","event":"%[2]s %[1]s","userId":%[2]q,"timestamp":%[3]q,
				"context":{"groupId":"co-%[4]s"},"properties":{"region":%[4]q}}`, id+region, user, noon, region)), "ACCEPTED")
		}
	}
}

func somethingHappens(t *testing.T, s story) { s.bothRegions(t, "after") }

func somebodyIsCalledOtherwise(t *testing.T, s story) {
	s.kit.Exec(t, `update login set name = 'Another' where login_id in (select login_id from member where tenant_id = $1)`, s.acme.ID)
}

func seen(token string, never ...string) seer {
	return seer{token, "Seen", vars{"range": object{"from": "2026-04-30T22:00:00Z", "to": "2026-05-02T22:00:00Z"}}, never}
}

func twoCompanies(_ *testing.T, s story) (one, other seer) {
	return seen(s.acme.ReadKey, "globex", "Globex"), seen(s.globex.ReadKey, "acme", "Acme")
}

func twoRoles(t *testing.T, s story) (one, other seer) {
	return seen(s.join(t, s.acme, "a@x.example", access.Owner).AccessToken, "globex"),
		seen(s.join(t, s.acme, "b@x.example", access.Viewer).AccessToken, "globex", `"userId":"`, `"region"`)
}

func aKeyAndARole(t *testing.T, s story) (one, other seer) {
	return seen(s.acme.ReadKey, "globex"), seen(s.join(t, s.acme, "b@x.example", access.Viewer).AccessToken, "globex", `"userId":"`, `"region"`)
}

// ofRows is a member who sees the rows of a region alone.
func ofRows(t *testing.T, s story, region string) string {
	t.Helper()
	token := s.join(t, s.acme, strings.ToLower(region)+"@x.example", access.Viewer).AccessToken
	role := uuid.New()
	s.kit.Exec(t, `insert into role (tenant_id, role_id, name, permissions, row_conditions) values ($1, $2, $3, '{READ,READ_METRICS,READ_PII}', $4)`,
		s.acme.ID, role, "Of the "+region, ofRegion(region))
	s.kit.Exec(t, `update member set role_id = $2 where tenant_id = $1 and login_id in (select login_id from login where email like $3)`,
		s.acme.ID, role, "%"+strings.ToLower(region)+"@x.example")
	return token
}

func twoRegions(t *testing.T, s story) (one, other seer) {
	return seen(ofRows(t, s, "EU"), "US", "globex"), seen(ofRows(t, s, "US"), "EU", "globex")
}

func allRowsAndSome(t *testing.T, s story) (one, other seer) {
	return seen(s.acme.ReadKey, "globex"), seen(ofRows(t, s, "US"), "EU", "globex")
}

func twoMembers(t *testing.T, s story) (one, other seer) {
	a, b := s.join(t, s.acme, "a@x.example", access.Viewer), s.join(t, s.acme, "b@x.example", access.Viewer)
	one, other = seen(a.AccessToken, b.email), seen(b.AccessToken, a.email)
	one.variables, other.variables = nil, nil
	return one, other
}

func twoSessions(t *testing.T, s story) (one, other seer) {
	who := s.join(t, s.acme, "a@x.example", access.Viewer)
	one, other = seen(who.AccessToken), seen(who.signIn(t).AccessToken)
	one.variables, other.variables = nil, nil
	return one, other
}

func ofAccount(t *testing.T, s story, region string) string {
	t.Helper()
	token, _ := embed(t, s.acme, time.Hour, `"metrics":["events"],"filters":{"account":{"type":"account","id":"co-`+region+`"}}`)
	return token
}

func aTokenAndAKey(t *testing.T, s story) (one, other seer) {
	return seen(ofAccount(t, s, "EU")), seen(s.acme.ReadKey)
}

func twoTokens(t *testing.T, s story) (one, other seer) {
	s.acme.Batch(t, `{"type":"track","messageId":"more","event":"More","userId":"more","timestamp":"`+noon+`","context":{"groupId":"co-US"}}`)
	return seen(ofAccount(t, s, "EU")), seen(ofAccount(t, s, "US"))
}

func twoVariables(_ *testing.T, s story) (one, other seer) {
	one, other = seen(s.acme.ReadKey), seen(s.acme.ReadKey)
	other.variables = vars{"range": object{"from": "2026-04-29T22:00:00Z", "to": "2026-05-02T22:00:00Z"}}
	return one, other
}

func twoOperations(_ *testing.T, s story) (one, other seer) {
	one, other = seen(s.acme.ReadKey, `"told"`), seen(s.acme.ReadKey)
	other.operation = "Told"
	return one, other
}

// Who asks with the same key the same of the same shares, over either way: a change is read once.
func TestTheSameOfTheSameKeyIsReadOnce(t *testing.T) {
	s := begin(t)
	who, selection := seen(s.acme.ReadKey), `events(range: $range) { count asOf }`
	watchers := []watcher{who.watch(t, s, "websocket", selection), who.watch(t, s, "SSE", selection), who.watch(t, s, "websocket", selection)}
	s.settle(t, watchers...)
	for i := 1; i <= 3; i++ {
		s.kit.Statements.Take()
		s.acme.Batch(t, event(fmt.Sprint("m", i), "E", "u1", noon))
		first := watchers[0].next(t)
		if !strings.Contains(first, fmt.Sprintf(`"count":%d`, settled+i)) {
			t.Errorf("change %d: the next answer is %s", i, first)
		}
		for _, w := range watchers[1:] {
			wantEqual(t, "what another is shown", w.next(t), first)
		}
		wantEqual(t, "how often the events were counted", s.kit.Statements.Take()["EventCountByBucket"], 1)
	}
}
