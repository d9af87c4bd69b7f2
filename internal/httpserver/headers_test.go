package httpserver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWhatOtherSitesSendIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		method, origin, fetch string
		allowed               []string
		refused               bool
	}{
		"a program":               {"POST", "", "", nil, false},
		"its own page":            {"POST", "https://tidemark.test", "same-origin", nil, false},
		"its own page, older":     {"POST", "https://tidemark.test", "", nil, false},
		"a person's own link":     {"POST", "", "none", nil, false},
		"a foreign page":          {"POST", "https://evil.test", "cross-site", nil, true},
		"a foreign page, older":   {"POST", "https://evil.test", "", nil, true},
		"a page of no origin":     {"POST", "null", "cross-site", nil, true},
		"a neighbouring page":     {"POST", "https://other.tidemark.test", "same-site", nil, true},
		"a foreign page, PUT":     {"PUT", "https://evil.test", "cross-site", nil, true},
		"a foreign page, DELETE":  {"DELETE", "https://evil.test", "cross-site", nil, true},
		"a foreign page, reading": {"GET", "https://evil.test", "cross-site", nil, false},
		"an allowed page":         {"POST", "https://app.test", "cross-site", []string{"https://app.test"}, false},
		"another scheme":          {"POST", "http://app.test", "cross-site", []string{"https://app.test"}, true},
		"beside an allowed page":  {"POST", "https://evil.test", "cross-site", []string{"https://app.test"}, true},
		"all are allowed":         {"POST", "https://evil.test", "cross-site", []string{"https://app.test", "*"}, false},
	} {
		r := httptest.NewRequest(c.method, "https://tidemark.test/thing", nil)
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if c.fetch != "" {
			r.Header.Set("Sec-Fetch-Site", c.fetch)
		}
		reached, w := false, httptest.NewRecorder()
		withProtection(c.allowed, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })).ServeHTTP(w, r)
		if reached == c.refused || c.refused && (w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), `"FORBIDDEN"`)) {
			t.Errorf("%s: reached %v, %d %s", name, reached, w.Code, w.Body)
		}
	}
}

// TestHSTS: a browser is told to come by TLS only if it did, or a trusted proxy says so.
func TestHSTS(t *testing.T) {
	for peer, want := range map[string]string{"10.0.0.1:80": "max-age=31536000", "192.0.2.1:80": ""} {
		r := httptest.NewRequest(http.MethodGet, "http://tidemark.test/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-Proto", "https")
		w := httptest.NewRecorder()
		withClient(networks("10.0.0.0/8"), withHeaders(http.NotFoundHandler())).ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security"); got != want {
			t.Errorf("by %s: %q", peer, got)
		}
	}
}
