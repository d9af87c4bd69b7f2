package httpserver

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// items takes in over HTTP what is said item by item, or one by itself.
type items struct {
	keys   *access.Authenticator
	what   string // they are of, for the log
	record func(ctx context.Context, who access.Principal, body []byte) (verdicts []itemVerdict, alone bool, err error)
	logger *slog.Logger
}

// itemVerdict is what became of an item, as JSON.
type itemVerdict struct {
	Kind   string       `json:"kind,omitempty"`
	ID     string       `json:"id"`
	Status event.Status `json:"status"`
	Field  string       `json:"field,omitempty"`
	Reason string       `json:"reason,omitempty"`
}

// ServeHTTP implements [http.Handler].
func (i items) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		refuseMethod(w, http.MethodPost)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ingestWithin)
	defer cancel()
	verdicts, alone, err := i.take(ctx, w, r)
	if err != nil {
		f, known := fault.Of(err)
		if !known || f.Status() >= http.StatusInternalServerError {
			i.logger.ErrorContext(ctx, "items were not taken", "of", i.what, "error", err, "request", fault.Request(ctx))
		}
		writeError(w, r, f)
		return
	}
	status := http.StatusOK
	if alone { // of a single item the status tells
		status = map[event.Status]int{event.Rejected: http.StatusBadRequest, event.Conflict: http.StatusConflict}[verdicts[0].Status]
	}
	writeJSON(w, max(status, http.StatusOK), struct {
		Success  bool          `json:"success"`
		Verdicts []itemVerdict `json:"verdicts"`
	}{true, verdicts})
}

func (i items) take(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]itemVerdict, bool, error) {
	who, err := i.keys.Sender(ctx, credential(r), r.Header.Get("Origin"))
	if err != nil {
		return nil, false, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, false, err
	}
	return i.record(ctx, who, body)
}
