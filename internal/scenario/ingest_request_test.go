package scenario_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// What a request as a whole may be.
func TestRequests(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"requests that cannot be read", requestsThatCannotBeRead},
		{"the limit of a body", theLimitOfABody},
	})
}

// problem is the body of an error outside GraphQL.
type problem struct {
	Error struct{ Code, Message, Field, RequestID string }
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A request that cannot be read as a whole takes nothing in, and says why.
func requestsThatCannotBeRead(t *testing.T, s story) {
	whole := `{"batch":[` + event("m1", secret, "u1", noon) + `]}`
	write, read := s.acme.WriteKey, s.acme.ReadKey
	zipped := gzipped(t, whole)
	cases := []struct {
		name, method, key, body string
		status                  int
		code, field             string
		headers                 []string
	}{
		{"malformed JSON", "POST", write, `{"batch":[{"event":` + secret + `]}`, 400, "BAD_USER_INPUT", "body", nil},
		{"cut short", "POST", write, whole[:len(whole)-2], 400, "BAD_USER_INPUT", "body", nil},
		{"trailing text", "POST", write, whole + secret, 400, "BAD_USER_INPUT", "body", nil},
		{"a second object", "POST", write, whole + whole, 400, "BAD_USER_INPUT", "body", nil},
		{"empty body", "POST", write, "", 400, "BAD_USER_INPUT", "body", nil},
		{"array body", "POST", write, "[" + whole + "]", 400, "BAD_USER_INPUT", "body", nil},
		{"text body", "POST", write, `"` + secret + `"`, 400, "BAD_USER_INPUT", "body", nil},
		{"missing batch", "POST", write, `{"events":["` + secret + `"]}`, 400, "BAD_USER_INPUT", "batch", nil},
		{"null batch", "POST", write, `{"batch":null}`, 400, "BAD_USER_INPUT", "batch", nil},
		{"empty batch", "POST", write, `{"batch":[]}`, 400, "BAD_USER_INPUT", "batch", nil},
		{"batch an object", "POST", write, `{"batch":{"a":"` + secret + `"}}`, 400, "BAD_USER_INPUT", "batch", nil},
		{"sentAt no time", "POST", write, `{"sentAt":"` + secret + `",` + whole[1:], 400, "BAD_USER_INPUT", "sentAt", nil},
		{"501 KB", "POST", write, whole + strings.Repeat(" ", 501<<10-len(whole)), 413, "PAYLOAD_TOO_LARGE", "", nil},
		{"gzip cut short", "POST", write, zipped[:len(zipped)-9], 400, "BAD_USER_INPUT", "body", nil},
		{"gzip cut in its head", "POST", write, zipped[:4], 400, "BAD_USER_INPUT", "body", []string{"Content-Encoding", "gzip"}},
		{"gzip damaged", "POST", write, zipped[:20] + "\xff\xff" + zipped[22:], 400, "BAD_USER_INPUT", "body", nil},
		{"gzip in gzip", "POST", write, gzipped(t, zipped), 400, "BAD_USER_INPUT", "body", nil},
		{"a gzip bomb", "POST", write, gzipped(t, strings.Repeat(" ", 50<<20)+whole), 413, "PAYLOAD_TOO_LARGE", "", nil},
		{"another encoding", "POST", write, whole, 415, "UNSUPPORTED_MEDIA", "", []string{"Content-Encoding", "br"}},
		{"wrong key in the body", "POST", "", `{"writeKey":"tmw_` + strings.Repeat("A", 43) + `",` + whole[1:], 401, "UNAUTHENTICATED", "", nil},
		{"read key in the body", "POST", "", `{"writeKey":"` + read + `",` + whole[1:], 403, "FORBIDDEN", "", nil},
		{"GET", "GET", write, "", 405, "BAD_USER_INPUT", "", nil},
		{"PUT", "PUT", write, whole, 405, "BAD_USER_INPUT", "", nil},
		{"no key", "POST", "", whole, 401, "UNAUTHENTICATED", "", nil},
		{"wrong key", "POST", "tmw_" + strings.Repeat("A", 43), whole, 401, "UNAUTHENTICATED", "", nil},
		{"short key", "POST", "x", whole, 401, "UNAUTHENTICATED", "", nil},
		{"huge key", "POST", strings.Repeat("k", 5_000), whole, 401, "UNAUTHENTICATED", "", nil},
		{"wrong key as Basic", "POST", "", whole, 401, "UNAUTHENTICATED", "", basic("tmw_" + strings.Repeat("A", 43))},
		{"read key", "POST", read, whole, 403, "FORBIDDEN", "", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reply := s.kit.Do(t, c.method, "/v1/batch", c.key, c.body, c.headers...)
			wantProblem(t, reply, c.status, c.code, c.field)
		})
	}
	s.wantCount(t, 0, 0)
}

func wantProblem(t *testing.T, reply served.Reply, status int, code, field string) {
	t.Helper()
	var got problem
	reply.Decode(t, &got)
	if reply.Status != status || got.Error.Code != code || got.Error.Field != field {
		t.Errorf("got %d %+v, want %d %s %q", reply.Status, got.Error, status, code, field)
	}
	wantDiscreet(t, string(reply.Body), secret)
	if typ := reply.Header.Get("Content-Type"); !strings.HasPrefix(typ, "application/json") {
		t.Errorf("the error is %q", typ)
	}
	if status == http.StatusUnauthorized && reply.Header.Get("WWW-Authenticate") == "" {
		t.Error("a 401 must say how to authenticate (RFC 9110, 15.5.2)")
	}
	if status == http.StatusMethodNotAllowed && reply.Header.Get("Allow") != http.MethodPost {
		t.Errorf("Allow is %q", reply.Header.Get("Allow"))
	}
}

// At the limit a request is taken, and one byte beyond it is not.
func theLimitOfABody(t *testing.T, s story) {
	body := func(id string, size int) string {
		text := `{"batch":[` + event(id, "E", "u1", noon) + `]}`
		return text + strings.Repeat(" ", size-len(text))
	}
	wantVerdicts(t, verdictsOf(t, s.kit.Do(t, "POST", "/v1/batch", s.acme.WriteKey, body("fits", 500<<10)), 200), "ACCEPTED")
	wantProblem(t, s.kit.Do(t, "POST", "/v1/batch", s.acme.WriteKey, body("does not", 500<<10+1)), 413, "PAYLOAD_TOO_LARGE", "")
	s.wantCount(t, 1, 1)
}
