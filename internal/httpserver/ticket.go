package httpserver

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// desk takes in how tickets of support stand over HTTP.
type desk struct {
	keys    *access.Authenticator
	tickets *ticket.Service
	logger  *slog.Logger
}

// ticketVerdict is what became of a ticket, as JSON.
type ticketVerdict struct {
	ID     string       `json:"id"`
	Status event.Status `json:"status"`
	Field  string       `json:"field,omitempty"`
	Reason string       `json:"reason,omitempty"`
}

// ServeHTTP implements [http.Handler].
func (d desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		refuseMethod(w, http.MethodPost)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ingestWithin)
	defer cancel()
	verdicts, alone, err := d.take(ctx, w, r)
	if err != nil {
		f, known := fault.Of(err)
		if !known || f.Status() >= http.StatusInternalServerError {
			d.logger.ErrorContext(ctx, "tickets were not taken", "error", err, "request", fault.Request(ctx))
		}
		writeError(w, r, f)
		return
	}
	answer := struct {
		Success  bool            `json:"success"`
		Verdicts []ticketVerdict `json:"verdicts"`
	}{Success: true}
	for _, v := range verdicts {
		answer.Verdicts = append(answer.Verdicts, ticketVerdict(v))
	}
	status := http.StatusOK
	if alone { // of a single ticket the status tells
		status = map[event.Status]int{event.Rejected: http.StatusBadRequest, event.Conflict: http.StatusConflict}[verdicts[0].Status]
	}
	writeJSON(w, max(status, http.StatusOK), answer)
}

func (d desk) take(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]ticket.Verdict, bool, error) {
	who, err := d.keys.Sender(ctx, credential(r), r.Header.Get("Origin"))
	if err != nil {
		return nil, false, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, false, err
	}
	given, alone, err := ticket.Decode(body)
	if err != nil {
		return nil, false, err
	}
	verdicts, err := d.tickets.Record(ctx, who, given)
	return verdicts, alone, err
}
