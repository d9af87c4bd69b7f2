package httpserver

import "net/http"

// maxAsked bounds the list of headers that a preflight is answered with.
const maxAsked = 2_000

// withCORS lets pages of any origin send to a path. They bring a write key, which can do
// nothing but send; and no cookie is looked at, so that nobody sends in another's name.
func withCORS(method string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
		// Scripts and beacons of other sites ask without CORS, and are answered all the same.
		header.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Allow", method+", OPTIONS")
		header.Set("Access-Control-Allow-Methods", method)
		// A client may add headers of its own: CloudEvents has one for each attribute.
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" && len(asked) <= maxAsked {
			header.Set("Access-Control-Allow-Headers", asked)
		}
		header.Set("Access-Control-Max-Age", "86400")
		header.Set("Vary", "Access-Control-Request-Headers")
		w.WriteHeader(http.StatusNoContent)
	})
}
