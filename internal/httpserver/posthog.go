package httpserver

import (
	"encoding/json"
	"net/http"
	"regexp"
)

// What clients ask for beside sending events. There are no feature flags, surveys or
// recordings here, and saying so keeps clients from asking again, or complaining.

// noFlags is the answer to /flags and /decide, in both of its versions.
var noFlags = map[string]any{
	"flags": map[string]any{}, "featureFlags": map[string]any{}, "featureFlagPayloads": map[string]any{},
	"errorsWhileComputingFlags": false,
}

// remoteConfig is what browsers of PostHog's ask for when they start.
func remoteConfig(token string) map[string]any {
	return map[string]any{
		"token":                token,
		"supportedCompression": []string{"gzip", "gzip-js"},
		"analytics":            map[string]string{"endpoint": "/i/v0/e/"},
		"hasFeatureFlags":      false, "sessionRecording": false, "surveys": false, "heatmaps": false,
		"autocaptureExceptions": false, "captureDeadClicks": false, "capturePerformance": false,
		"siteApps": []string{}, "toolbarParams": map[string]any{}, "isAuthenticated": false,
	}
}

// openPostHog answers what PostHog's clients ask, and what Segment's tell of themselves.
func openPostHog(mux *http.ServeMux) {
	for _, path := range []string{"/flags", "/decide"} {
		handler := withCORS(http.MethodPost, posting(noFlags))
		mux.Handle(path, handler)
		mux.Handle(path+"/{$}", handler)
	}
	mux.Handle("/v1/m", withCORS(http.MethodPost, posting(map[string]bool{"success": true})))
	mux.Handle("/array/{token}/config", withCORS(http.MethodGet, http.HandlerFunc(tellConfig)))
	mux.Handle("/array/{token}/config.js", withCORS(http.MethodGet, http.HandlerFunc(runConfig)))
}

// posting answers every POST with the same.
func posting(answer any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			refuseMethod(w, http.MethodPost)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	})
}

// tokens are what a key may look like: it is written into a script.
var tokens = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

func tellConfig(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	if !tokens.MatchString(token) {
		notFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, remoteConfig(token))
}

// runConfig is the same as a script.
func runConfig(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	config, err := json.Marshal(map[string]any{"config": remoteConfig(token), "siteApps": []string{}})
	if err != nil || !tokens.MatchString(token) {
		notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(`(window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {})["` + token + `"] = ` + string(config) + ";\n"))
}
