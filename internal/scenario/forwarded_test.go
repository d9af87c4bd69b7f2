package scenario_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// What a caller writes into the headers of proxies, and for a host, is believed only if a
// trusted proxy hands it on.
func TestForgedHeaders(t *testing.T) {
	s := begin(t)
	trusting := served.StartOn(t, s.kit.DB, func(c *tidemark.Config) { c.TrustedProxies = []string{"127.0.0.0/8"} })
	// A page of evil.example says that the server is at evil.example, which would make it its own.
	forged := []string{"Origin", evilPage, "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.66"}
	reply := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.WriteKey, ingestOne(t, "m1"), forged...)
	wantEqual(t, "forged", reply.Status, http.StatusForbidden)
	wantEqual(t, "forged TLS", reply.Header.Get("Strict-Transport-Security"), "")
	s.wantCount(t, 0, 0)

	told := []string{"Origin", appPage, "X-Forwarded-Host", "app.example.com", "X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.66"}
	reply = trusting.Do(t, http.MethodPost, "/graphql", s.acme.WriteKey, ingestOne(t, "m2"), told...)
	wantEqual(t, "told by a proxy", reply.Status, http.StatusOK)
	wantEqual(t, "told of TLS", reply.Header.Get("Strict-Transport-Security"), "max-age=31536000")
	s.wantCount(t, 1, 1)
}

// A host that is made up appears in no answer: nothing is built of it.
func TestAForgedHostIsNotRepeated(t *testing.T) {
	s := begin(t)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{"/", "/playground", "/playground/config.json", "/graphql", "/graphql/", "//", "/v1/../playground", "/nowhere"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.kit.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "evil.example"
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		text := string(body)
		for name, values := range response.Header {
			text += name + strings.Join(values, " ")
		}
		if strings.Contains(text, "evil.example") {
			t.Errorf("%s repeats the host", path)
		}
	}
}
