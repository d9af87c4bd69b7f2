package scenario_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// A balancer asks without a key whether the server lives, and whether it can serve.
func TestHealth(t *testing.T) {
	kit := served.Start(t)
	reply := kit.Do(t, http.MethodGet, "/healthz", "", "")
	wantEqual(t, "/healthz", strings.TrimSpace(string(reply.Body)), `{"status":"ok"}`)
	ready := func() string { // the worker may still be about to make the slot
		reply = kit.Do(t, http.MethodGet, "/readyz", "", "")
		return strings.TrimSpace(string(reply.Body))
	}
	eventually(t, "/readyz", func() bool {
		return ready() == `{"checks":{"feed":"ok","postgres":"ok","redis":"ok"},"status":"OK"}`
	})
	wantEqual(t, "status", reply.Status, http.StatusOK)
}

// Every answer, good or bad, has the headers that keep a browser from guessing, and a name
// of its own that the caller cannot choose.
func TestEveryAnswerHasItsHeaders(t *testing.T) {
	s := begin(t)
	names := map[string]bool{}
	for _, request := range []struct {
		method, path, key string
		status            int
	}{
		{"GET", "/healthz", "", 200}, {"GET", "/readyz", "", 200}, {"GET", "/nowhere", "", 404}, {"POST", "/nowhere", "", 404},
		{"GET", "/v2/batch", "", 404}, {"GET", "/v1/", "", 404}, {"POST", "/healthz", "", 404}, {"GET", "/graphql/x", "", 404},
		{"POST", "/v1/batch", "", 401}, {"POST", "/v1/batch", s.acme.WriteKey, 400}, {"GET", "/v1/track", s.acme.WriteKey, 405},
		{"POST", "/graphql", "", 400}, {"POST", "/graphql", "tmr_unknown_key", 401}, {"POST", "/graphql", s.acme.ReadKey, 400}, {"DELETE", "/graphql", s.acme.ReadKey, 405},
	} {
		reply := s.kit.Do(t, request.method, request.path, request.key, "", "X-Request-Id", "forged\tid")
		what := request.method + " " + request.path
		wantEqual(t, what, reply.Status, request.status)
		wantEqual(t, what+" nosniff", reply.Header.Get("X-Content-Type-Options"), "nosniff")
		wantEqual(t, what+" referrer", reply.Header.Get("Referrer-Policy"), "no-referrer")
		wantEqual(t, what+" policy", reply.Header.Get("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'")
		wantEqual(t, what+" frames", reply.Header.Get("X-Frame-Options"), "DENY")
		wantEqual(t, what+" opener", reply.Header.Get("Cross-Origin-Opener-Policy"), "same-origin")
		wantEqual(t, what+" permissions", strings.Contains(reply.Header.Get("Permissions-Policy"), "camera=()"), true)
		wantEqual(t, what+" HSTS", reply.Header.Get("Strict-Transport-Security"), "") // it came without TLS
		wantEqual(t, what+" type", strings.HasPrefix(reply.Header.Get("Content-Type"), "application/json"), true)
		id := reply.Header.Get("X-Request-Id")
		if len(id) != 36 || names[id] || len(reply.Header.Values("X-Request-Id")) != 1 {
			t.Errorf("%s: the request is named %q", what, reply.Header.Values("X-Request-Id"))
		}
		names[id] = true
		if reply.Status == http.StatusNotFound {
			wantProblem(t, reply, http.StatusNotFound, "NOT_FOUND", "")
		}
	}
}

// The playground is a page, and has a policy that lets it run its own scripts and nobody's else.
func TestThePlaygroundHasItsOwnPolicy(t *testing.T) {
	kit := served.Start(t)
	reply := kit.Do(t, http.MethodGet, "/playground", "", "")
	policies := reply.Header.Values("Content-Security-Policy")
	if len(policies) != 1 || !strings.Contains(policies[0], "script-src 'self';") || !strings.Contains(policies[0], "frame-ancestors 'none'") {
		t.Errorf("its policy is %q", policies)
	}
	wantEqual(t, "frames", reply.Header.Get("X-Frame-Options"), "DENY")
}

// An "Internal error." can be found in the log by the id that the caller was given.
func TestAnInternalErrorNamesItsRequest(t *testing.T) {
	s := begin(t)
	s.kit.Exec(t, `revoke select on identity from tidemark_app`)
	reply := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ReadKey, requestOf(t, `{ metric(key: "new_users") { value { value } } }`, nil))
	var answer struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code, RequestID string }
		}
	}
	reply.Decode(t, &answer)
	wantEqual(t, "message", answer.Errors[0].Message, "Internal error.")
	wantEqual(t, "code", answer.Errors[0].Extensions.Code, "INTERNAL")
	wantEqual(t, "id", answer.Errors[0].Extensions.RequestID, reply.Header.Get("X-Request-Id"))

	reply = s.kit.Do(t, http.MethodPost, "/v1/batch", s.acme.WriteKey, `{"batch":[`+event("m1", "E", "u1", noon)+`]}`)
	var refused problem
	reply.Decode(t, &refused)
	wantEqual(t, "status", reply.Status, http.StatusInternalServerError)
	wantEqual(t, "id", refused.Error.RequestID, reply.Header.Get("X-Request-Id"))
	wantDiscreet(t, string(reply.Body), "identity")
	s.kit.Exec(t, `grant select on identity to tidemark_app`)
	s.wantCount(t, 0, 0) // what was not acknowledged is not there, and comes in when it is sent again
	wantVerdicts(t, s.acme.Batch(t, event("m1", "E", "u1", noon)), "ACCEPTED")
	s.wantCount(t, 1, 1)
}
