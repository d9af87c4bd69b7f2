package httpserver

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// problem is the body of every error outside GraphQL.
type problem struct {
	Error problemDetail `json:"error"`
}

type problemDetail struct {
	Code      fault.Code `json:"code"`
	Message   string     `json:"message"`
	Field     string     `json:"field,omitempty"`
	RequestID string     `json:"requestId,omitempty"`
}

func writeError(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	detail := problemDetail{Code: f.Code, Message: f.Message, Field: f.Field}
	switch f.Code {
	case fault.Unavailable, fault.RateLimited:
		w.Header().Set("Retry-After", strconv.Itoa(max(1, f.RetryAfter())))
	case fault.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Bearer realm="tidemark"`)
	case fault.Internal:
		detail.RequestID = fault.Request(r.Context())
	}
	writeJSON(w, f.Status(), problem{detail})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // bodies are ours, and can be written
		status, text = http.StatusInternalServerError, []byte(`{}`)
	}
	writeBody(w, status, append(text, '\n'))
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller who has gone away can't be told
}

func refuseMethod(w http.ResponseWriter, allowed string) {
	w.Header().Set("Allow", allowed)
	writeJSON(w, http.StatusMethodNotAllowed, problem{problemDetail{Code: fault.BadUserInput, Message: "Send this by " + allowed + "."}})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, r, fault.New(fault.NotFound, "There is nothing here. See /graphql, /playground and /v1/batch."))
}
