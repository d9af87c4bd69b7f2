package gqlhttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// reply writes an answer. Under application/json a document that is at fault is
// answered with 200 (audits 572B, FDE2, 7B9B): a client that does not know
// application/graphql-response+json takes any other status for a proxy's.
func (x *exchange) reply(a *answer) {
	status := a.status()
	if status == http.StatusBadRequest && x.format == formatJSON {
		status = http.StatusOK
	}
	x.advise(a)
	buf := replies.Get().(*[]byte)
	*buf = a.appendTo((*buf)[:0])
	x.write(status, *buf)
	if cap(*buf) <= maxReply {
		replies.Put(buf)
	}
}

// replies are buffers that answers are written out of, which net/http does not keep.
var replies = sync.Pool{New: func() any { return new([]byte) }}

// maxReply bounds a buffer that is used again.
const maxReply = 256 << 10

// refusal is a fault whose HTTP status is another than its code's.
type refusal struct {
	status int
	allow  string // for 405, which must have it (RFC 9110, 15.5.6)
	fault  *fault.Error
}

func (r *refusal) Error() string { return r.fault.Error() }
func (r *refusal) Unwrap() error { return r.fault }

func notAllowed(allow, message string) *refusal {
	return &refusal{status: http.StatusMethodNotAllowed, allow: allow, fault: fault.New(fault.BadUserInput, message)}
}

// fail answers a request that did not come to an operation.
func (x *exchange) fail(err error) {
	a := x.h.unanswered(x.r.Context(), err)
	status := a.status()
	var other *refusal
	if errors.As(err, &other) {
		status = other.status
		if other.allow != "" {
			x.w.Header().Set("Allow", other.allow)
		}
	}
	x.advise(a)
	x.write(status, a.encode())
}

// unanswered is the answer to a request for which nothing was executed. The log gets what
// is ours to mend.
func (h *Handler) unanswered(ctx context.Context, err error) *answer {
	f, _ := fault.Of(err)
	if f.Status() >= http.StatusInternalServerError {
		h.config.Logger.ErrorContext(ctx, "GraphQL: request failed",
			slog.Any("error", err), slog.String("request", fault.Request(ctx)))
	}
	return failed(f)
}

func (x *exchange) write(status int, body []byte) {
	header := x.w.Header()
	header.Set("Content-Type", contentTypes[x.format])
	header.Set("Content-Length", strconv.Itoa(len(body))) // net/http would send the larger ones in chunks
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusUnauthorized { // RFC 9110, 15.5.2
		header.Set("WWW-Authenticate", "Bearer")
	}
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // the client is gone, and net/http knows
}

// rescue answers a panic of ours with 500, as nothing was written before it:
// streams and sockets have a rescue of their own.
func (x *exchange) rescue() {
	if v := recover(); v != nil {
		x.write(http.StatusInternalServerError, x.h.panicked(x.r.Context(), v).encode())
	}
}
