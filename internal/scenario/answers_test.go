package scenario_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// chart is a query whose answers may be given again: nothing in it moves with the time.
const chart = `{ metrics(first: 100) { nodes { key } } metric(key: "events") { name
	series(range: {last: {count: 400, interval: DAY}}) { values asOf complete watermark range { from to } sources }
	value(range: {last: {count: 20, interval: YEAR}}) { value asOf sources } } }`

// replied is the whole answer to a chart, and how often it was read from the database.
func (s story) replied(t *testing.T, key, query string) (answer string, worked int) {
	t.Helper()
	s.kit.Statements.Take()
	reply := s.kit.Do(t, http.MethodPost, "/graphql", key, requestOf(t, query, nil))
	if reply.Status != http.StatusOK || strings.Contains(string(reply.Body), `"errors"`) {
		t.Fatalf("%d %s", reply.Status, reply.Body)
	}
	counts := s.kit.Statements.Take()
	return string(reply.Body), counts["TenantGet"]
}

// wantAgain holds that an answer is given again without reading, and is what it was but for
// its instants.
func (s story) wantAgain(t *testing.T, key, query, before string) {
	t.Helper()
	again, worked := s.replied(t, key, query)
	if worked != 0 || timeless(again) != timeless(before) {
		t.Errorf("read %d times, and was\n%s\nbefore\n%s", worked, again, before)
	}
}

var (
	instants = regexp.MustCompile(`"(asOf|watermark)":"[^"]*"`)
	levels   = regexp.MustCompile(`"(remaining|reset)":[^,}]*`)
)

func timeless(answer string) string {
	return levels.ReplaceAllString(instants.ReplaceAllString(answer, `"$1":""`), `"$1":0`)
}

// An answer is given again while nothing changes, as of now; and whatever changes, by whomever,
// is in the next one.
func TestAnAnswerIsGivenAgainUntilSomethingChanges(t *testing.T) {
	s := begin(t)
	tellOf(t, s, s.acme, event("m1", "E", "u1", noon), event("m2", "F", "u2", noon))
	first, _ := s.replied(t, s.acme.ReadKey, chart)
	second, worked := s.replied(t, s.acme.ReadKey, chart)
	if worked != 0 || first == second || timeless(first) != timeless(second) {
		t.Fatalf("read %d times:\n%s\n%s", worked, first, second)
	}
	if at := instants.FindAllString(second, -1); len(at) != 3 || at[0][7:] != at[2][7:] || strings.TrimPrefix(at[1], `"watermark"`) != strings.TrimPrefix(at[0], `"asOf"`) {
		t.Errorf("it speaks of %v, want one instant", at)
	}
	for _, c := range []struct{ name, statement string }{
		{"a count", "update event_rollup set count = count + 1 where tenant_id = $1 and type = 'E'"},
		{"a presence", "update presence set slots = slots | (1::bit(128)) where tenant_id = $1"},
		{"an identity", "update identity set day = day - 1, born_at = born_at - interval '1 day' where tenant_id = $1 and day is not null"},
		{"a day", "update day_version set version = nextval('day_version_seq') where tenant_id = $1"},
		{"a day that goes", "delete from day_version where tenant_id = $1 and day = (select min(day) from day_version where tenant_id = $1)"},
		{"the zone", "update tenant set zone = 'Asia/Tokyo' where tenant_id = $1"},
		{"the week", "update tenant set week_start = 0 where tenant_id = $1"},
		{"a metric", "insert into metric_definition (tenant_id, key, version) values ($1, 'own', 1)"},
		{"the archive", "insert into archive_part (tenant_id, month, path, state, dropped_at) values ($1, '2005-01-01', 'x', 'dropped', now())"},
	} {
		before, _ := s.replied(t, s.acme.ReadKey, chart)
		s.wantAgain(t, s.acme.ReadKey, chart, before)
		if _, err := owner(t, s.kit.DB).Exec(t.Context(), c.statement, s.acme.ID); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if _, worked := s.replied(t, s.acme.ReadKey, chart); worked == 0 {
			t.Errorf("%s changed, and the answer was given again", c.name)
		}
	}
	before, _ := s.replied(t, s.globex.ReadKey, chart)
	tellOf(t, s, s.acme, event("m3", "E", "u3", noon))
	s.wantAgain(t, s.globex.ReadKey, chart, before) // the stranger's data has not changed
	materialize(t, s.kit)
	if _, worked := s.replied(t, s.acme.ReadKey, chart); worked == 0 {
		t.Error("its figures come from elsewhere now, and the answer was given again")
	}
}

// Somebody who sends, and then asks, finds what they have sent, whatever others ask meanwhile.
func TestWhatWasAcknowledgedIsInTheNextAnswer(t *testing.T) {
	s := begin(t)
	const query = `{ metric(key: "events") { value(range: {last: {count: 20, interval: YEAR}}) { value } } }`
	stop, asking := make(chan struct{}), sync.WaitGroup{}
	for range 4 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ReadKey, requestOf(t, query, nil))
				}
			}
		})
	}
	for i := range 60 {
		wantVerdicts(t, s.acme.Batch(t, event(fmt.Sprint("m", i), "E", "u1", noon)), "ACCEPTED")
		var data struct {
			Metric struct{ Value struct{ Value float64 } }
		}
		if err := json.Unmarshal(s.kit.Ask(t, s.acme.ReadKey, query, nil).Data, &data); err != nil || int(data.Metric.Value.Value) != i+1 {
			t.Errorf("after %d events there are %v: %v", i+1, data.Metric.Value.Value, err)
		}
	}
	close(stop)
	asking.Wait()
}

// Nothing is shared between tenants, rights, documents or variables, and what is about more
// than the figures is read each time.
func TestAnswersAreSharedByNobodyElse(t *testing.T) {
	s := begin(t)
	tellOf(t, s, s.acme, event("m1", "E", "u1", noon), event("m2", "F", "u2", noon))
	const named = `query A($k: String!) { metric(key: $k) { key value(range: {last: {count: 20, interval: YEAR}}) { value } } }`
	ask := func(key, body string) (string, int) {
		s.kit.Statements.Take()
		reply := s.kit.Do(t, http.MethodPost, "/graphql", key, body)
		return string(reply.Body), s.kit.Statements.Take()["TenantGet"]
	}
	bodies := []string{
		requestOf(t, named, map[string]any{"k": "events"}), requestOf(t, named, map[string]any{"k": "active_users"}),
	}
	seen := map[string]string{}
	for _, who := range []struct{ name, key string }{{"acme", s.acme.ReadKey}, {"globex", s.globex.ReadKey}, {"acme's manager", s.acme.ManageKey}} {
		for i, body := range bodies {
			answer, worked := ask(who.key, body)
			if worked == 0 {
				t.Errorf("%s is given somebody else's answer to %d: %s", who.name, i, answer)
			}
			if again, worked := ask(who.key, body); worked != 0 || timeless(again) != timeless(answer) {
				t.Errorf("%s asks %d again: read %d times, %s", who.name, i, worked, again)
			}
			seen[fmt.Sprint(who.name, i)] = timeless(answer)
		}
	}
	if seen["acme0"] == seen["globex0"] || seen["acme0"] != seen["acme's manager0"] {
		t.Errorf("%v", seen)
	}
	for name, query := range map[string]string{
		"what is about the caller":     `{ metric(key: "events") { key } tenant { name } }`,
		"what is compared with a part": `{ metric(key: "events") { value(compare: [{kind: LAST_WEEK}]) { value } } }`,
		"how it was read":              `{ metric(key: "events") { explain { readings { buckets } } } }`,
		"what failed":                  `{ metric(key: "nothing") { key } }`,
	} {
		for range 2 {
			if _, worked := ask(s.acme.ReadKey, requestOf(t, query, nil)); worked == 0 && name != "what failed" {
				t.Errorf("%s is given again", name)
			}
		}
	}
}

// A server that keeps no answers reads each time.
func TestAnswersAreKeptWhereThatIsSet(t *testing.T) {
	kit := served.StartOn(t, testkit.Database(t), func(c *tidemark.Config) { c.AnswerCache = 0 })
	s := story{kit, kit.Tenant(t, "Acme", "Europe/Berlin"), nil}
	for range 2 {
		if _, worked := s.replied(t, s.acme.ReadKey, chart); worked == 0 {
			t.Error("an answer was kept")
		}
	}
}

// A request that is sent again is held to the same rules as the first: whose key it is, what may
// be asked, and how much.
func TestARequestThatIsSentAgainIsHeldToTheRules(t *testing.T) {
	s := begin(t)
	const figure = `query Figure { metric(key: "events") { value(range: {last: {count: 20, interval: YEAR}}) { value } } }`
	body := requestOf(t, figure, nil)
	ask := func(key string) (served.Reply, int) {
		s.kit.Statements.Take()
		reply := s.kit.Do(t, http.MethodPost, "/graphql", key, body)
		return reply, s.kit.Statements.Take()["TenantGet"]
	}
	wantRepeat := func(key string) {
		t.Helper()
		first, _ := ask(key)
		again, worked := ask(key)
		if worked != 0 || again.Status != http.StatusOK || timeless(string(again.Body)) != timeless(string(first.Body)) {
			t.Errorf("read %d times: %d %s, and was %s", worked, again.Status, again.Body, first.Body)
		}
	}
	wantRepeat(s.acme.ReadKey)
	wantRepeat(s.globex.ReadKey)
	setMode(t, s.acme, "TRUSTED_ONLY")
	eventuallyCoded(t, s.kit, s.acme.ReadKey, body, "DOCUMENT_NOT_TRUSTED")
	wantRepeat(s.globex.ReadKey) // whose affair it is not
	document := register(t, s.acme, figure)[0].Document
	eventuallyCoded(t, s.kit, s.acme.ReadKey, body, "")
	wantRepeat(s.acme.ReadKey)
	retire(t, s.acme, document.ID)
	eventuallyCoded(t, s.kit, s.acme.ReadKey, body, "DOCUMENT_NOT_TRUSTED")
	setMode(t, s.acme, "OPEN")
	eventuallyCoded(t, s.kit, s.acme.ReadKey, body, "")

	s.acme.Manage(t, limitsSet, map[string]any{"limits": map[string]any{"readPerMinute": 120, "burstSeconds": 30, "offPeakPercent": 100, "callerPercent": 100}}, &struct{}{})
	eventuallyCoded(t, s.kit, s.acme.ReadKey, body, "RATE_LIMITED")
	wantRepeat(s.globex.ReadKey)
	s.kit.Exec(t, `update api_key set revoked_at = now() where tenant_id = $1`, s.globex.ID)
	eventuallyCoded(t, s.kit, s.globex.ReadKey, body, "UNAUTHENTICATED")
}
