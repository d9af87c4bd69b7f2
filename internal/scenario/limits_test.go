package scenario_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// beginWithin is begin in a house with limits of its own, the same at every hour.
func beginWithin(t *testing.T, change func(*tidemark.LimitsConfig)) story {
	t.Helper()
	kit := served.StartOn(t, testkit.Database(t), func(c *tidemark.Config) {
		c.Limits = tidemark.DefaultLimits()
		c.Limits.OffPeak = 100
		change(&c.Limits)
	})
	return story{kit, kit.Tenant(t, "Acme", "Europe/Berlin"), kit.Tenant(t, "Globex", "America/New_York")}
}

// What an operation costs, by way of every transport.
func TestAnswersTellTheirCost(t *testing.T) {
	s := beginWithin(t, func(*tidemark.LimitsConfig) {})
	tellOf(t, s, s.acme, event("m1", "E", "u1", noon), event("m2", "E", "u2", noon), event("m3", "F", "u1", noon))
	for _, c := range []struct {
		query             string
		key               string
		requested, actual int
	}{
		{`{ tenant { name } }`, s.acme.ReadKey, 1, 1},
		{`{ __typename }`, s.acme.ReadKey, 1, 1},
		{`{ events(` + ever + `) { list(first: 10) { nodes { id } } } }`, s.acme.ReadKey, 1 + 5 + 10, 1 + 5 + 3},
		{`{ events(` + ever + `) { list(first: 10) { nodes { id person { id } } totalCount } } }`, s.acme.ReadKey, 1 + 5 + 10*2 + 5, 1 + 5 + 3*2 + 5},
		{`{ events(` + ever + `) { list(first: 10) { nodes { id } } } }`, s.globex.ReadKey, 1 + 5 + 10, 1 + 5},
		{`{ metrics(first: 3) { nodes { key } } eventTypes { nodes { name properties { name } } } }`, s.globex.ReadKey, 1 + 3 + 1 + 50*(1+100), 1 + 3 + 1},
		{`mutation { forgetPropertySamples }`, s.acme.ManageKey, 10, 10},
	} {
		for _, by := range transports {
			got := by.ask(t, s.kit, c.key, requestOf(t, c.query, nil))
			cost := got.Extensions.Cost
			if len(got.Errors) > 0 || cost.Requested != c.requested || cost.Actual != c.actual || cost.Remaining == nil || *cost.Remaining < 1 || cost.Reset == nil || *cost.Reset < 1 {
				t.Errorf("%s over %s: %+v %+v, want %d requested and %d actual", c.query, by.name, got.Errors, cost, c.requested, c.actual)
			}
		}
	}
	reply := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ReadKey, requestOf(t, `{ tenant { name } }`, nil))
	if got := reply.Header.Get("RateLimit-Policy"); got != `"caller-read";q=60000;w=60, "tenant-read";q=120000;w=60` {
		t.Errorf("RateLimit-Policy: %s", got)
	}
	if got := reply.Header.Get("RateLimit"); !strings.HasPrefix(got, `"caller-read";r=2`) || !strings.Contains(got, `, "tenant-read";r=`) {
		t.Errorf("RateLimit: %s", got)
	}
}

// Every page there is at the root counts its items, whoever has added it.
func TestEveryPageIsMetered(t *testing.T) {
	s := begin(t)
	for _, field := range schema(t).Query.Fields {
		if field.Directives.ForName("page") == nil {
			continue
		}
		answer := s.kit.Ask(t, s.globex.ManageKey, `{ `+field.Name+`(first: 7) { nodes { __typename } } }`, nil)
		items := strings.Count(string(answer.Data), "__typename")
		if cost := answer.Extensions.Cost; len(answer.Errors) > 0 || cost.Requested < 8 || cost.Actual != cost.Requested-7+items {
			t.Errorf("%s gives %d of 7 items: %+v, %+v", field.Name, items, cost, answer.Errors)
		}
	}
}

// What costs too much, or asks for lengths that there are not, is refused before any SQL.
func TestCostsAreBoundedBeforeAnySQL(t *testing.T) {
	s := begin(t)
	hundreds := `{ events { list(first: 100) { nodes { person { accounts(first: 100) { nodes { members(first: 100) { nodes { id } } } } } } } } }`
	type bad struct{ name, query, field string }
	cases := []bad{
		{"100 x 100 x 100", hundreds, "query"},
		{"the same, live", "subscription { live { query " + hundreds + " } }", "query"},
		{"by aliases", "{" + aliases(20, `events { list(first: 500) { nodes { id person { id } } } }`) + "}", "query"},
		{"by a fragment", `{ events { list(first: 500) { ...F } } } fragment F on EventConnection { nodes { id person { identities(first: 100) { nodes { id } } } } }`, "query"},
	}
	for _, first := range []string{"0", "-1", "1001", "2147483647", "2147483648"} {
		cases = append(cases,
			bad{"first " + first, `{ events { list(first: ` + first + `) { totalCount } } }`, "first"},
			bad{"first " + first + ", deep", `{ tenant { name } events { list { nodes { person { accounts(first: ` + first + `) { nodes { id } } } } } } }`, "first"})
	}
	for _, c := range cases {
		for _, by := range transports {
			if by.name == "HTTP" && strings.HasPrefix(c.query, "subscription") {
				continue
			}
			s.kit.Ask(t, s.acme.ReadKey, `{ __typename }`, nil) // so that the key and its limits are known
			s.kit.Statements.Take()
			got := by.ask(t, s.kit, s.acme.ReadKey, requestOf(t, c.query, nil))
			if got.code() != badInput || got.Errors[0].Extensions.Field != c.field || !isNull(got.Data) {
				t.Errorf("%s over %s: %+v", c.name, by.name, got)
			}
			if asked := s.kit.Statements.TakeForAnswers(); len(asked) > 0 {
				t.Errorf("%s over %s: the database was asked: %v", c.name, by.name, asked)
			}
		}
	}
}

// The lists of one answer have so many items together, however they come about.
func TestItemsAreBoundedWhileRunning(t *testing.T) {
	s := beginWithin(t, func(c *tidemark.LimitsConfig) { c.MaxItems = 5 })
	tellOf(t, s, s.acme, event("m1", "E", "u1", noon), event("m2", "E", "u2", noon), event("m3", "E", "u3", noon))
	const list = `list { nodes { id } }`
	if answer := s.kit.Ask(t, s.acme.ReadKey, `{ events(`+ever+`) { `+list+` } }`, nil); len(answer.Errors) > 0 {
		t.Errorf("three items: %+v", answer.Errors)
	}
	for _, by := range transports {
		got := by.ask(t, s.kit, s.acme.ReadKey, requestOf(t, `{ events(`+ever+`) { a: `+list+` b: `+list+` } }`, nil))
		if got.code() != badInput || got.Errors[0].Extensions.Field != "first" || !strings.Contains(got.Errors[0].Message, "more than 5 items") {
			t.Errorf("six items over %s: %+v", by.name, got)
		}
	}
	w := watchSocket(t, s.kit, s.acme.ReadKey, live(`events(`+ever+`) { a: `+list+` b: `+list+` }`))
	if frame := w.next(t); !strings.Contains(frame, "more than 5 items") {
		t.Errorf("six items, live: %s", frame)
	}
}

// spendAll asks until there is nothing left, and gives the refusal.
func spendAll(t *testing.T, kit *served.Kit, key, query string) served.Reply {
	t.Helper()
	for range 1_000 {
		if reply := kit.Do(t, http.MethodPost, "/graphql", key, requestOf(t, query, nil)); reply.Status != http.StatusOK {
			return reply
		}
	}
	t.Fatal("it never ends")
	return served.Reply{}
}

// wantTooMuch holds a refusal against what it has to say.
func wantTooMuch(t *testing.T, reply served.Reply, requested int) {
	t.Helper()
	var answer served.Answer
	reply.Decode(t, &answer)
	if reply.Status != http.StatusTooManyRequests || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "RATE_LIMITED" || len(answer.Data) > 0 {
		t.Fatalf("%d %s", reply.Status, reply.Body)
	}
	wait := answer.Errors[0].Extensions.RetryAfter
	if wait < 1 || reply.Header.Get("Retry-After") != fmt.Sprint(wait) {
		t.Errorf("to be tried again after %d s, and by the header %q", wait, reply.Header.Get("Retry-After"))
	}
	if cost := answer.Extensions.Cost; cost.Requested != requested || cost.Actual != 0 || cost.Remaining == nil || *cost.Remaining != 0 {
		t.Errorf("cost %+v, want %d requested and nothing spent", cost, requested)
	}
	wantDiscreet(t, answer.Errors[0].Message, "")
}

const dear = `{ events { list(first: 500) { nodes { id } } } }` // 506

// Who has spent all is refused, by every transport; the tenant's other callers are not, and
// the stranger even less. Reads and writes are apart.
func TestABurstIsRefusedToWhoMadeIt(t *testing.T) {
	s := beginWithin(t, func(c *tidemark.LimitsConfig) { c.ReadRate, c.WriteRate = 4_000, 400 }) // a key: 1,000 and 100 at once
	wantTooMuch(t, spendAll(t, s.kit, s.acme.ReadKey, dear), 506)
	for _, by := range transports {
		got := by.ask(t, s.kit, s.acme.ReadKey, requestOf(t, dear, nil))
		if got.code() != "RATE_LIMITED" || got.Errors[0].Extensions.RetryAfter < 1 || !isNull(got.Data) {
			t.Errorf("over %s: %+v", by.name, got)
		}
	}
	w := s.kit.Connect(t, s.acme.ReadKey)
	w.Subscribe(t, live(`events { list(first: 500) { nodes { id } } }`))
	if frame := w.Receive(t); frame.Type != "error" || !strings.Contains(string(frame.Payload), "RATE_LIMITED") || !strings.Contains(string(frame.Payload), `"cost":{"requested":508`) {
		t.Errorf("a live query gets %s %s", frame.Type, frame.Payload)
	}
	for name, key := range map[string]string{"another key": s.acme.ManageKey, "the stranger": s.globex.ReadKey} {
		if reply := s.kit.Do(t, http.MethodPost, "/graphql", key, requestOf(t, dear, nil)); reply.Status != http.StatusOK {
			t.Errorf("%s gets %d %s", name, reply.Status, reply.Body)
		}
	}
	wantTooMuch(t, spendAll(t, s.kit, s.acme.ManageKey, dear), 506)
	for range 10 {
		var done struct{ ForgetPropertySamples int }
		s.acme.Manage(t, samplesForgotten, nil, &done)
	}
	wantTooMuch(t, spendAll(t, s.kit, s.acme.ManageKey, samplesForgotten), 10)
}

// A second server knows what was spent at the first.
func TestServersCountTogether(t *testing.T) {
	few := func(c *tidemark.LimitsConfig) { c.ReadRate, c.OffPeak = 4_000, 100 }
	s := beginWithin(t, few)
	second := served.StartOn(t, s.kit.DB, func(c *tidemark.Config) {
		c.Limits = tidemark.DefaultLimits()
		few(&c.Limits)
	})
	spendAll(t, s.kit, s.acme.ReadKey, dear)
	wantTooMuch(t, second.Do(t, http.MethodPost, "/graphql", s.acme.ReadKey, requestOf(t, dear, nil)), 506)
}

// Without Redis limits go on, each server counting for itself, and no request waits for it.
func TestLimitsWithoutRedis(t *testing.T) {
	r, err := embedded.StartRedis(t.Context(), embedded.RedisOptions{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			if err := r.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	t.Setenv("REDIS_URL", r.URL)
	s := beginWithin(t, func(c *tidemark.LimitsConfig) { c.ReadRate = 4_000 })
	wantTooMuch(t, spendAll(t, s.kit, s.acme.ReadKey, dear), 506)
	stop()
	reply := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ReadKey, requestOf(t, dear, nil)) // of this server's own bucket
	if reply.Status != http.StatusOK || !strings.Contains(string(reply.Body), `"remaining":`) {
		t.Errorf("%d %s", reply.Status, reply.Body)
	}
	wantTooMuch(t, spendAll(t, s.kit, s.acme.ReadKey, dear), 506)
	if reply := s.kit.Do(t, http.MethodPost, "/graphql", s.globex.ReadKey, requestOf(t, dear, nil)); reply.Status != http.StatusOK {
		t.Errorf("the stranger gets %d %s", reply.Status, reply.Body)
	}
	wantVerdicts(t, s.acme.Batch(t, event("m1", "E", "u1", noon)), "ACCEPTED")
}

// Events have a bound of their own, where one is set; SDKs send them again later.
func TestEventsAreBoundedWhereThatIsSet(t *testing.T) {
	s := beginWithin(t, func(c *tidemark.LimitsConfig) { c.EventRate = 1 }) // and 2,500 at once
	many := make([]input, 2_500)
	for i := range many {
		many[i] = inputOf(fmt.Sprint(i), "E", "u1")
	}
	if got, errs := s.send(t, s.acme.WriteKey, many); errs != nil || got.IngestEvents.Accepted != len(many) {
		t.Fatalf("%+v", errs)
	}
	reply := s.kit.Do(t, http.MethodPost, "/v1/track", s.acme.WriteKey, event("late", "E", "u1", noon))
	if reply.Status != http.StatusTooManyRequests || reply.Header.Get("Retry-After") == "" || !strings.Contains(string(reply.Body), "RATE_LIMITED") {
		t.Errorf("%d %s", reply.Status, reply.Body)
	}
	if _, errs := s.send(t, s.acme.WriteKey, []input{inputOf("late", "E", "u1")}); len(errs) != 1 || errs[0].Extensions.Code != "RATE_LIMITED" || errs[0].Extensions.RetryAfter < 1 {
		t.Errorf("by mutation: %+v", errs)
	}
	wantVerdicts(t, s.globex.Batch(t, event("m1", "E", "u1", noon)), "ACCEPTED")
	if events, _ := count(t, s.acme); events != len(many) {
		t.Errorf("%d events are stored, want %d", events, len(many))
	}
}
