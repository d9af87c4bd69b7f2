package gqlhttp

import (
	"context"
	"net/http"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

const appOrigin = "https://app.example.com"

// pages are those that ask, and whether they may, and may read what they get.
var pages = []struct {
	name          string
	allowed       []string
	origin, fetch string
	sends         bool   // whether a POST of theirs is executed
	reads         string // Access-Control-Allow-Origin of the answer
}{
	{"a program", []string{appOrigin}, "", "", true, ""},
	{"its own page", []string{appOrigin}, "http://tidemark.test", "same-origin", true, ""},
	{"an allowed page", []string{appOrigin}, appOrigin, "cross-site", true, appOrigin},
	{"an allowed page, older", []string{appOrigin}, appOrigin, "", true, appOrigin},
	{"a foreign page", []string{appOrigin}, "https://evil.test", "cross-site", false, ""},
	{"a foreign page, older", []string{appOrigin}, "https://evil.test", "", false, ""},
	{"a foreign page, none allowed", nil, "https://evil.test", "cross-site", false, ""},
	{"a page of no origin", []string{appOrigin}, "null", "cross-site", false, ""},
	{"a page whose name begins alike", []string{appOrigin}, appOrigin + ".evil.test", "cross-site", false, ""},
	{"a page whose name ends alike", []string{appOrigin}, "https://evilapp.example.com", "cross-site", false, ""},
	{"a page without TLS", []string{appOrigin}, "http://app.example.com", "cross-site", false, ""},
	{"a page at another port", []string{appOrigin}, appOrigin + ":8443", "cross-site", false, ""},
	{"any page, all allowed", []string{"*"}, "https://evil.test", "cross-site", true, "*"},
}

// A page that may not is refused before anything is executed, and what others ask for, it
// cannot read.
func TestWhatPagesMaySendAndRead(t *testing.T) {
	for _, page := range pages {
		t.Run(page.name, func(t *testing.T) {
			bubble(t, Config{Origins: page.allowed}, func(w *world) {
				headers := []string{}
				if page.origin != "" {
					headers = append(headers, "Origin", page.origin)
				}
				if page.fetch != "" {
					headers = append(headers, "Sec-Fetch-Site", page.fetch)
				}
				sent := w.post(`{"query":"mutation { bump }"}`, headers...)
				read := w.get("query={name}", headers...) // changes nothing, so it is answered
				for _, r := range []*response{sent, read} {
					r.wantHeader("Access-Control-Allow-Origin", page.reads).wantHeader("Vary", "Origin").wantHeader("Access-Control-Allow-Credentials", "")
					if exposed := r.header.Get("Access-Control-Expose-Headers") != ""; exposed != (page.reads != "") {
						t.Errorf("headers are exposed: %v", exposed)
					}
				}
				read.want(http.StatusOK, "tidemark")
				if page.sends {
					sent.want(http.StatusOK)
				} else {
					sent.want(http.StatusForbidden, `"FORBIDDEN"`)
				}
				if bumped := w.bumps.Load() == 1; bumped != page.sends {
					t.Errorf("the mutation was executed: %v", bumped)
				}
			})
		})
	}
}

// A preflight says what an allowed page may ask with, and for how long that holds.
func TestPreflight(t *testing.T) {
	for _, page := range pages {
		if page.origin == "" {
			continue // only pages ask beforehand
		}
		t.Run(page.name, func(t *testing.T) {
			bubble(t, Config{Origins: page.allowed}, func(w *world) {
				r := w.do(http.MethodOptions, endpoint, "", "Origin", page.origin, "Access-Control-Request-Method", "POST",
					"Access-Control-Request-Headers", "authorization,content-type,x-anything")
				r.wantHeader("Access-Control-Allow-Origin", page.reads).wantHeader("Vary", "Origin")
				if !page.sends {
					r.want(http.StatusForbidden, `"FORBIDDEN"`).wantHeader("Access-Control-Allow-Headers", "")
					return
				}
				r.want(http.StatusNoContent).wantHeader("Access-Control-Allow-Methods", "GET, POST").wantHeader("Access-Control-Max-Age", "600").
					wantHeader("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Idempotency-Key, Last-Event-ID")
			})
		})
	}
}

// Whoever asks is known where it is decided who that is, over a websocket as well.
func TestTheClientIsKnownToAuthenticate(t *testing.T) {
	asked := make(chan fault.Client, 2)
	config := Config{Authenticate: func(ctx context.Context, _ string, _ func(error)) (context.Context, string, error) {
		asked <- fault.ClientOf(ctx)
		return ctx, "", nil
	}}
	bubble(t, config, func(w *world) {
		w.post(`{"query":"{ name }"}`, "User-Agent", "test").want(http.StatusOK)
		w.connect("User-Agent", "test")
		want := fault.Client{Address: testAddress, UserAgent: "test"}
		if got, again := <-asked, <-asked; got != want || again != want {
			t.Errorf("it was asked for %+v and %+v", got, again)
		}
	})
}
