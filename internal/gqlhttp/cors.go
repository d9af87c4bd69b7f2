package gqlhttp

import (
	"net/http"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// What pages of foreign origins may ask with and read of an answer, by the Fetch standard
// (https://fetch.spec.whatwg.org/#http-cors-protocol). Credentials of the browser, such as
// cookies, are never allowed: who asks is said in Authorization.
const (
	corsMethods = "GET, POST"
	corsHeaders = "Accept, Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
	corsExposed = "RateLimit, RateLimit-Limit, RateLimit-Policy, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id"
	corsMaxAge  = "600" // seconds; so long an origin that was taken off the list goes on
)

var errCrossSite = fault.New(fault.Forbidden, "A page of another site may not send this. Its origin must be among those that the server allows.")

// shareWith tells the browser whether the page that asks may read the answer. The answer
// depends on who asks, whatever it says.
func (x *exchange) shareWith() {
	header := x.w.Header()
	header.Add("Vary", "Origin")
	origin := x.r.Header.Get("Origin")
	switch {
	case x.h.origins["*"]:
		header.Set("Access-Control-Allow-Origin", "*")
	case origin != "" && x.h.origins[strings.ToLower(origin)]:
		header.Set("Access-Control-Allow-Origin", origin)
	default:
		return
	}
	header.Set("Access-Control-Expose-Headers", corsExposed)
}

// isPreflight tells whether a browser asks what a page may send.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers it, after shareWith.
func (x *exchange) preflight() {
	if !x.h.originAllowed(x.r) {
		x.fail(errCrossSite)
		return
	}
	header := x.w.Header()
	header.Set("Access-Control-Allow-Methods", corsMethods)
	header.Set("Access-Control-Allow-Headers", corsHeaders)
	header.Set("Access-Control-Max-Age", corsMaxAge)
	x.w.WriteHeader(http.StatusNoContent)
}

// newProtection refuses a POST that a page of another site sends, by what its browser says of
// it (Sec-Fetch-Site, or else Origin); nil if all may.
func newProtection(origins []string) *http.CrossOriginProtection {
	protection := http.NewCrossOriginProtection()
	for _, origin := range origins {
		if origin == "*" {
			return nil
		}
		if err := protection.AddTrustedOrigin(strings.ToLower(origin)); err != nil {
			panic("gqlhttp: " + err.Error()) // the configuration has checked them
		}
	}
	return protection
}

// crossSite tells whether the request is one that another site's page may not send.
func (h *Handler) crossSite(r *http.Request) bool {
	return h.protection != nil && h.protection.Check(r) != nil
}
