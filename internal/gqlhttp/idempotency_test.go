package gqlhttp

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// fakeIdempotency keeps answers in a map; an empty one is for a key that is in use.
type fakeIdempotency struct {
	mu      sync.Mutex
	answers map[string]string // by key and fingerprint
	asked   []string          // keys, in order
}

func (f *fakeIdempotency) Once(_ context.Context, key string, fingerprint [32]byte, do func() ([]byte, bool)) ([]byte, bool, error) {
	slot := key + string(fingerprint[:])
	f.mu.Lock()
	f.asked = append(f.asked, key)
	stored, known := f.answers[slot]
	if !known {
		f.answers[slot] = ""
	}
	f.mu.Unlock()
	if known && stored == "" {
		return nil, false, fault.New(fault.IdempotencyKeyInFlight, "Not yet.").After(1500 * time.Millisecond)
	}
	if known {
		return []byte(stored), true, nil
	}
	answer, lasting := do()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answers[slot] = string(answer); !lasting {
		delete(f.answers, slot)
	}
	return answer, false, nil
}

func newFakeIdempotency() *fakeIdempotency { return &fakeIdempotency{answers: map[string]string{}} }

// A mutation that comes again gets the answer that it had, over every transport that there is.
func TestAMutationIsExecutedOnce(t *testing.T) {
	bubble(t, Config{Idempotency: newFakeIdempotency()}, func(w *world) {
		const one = `{"data":{"bump":1}}`
		w.post(bumpQuery, "Idempotency-Key", "a").want(200, one).wantHeader("Idempotency-Replayed", "")
		w.post(bumpQuery, "Idempotency-Key", `"a"`).want(200, one).wantHeader("Idempotency-Replayed", "true")
		w.post(bumpQuery, "Idempotency-Key", "a", "Accept", "text/event-stream").want(200, "data: "+one+"\n").wantHeader("Idempotency-Replayed", "true")
		const asExtension = `{"query":"mutation { bump }","extensions":{"idempotencyKey":"a"}}`
		w.post(asExtension).want(200, one).wantHeader("Idempotency-Replayed", "true")
		w.post(asExtension, "Idempotency-Key", "a").want(200, one)
		p := w.connect()
		p.send(`{"type":"subscribe","id":"1","payload":` + asExtension + `}`)
		p.want(`{"type":"next","id":"1","payload":`+one+`}`, `{"type":"complete","id":"1"}`)
		w.post(bumpQuery, "Idempotency-Key", "b").want(200, `{"data":{"bump":2}}`)
		w.post(bumpQuery).want(200, `{"data":{"bump":3}}`)
	})
}

// Queries have no effect, so their keys mean nothing.
func TestAQueryNeedsNoKey(t *testing.T) {
	keeper := newFakeIdempotency()
	bubble(t, Config{Idempotency: keeper}, func(w *world) {
		w.post(plainQuery, "Idempotency-Key", `"`).want(200)
		w.post(brokenQuery, "Idempotency-Key", "a").want(200, "GRAPHQL_PARSE_FAILED")
		w.post(unknownQuery, "Idempotency-Key", "a", "Accept", responseType).want(400)
		if len(keeper.asked) != 0 {
			w.Errorf("keys were looked at: %v", keeper.asked)
		}
	})
}

func TestKeysAsTheyAreSent(t *testing.T) {
	long := strings.Repeat("k", 255)
	for sent, want := range map[string]string{
		"abc": "abc", `"abc"`: "abc", " 8e03978e-40d5-43e8-bc93-6894a57f9324 ": "8e03978e-40d5-43e8-bc93-6894a57f9324",
		`"a b"`: "a b", `"a\"b\\c"`: `a"b\c`, `"a,b;c"`: "a,b;c", long: long, `"` + long + `"`: long, "a/b+c=": "a/b+c=",
	} {
		if got, err := keyOfHeader([]string{sent}); got != want || err != nil {
			t.Errorf("%s is read as %q, %v", sent, got, err)
		}
	}
	for _, sent := range [][]string{
		{""}, {" "}, {`""`}, {`"`}, {`"abc`}, {`abc"`}, {`"a"b"`}, {`"a";p=1`}, {`"a\b"`}, {`"a\`}, {"a b"}, {"a,b"}, {"a;p"}, {`a\b`},
		{"ä"}, {"\"\t\""}, {"a\x00"}, {long + "k"}, {`"` + long + `k"`}, {"a", "b"}, {"a", "a"},
	} {
		_, err := keyOfHeader(sent)
		if f, ok := fault.Of(err); !ok || f.Code != fault.BadUserInput || f.Field != "Idempotency-Key" || strings.Contains(f.Message, "kkk") {
			t.Errorf("%q: %v", sent, err)
		}
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	bubble(t, Config{Idempotency: newFakeIdempotency()}, func(w *world) {
		w.post(bumpQuery, "Idempotency-Key", strings.Repeat("k", 256)).want(400, "BAD_USER_INPUT", `"field":"Idempotency-Key"`).lacks("kkk")
		for _, extension := range []string{`""`, `7`, `["a"]`, `{}`, `true`, `"` + strings.Repeat("k", 256) + `"`, `"\u0000"`, `"ä"`} {
			w.post(`{"query":"mutation { bump }","extensions":{"idempotencyKey":`+extension+`}}`).
				want(400, "BAD_USER_INPUT", `"field":"extensions.idempotencyKey"`).lacks("kkk")
		}
		w.post(`{"query":"mutation { bump }","extensions":{"idempotencyKey":"a"}}`, "Idempotency-Key", "b").want(400, "different")
		p := w.connect()
		p.send(`{"type":"subscribe","id":"1","payload":{"query":"mutation { bump }","extensions":{"idempotencyKey":""}}}`)
		p.wantParts(`"type":"error"`, `"field":"extensions.idempotencyKey"`)
		if w.bumps.Load() != 0 {
			w.Error("a mutation was executed")
		}
	})
}

// What is still being done is not done again, and the client is told when to ask.
func TestAKeyInFlight(t *testing.T) {
	keeper := newFakeIdempotency()
	bubble(t, Config{Idempotency: keeper}, func(w *world) {
		const slow = `{"query":"mutation { slow bump }"}`
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.post(slow, "Idempotency-Key", "a").want(200, `"bump":1`)
		}()
		<-w.started
		w.post(slow, "Idempotency-Key", "a").want(409, "IDEMPOTENCY_KEY_IN_FLIGHT").wantHeader("Retry-After", "2")
		close(w.slow)
		<-done
		w.post(slow, "Idempotency-Key", "a").want(200, `"bump":1`).wantHeader("Idempotency-Replayed", "true")
	})
}

// A client that leaves has a mutation with a key finished, since it may come back.
func TestAMutationWithAKeyIsFinished(t *testing.T) {
	bubble(t, Config{Idempotency: newFakeIdempotency()}, func(w *world) {
		const slow = `{"query":"mutation { slow bump }"}`
		ctx, leave := context.WithCancel(context.Background())
		go func() { <-w.started; leave() }()
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(slow))
		r.Header.Set("Content-Type", jsonType)
		r.Header.Set("Idempotency-Key", "a")
		if _, err := w.client.Do(r); err == nil {
			w.Error("got an answer")
		}
		synctest.Wait()
		close(w.slow)
		synctest.Wait()
		w.post(slow, "Idempotency-Key", "a").want(200, `"slow":"done"`, `"bump":1`).lacks("errors").wantHeader("Idempotency-Replayed", "true")
	})
}

// What failed for a reason that passes is tried again, unless something of it was done.
func TestWhatLasts(t *testing.T) {
	errors := func(code fault.Code) *answer { return failed(fault.New(code, "No.")) }
	with := func(a *answer, data string) *answer { a.data = []byte(data); return a }
	for name, c := range map[string]struct {
		a    *answer
		want bool
	}{
		"an answer":                         {&answer{data: []byte(`{"a":1}`)}, true},
		"a refusal of the mutation's own":   {with(errors(fault.NotFound), `null`), true},
		"a request error":                   {errors(fault.BadUserInput), false},
		"an outage":                         {with(errors(fault.Unavailable), `null`), false},
		"an outage of a field of its own":   {with(errors(fault.Unavailable), `{"a":null}`), false},
		"a deadline":                        {with(errors(fault.Timeout), `{"a":null,"b":null}`), false},
		"a failure of ours":                 {with(errors(fault.Internal), `null`), false},
		"a limit":                           {with(errors(fault.RateLimited), `null`), false},
		"an outage after a part was done":   {with(errors(fault.Unavailable), `{"a":{"id":1},"b":null}`), true},
		"a part that was false, as it says": {with(errors(fault.Internal), `{"a":false}`), true},
	} {
		if got := c.a.lasting(); got != c.want {
			t.Errorf("%s lasts: %v", name, got)
		}
	}
}
