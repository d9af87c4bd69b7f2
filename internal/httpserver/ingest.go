package httpserver

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// ingestWithin bounds the time from a request's body to its verdicts.
const ingestWithin = 20 * time.Second

// ingest takes events in over HTTP.
type ingest struct {
	keys   *access.Authenticator
	writer event.Appender
	logger *slog.Logger
}

// ingestAnswer writes the body of an answer. Success is Segment's, and status PostHog's: that
// the request was understood, not that every event was accepted.
func ingestAnswer(status int, verdicts []event.Verdict) []byte {
	const perVerdict = 80 // bytes, of most
	b := append(make([]byte, 0, 64+perVerdict*len(verdicts)), `{"success":true,`...)
	if status != 0 {
		b = append(strconv.AppendInt(append(b, `"status":`...), int64(status), 10), ',')
	}
	b = append(b, `"verdicts":[`...)
	for i := range verdicts {
		if i > 0 {
			b = append(b, ',')
		}
		b = verdicts[i].AppendJSON(b)
	}
	return append(b, "]}\n"...)
}

func (in ingest) handler(d door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			refuseMethod(w, http.MethodPost)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), ingestWithin)
		defer cancel()
		brought, verdicts, err := in.take(ctx, w, r, d.read)
		if err != nil {
			in.refuse(w, r, err)
			return
		}
		writeBody(w, statusOf(brought, verdicts), ingestAnswer(d.status, verdicts))
	})
}

// statusOf: a batch succeeds item by item, but of a single event the status tells.
func statusOf(brought delivery, verdicts []event.Verdict) int {
	if !brought.alone {
		return http.StatusOK
	}
	switch verdicts[0].Status {
	case event.Rejected:
		return http.StatusBadRequest
	case event.Conflict:
		return http.StatusConflict
	}
	return http.StatusOK
}

func (in ingest) take(ctx context.Context, w http.ResponseWriter, r *http.Request, read reader) (delivery, []event.Verdict, error) {
	who, body, err := in.identify(ctx, w, r)
	if err != nil {
		return delivery{}, nil, err
	}
	brought, err := read(r.Header, body)
	if err != nil {
		return delivery{}, nil, err
	}
	verdicts, err := in.writer.Append(ctx, who.Tenant, who.Source, brought.items)
	return brought, verdicts, err
}

// identify finds out who sends, and reads the body: after the key, if the header has one,
// since a stranger's is of no interest.
func (in ingest) identify(ctx context.Context, w http.ResponseWriter, r *http.Request) (who access.Principal, body []byte, err error) {
	if key := credential(r); key != "" {
		if who, err = in.keys.Sender(ctx, key, r.Header.Get("Origin")); err != nil {
			return who, nil, err
		}
		body, err = readBody(w, r)
		return who, body, err
	}
	if body, err = readBody(w, r); err != nil {
		return who, nil, err
	}
	who, err = in.keys.Sender(ctx, event.WriteKey(body), r.Header.Get("Origin"))
	return who, body, err
}

func (in ingest) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f, known := fault.Of(err)
	if !known || f.Status() >= http.StatusInternalServerError {
		in.logger.ErrorContext(r.Context(), "events were not taken", "error", err, "request", fault.Request(r.Context()))
	}
	writeError(w, r, f)
}

// credential finds the key in the header: as the user name of Basic (RFC 7617), where
// Segment's clients put it, or as Bearer (RFC 6750).
func credential(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	return access.Bearer(r.Header.Get("Authorization"))
}
