package scenario_test

import (
	"net/http"
	"testing"
)

// Senders compress and label their bodies, and name their key, in many ways. What they say
// is read off what they sent.
func TestBodiesAreTakenAsTheyCome(t *testing.T) {
	s := begin(t)
	withKey := func(id string) string {
		return `{"writeKey":"` + s.acme.WriteKey + `","batch":[` + event(id, "Good", "u1", noon) + `]}`
	}
	plain := func(id string) string { return `{"batch":[` + event(id, "Good", "u1", noon) + `]}` }
	cases := []struct {
		name, key, body string
		headers         []string
	}{
		{"gzip that says so", s.acme.WriteKey, gzipped(t, plain("b1")), []string{"Content-Encoding", "gzip"}},
		{"gzip that does not", s.acme.WriteKey, gzipped(t, plain("b2")), nil},
		{"gzip labelled as a form", s.acme.WriteKey, gzipped(t, plain("b3")), []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"plain labelled as gzip", s.acme.WriteKey, plain("b4"), []string{"Content-Encoding", "gzip"}},
		{"text", s.acme.WriteKey, plain("b5"), []string{"Content-Type", "text/plain"}},
		{"the key in the body", "", withKey("b6"), nil},
		{"the key in a gzip body", "", gzipped(t, withKey("b7")), nil},
		{"the header's key before the body's", s.acme.WriteKey, `{"writeKey":"nobody's",` + plain("b8")[1:], nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reply := s.kit.Do(t, http.MethodPost, "/v1/batch", c.key, c.body, c.headers...)
			wantVerdicts(t, verdictsOf(t, reply, http.StatusOK), "ACCEPTED")
		})
	}
	s.wantCount(t, len(cases), 1)
	s.wantStrangerEmpty(t)
}
