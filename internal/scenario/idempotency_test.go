package scenario_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Mutations that come again with their key.
func TestIdempotencyKeys(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a client whose answer was lost tries again", aLostAnswer},
		{"twenty at once", twentyAtOnce},
		{"keys that are refused", keysThatAreRefused},
		{"a key is its caller's", aKeyIsItsCallers},
		{"over a websocket", aKeyOverAWebsocket},
		{"answers are stored sealed", answersAreSealed},
		{"a mutation that is refused", aRefusalIsKept},
	})
}

// planIt changes the plan: each time it is done there is a version more.
const planIt = `mutation { saveTrackingPlan(plan: {events: [{type: "E"}]}) { plan { version } } }`

// versions counts how often a plan was saved.
func (s story) versions(t *testing.T, who *served.Tenant) (n int) {
	t.Helper()
	s.kit.Scan(t, `select count(*) from tracking_plan where tenant_id = $1`, []any{who.ID}, &n)
	return n
}

// A proxy loses the first answers; the client sends the same again until it has one.
func aLostAnswer(t *testing.T, s story) {
	target, err := url.Parse(s.kit.URL)
	if err != nil {
		t.Fatal(err)
	}
	var lost atomic.Int32
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(*http.Response) error {
		if lost.Add(1) <= 2 {
			return http.ErrHandlerTimeout
		}
		return nil
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	through := *s.kit
	through.URL = server.URL
	for range 2 {
		wantEqual(t, "lost", once(t, &through, s.acme.ManageKey, "k", planIt).Status, http.StatusBadGateway)
	}
	got := once(t, &through, s.acme.ManageKey, "k", planIt)
	wantEqual(t, "the answer", string(got.Body), `{"data":{"saveTrackingPlan":{"plan":{"version":1}}}}`)
	wantEqual(t, "said to be of before", got.Header.Get("Idempotency-Replayed"), "true")
	wantEqual(t, "versions", s.versions(t, s.acme), 1)
	for range 2 { // what the key was good for
		s.kit.Ask(t, s.acme.ManageKey, planIt, nil)
	}
	wantEqual(t, "versions without a key", s.versions(t, s.acme), 3)
}

// One is executed; the others get its answer, or are told to wait for it.
func twentyAtOnce(t *testing.T, s story) {
	replies := make(chan served.Reply)
	for range 20 {
		go func() { replies <- once(t, s.kit, s.acme.ManageKey, "k", planIt) }()
	}
	first := 0
	for range 20 {
		reply := <-replies
		switch reply.Status {
		case http.StatusOK:
			if !strings.HasPrefix(string(reply.Body), `{"data":{"saveTrackingPlan":{"plan":{"version":1}}}`) { // what it cost stands behind
				t.Errorf("the answer is %s", reply.Body)
			}
			if reply.Header.Get("Idempotency-Replayed") == "" {
				first++
			}
		default:
			wantRefusal(t, reply, http.StatusConflict, "IDEMPOTENCY_KEY_IN_FLIGHT", "Idempotency-Key")
			wantEqual(t, "when to try again", reply.Header.Get("Retry-After"), "1")
		}
	}
	wantEqual(t, "executed, and saved", []int{first, s.versions(t, s.acme)}, []int{1, 1})
}

func keysThatAreRefused(t *testing.T, s story) {
	wantEqual(t, "the first", once(t, s.kit, s.acme.ManageKey, "k", planIt).Status, http.StatusOK)
	for _, other := range []string{
		`mutation { saveTrackingPlan(plan: {events: [{type: "F"}]}) { plan { version } } }`, planIt + " ", `mutation { forgetPropertySamples }`,
	} {
		wantRefusal(t, once(t, s.kit, s.acme.ManageKey, "k", other), http.StatusUnprocessableEntity, "IDEMPOTENCY_KEY_REUSED", "Idempotency-Key")
	}
	const two = `mutation A { forgetPropertySamples } mutation B { forgetPropertySamples }`
	named := func(name string) served.Reply {
		return s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ManageKey, toJSON(t, map[string]any{"query": two, "operationName": name}), "Idempotency-Key", "o")
	}
	wantEqual(t, "A", named("A").Status, http.StatusOK)
	wantRefusal(t, named("B"), http.StatusUnprocessableEntity, "IDEMPOTENCY_KEY_REUSED", "Idempotency-Key")
	for _, key := range []string{strings.Repeat(secret, 50), `"` + secret, secret + `"`, secret + " " + secret, `""`} {
		got := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ManageKey, requestOf(t, planIt, nil),
			"Idempotency-Key", key, "Accept", "application/graphql-response+json")
		wantRefusal(t, got, http.StatusBadRequest, "BAD_USER_INPUT", "Idempotency-Key")
	}
	wantEqual(t, "versions", s.versions(t, s.acme), 1)
}

// Nobody is answered by what somebody else has asked, not even within a tenant.
func aKeyIsItsCallers(t *testing.T, s story) {
	colleague, err := access.CreateKey(t.Context(), s.kit.Node.Worker(), s.acme.ID, access.ManageKey, "colleague")
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range []string{s.acme.ManageKey, colleague, s.globex.ManageKey} {
		got := once(t, s.kit, key, "k", planIt)
		if got.Status != http.StatusOK || got.Header.Get("Idempotency-Replayed") != "" {
			t.Errorf("caller %d gets %d %s %v", i, got.Status, got.Body, got.Header)
		}
	}
	wantEqual(t, "versions", []int{s.versions(t, s.acme), s.versions(t, s.globex)}, []int{2, 1})
}

func aKeyOverAWebsocket(t *testing.T, s story) {
	body := toJSON(t, map[string]any{"query": planIt, "extensions": map[string]any{"idempotencyKey": "k"}})
	for _, by := range transports {
		got := by.ask(t, s.kit, s.acme.ManageKey, body)
		wantEqual(t, "over "+by.name, string(got.Data), `{"saveTrackingPlan":{"plan":{"version":1}}}`)
	}
	wantEqual(t, "by the header", once(t, s.kit, s.acme.ManageKey, "k", planIt).Header.Get("Idempotency-Replayed"), "true")
	other := toJSON(t, map[string]any{"query": `mutation { forgetPropertySamples }`, "extensions": map[string]any{"idempotencyKey": "k"}})
	if got := overSocket(t, s.kit, s.acme.ManageKey, other); got.code() != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("another mutation gets %+v", got)
	}
	wantEqual(t, "versions", s.versions(t, s.acme), 1)
}

// What an answer shows once cannot be read out of the database.
func answersAreSealed(t *testing.T, s story) {
	query := `mutation { saveTrackingPlan(plan: {events: [{type: "` + secret + `"}]}) { plan { events { type } } } }`
	for range 2 {
		if got := once(t, s.kit, s.acme.ManageKey, "key-"+secret, query); !strings.Contains(string(got.Body), secret) {
			t.Fatalf("%s", got.Body)
		}
	}
	var rows, readable int
	s.kit.Scan(t, `select count(*), count(*) filter (where position($1::bytea in sealed_answer) > 0 or k::text like '%' || $2 || '%')
		from idempotency_key k where tenant_id = $3 and sealed_answer is not null`, []any{[]byte(secret), secret, s.acme.ID}, &rows, &readable)
	wantEqual(t, "rows, and those that show something", []int{rows, readable}, []int{1, 0})
}

// A mutation that was refused for good is refused again; one that was not executed is not kept.
func aRefusalIsKept(t *testing.T, s story) {
	const none = `mutation { undoMerge(id: "x") { id } }`
	for _, replayed := range []string{"", "true"} {
		got := once(t, s.kit, s.acme.ManageKey, "k", none)
		if !strings.Contains(string(got.Body), "NOT_FOUND") || got.Header.Get("Idempotency-Replayed") != replayed {
			t.Errorf("%s %v", got.Body, got.Header)
		}
	}
	for range 2 { // not executed at all, so there is nothing to keep
		got := once(t, s.kit, s.acme.ManageKey, "n", `mutation { nosuch }`)
		if !strings.Contains(string(got.Body), "GRAPHQL_VALIDATION_FAILED") || got.Header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%s %v", got.Body, got.Header)
		}
	}
	wantEqual(t, "the key is free", once(t, s.kit, s.acme.ManageKey, "n", planIt).Status, http.StatusOK)
}
