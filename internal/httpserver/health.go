package httpserver

import (
	"context"
	"net/http"
	"time"
)

// checkWithin bounds one readiness check.
const checkWithin = 2 * time.Second

// Check says whether something that the server needs is there.
type Check struct {
	Name  string
	Vital bool // whether requests cannot be served without
	Do    func(ctx context.Context) error
}

// alive answers as long as the process does: restarting it mends nothing else.
func alive(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready answers whether requests can be served, and what is missing otherwise. It names no
// addresses and no causes: those are in the log.
func ready(checks []Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, parts := http.StatusOK, map[string]string{}
		for _, c := range checks {
			ctx, cancel := context.WithTimeout(r.Context(), checkWithin)
			parts[c.Name] = "ok"
			if err := c.Do(ctx); err != nil {
				parts[c.Name] = "unavailable"
				if c.Vital {
					status = http.StatusServiceUnavailable
				}
			}
			cancel()
		}
		writeJSON(w, status, map[string]any{"status": http.StatusText(status), "checks": parts})
	})
}
