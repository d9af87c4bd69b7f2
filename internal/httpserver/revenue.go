package httpserver

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/revenue"
)

// books takes in what is known of revenue over HTTP.
type books struct {
	keys    *access.Authenticator
	revenue *revenue.Service
	logger  *slog.Logger
}

// revenueVerdict is what became of an item, as JSON.
type revenueVerdict struct {
	Kind   revenue.ItemKind `json:"kind,omitempty"`
	ID     string           `json:"id"`
	Status event.Status     `json:"status"`
	Field  string           `json:"field,omitempty"`
	Reason string           `json:"reason,omitempty"`
}

// ServeHTTP implements [http.Handler].
func (b books) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		refuseMethod(w, http.MethodPost)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ingestWithin)
	defer cancel()
	verdicts, alone, err := b.take(ctx, w, r)
	if err != nil {
		f, known := fault.Of(err)
		if !known || f.Status() >= http.StatusInternalServerError {
			b.logger.ErrorContext(ctx, "revenue was not taken", "error", err, "request", fault.Request(ctx))
		}
		writeError(w, r, f)
		return
	}
	answer := struct {
		Success  bool             `json:"success"`
		Verdicts []revenueVerdict `json:"verdicts"`
	}{Success: true}
	for _, v := range verdicts {
		answer.Verdicts = append(answer.Verdicts, revenueVerdict(v))
	}
	status := http.StatusOK
	if alone { // of a single item the status tells
		status = map[event.Status]int{event.Rejected: http.StatusBadRequest, event.Conflict: http.StatusConflict}[verdicts[0].Status]
	}
	writeJSON(w, max(status, http.StatusOK), answer)
}

func (b books) take(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]revenue.Verdict, bool, error) {
	who, err := b.keys.Sender(ctx, credential(r), r.Header.Get("Origin"))
	if err != nil {
		return nil, false, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, false, err
	}
	given, alone, err := revenue.Decode(body)
	if err != nil {
		return nil, false, err
	}
	verdicts, err := b.revenue.Record(ctx, who, given)
	return verdicts, alone, err
}
