package httpserver

import (
	"maps"
	"net/http"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// always are the headers of every answer, after OWASP's list for APIs
// (https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html). An answer
// is data: as a page it may load nothing, do nothing, and be framed by nobody. The playground,
// which is a page, has a policy of its own.
var always = http.Header{
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
	"Referrer-Policy":              {"no-referrer"},
	"Permissions-Policy":           {"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
}

// strictTransport has browsers come by TLS alone for a year (RFC 6797). Hosts below this one
// are not ours to decide on.
const strictTransport = "max-age=31536000"

func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		maps.Copy(header, always)
		if fault.ClientOf(r.Context()).Secure {
			header.Set("Strict-Transport-Security", strictTransport)
		}
		next.ServeHTTP(w, r)
	})
}

// withProtection refuses what pages of other sites send that might change something.
func withProtection(origins []string, next http.Handler) http.Handler {
	if slices.Contains(origins, "*") {
		return next
	}
	protection := http.NewCrossOriginProtection()
	for _, origin := range origins {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			panic("httpserver: " + err.Error()) // the configuration has checked them
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, r, fault.New(fault.Forbidden, "A page of another site may not send this."))
	}))
	return protection.Handler(next)
}
