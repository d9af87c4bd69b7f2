package gqlhttp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/vektah/gqlparser/v2/ast"
)

// exchange is one HTTP request and its response.
type exchange struct {
	h        *Handler
	w        http.ResponseWriter
	r        *http.Request
	format   format
	deadline time.Time // of all that comes before a stream's first event
}

// serve answers GET and POST. The checks are in the order of their cost.
func (x *exchange) serve() {
	ctx, cancel := context.WithCancelCause(x.r.Context())
	defer cancel(nil)
	who, scope, q, err := x.open(ctx, cancel)
	switch {
	case err != nil:
		x.fail(err)
	case x.format == formatStream:
		x.stream(who, scope, q)
	default:
		x.once(who, q)
	}
}

// open reads who asks, and for what.
func (x *exchange) open(ctx context.Context, cancel context.CancelCauseFunc) (context.Context, string, *request, error) {
	if err := x.acceptable(); err != nil {
		return nil, "", nil, err
	}
	who, scope, err := x.h.identify(ctx, cancel, x.deadline, x.r.Header.Get("Authorization"))
	if err != nil {
		return nil, "", nil, err
	}
	q, err := x.read()
	return who, scope, q, err
}

// acceptable checks the media types. Only application/json is taken ([HTTP] 4.4):
// a page of another site cannot send that without a preflight, as it could a form
// or text/plain ([HTTP] 6.2.3).
func (x *exchange) acceptable() error {
	if x.format == formatNone {
		return &refusal{status: http.StatusNotAcceptable, fault: fault.New(fault.BadUserInput,
			"Accept application/graphql-response+json, application/json or text/event-stream.")}
	}
	if x.r.Method == http.MethodGet {
		return nil
	}
	typ, params, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || typ != "application/json" || !isUTF8(params) {
		return fault.New(fault.Unsupported, "Send the request as application/json, in UTF-8.")
	}
	if encoding := x.r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return fault.New(fault.Unsupported, "Send the request without a content encoding.")
	}
	return nil
}

// read reads the request out of the URL or the body.
func (x *exchange) read() (q *request, err error) {
	start := graphql.Now()
	if x.r.Method == http.MethodGet {
		q, err = requestOfURL(x.r.URL.RawQuery)
	} else {
		q, err = x.readBody()
	}
	if err != nil {
		return nil, err
	}
	q.header = x.r.Header
	q.read = graphql.TraceTiming{Start: start, End: graphql.Now()}
	return q, nil
}

func (x *exchange) readBody() (*request, error) {
	body, err := x.body()
	if err != nil {
		return nil, err
	}
	object, err := decodeObject(body)
	if err != nil {
		return nil, err
	}
	return requestOf(object)
}

// body reads at most MaxBody bytes, by the deadline. The deadline is taken back
// afterwards: net/http goes on reading, and would hold it for a lost client.
func (x *exchange) body() ([]byte, error) {
	limit := x.h.config.MaxBody
	control := http.NewResponseController(x.w)
	_ = control.SetReadDeadline(x.deadline) // what cannot, such as a test's recorder, reads from memory
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, limit))
	_ = control.SetReadDeadline(time.Time{})
	var tooLarge *http.MaxBytesError
	var network net.Error
	switch {
	case err == nil:
		return body, nil
	case errors.As(err, &tooLarge):
		return nil, fault.Newf(fault.TooLarge, "The request is larger than %d bytes.", limit)
	case errors.As(err, &network) && network.Timeout():
		return nil, &refusal{status: http.StatusRequestTimeout, fault: errTimeout}
	}
	return nil, fault.New(fault.BadUserInput, "The request could not be read.").Because(err)
}

// once answers a query or a mutation.
func (x *exchange) once(ctx context.Context, q *request) {
	op, bad := x.h.parse(ctx, q)
	if bad != nil {
		x.reply(bad)
		return
	}
	if err := x.allowed(op.Operation.Operation); err != nil {
		x.fail(err)
		return
	}
	x.reply(x.h.execute(ctx, op, x.deadline))
}

// allowed refuses a mutation by GET, which a link or an image could send ([HTTP]
// 4.3), and a subscription where there is no stream to answer it with.
func (x *exchange) allowed(kind ast.Operation) error {
	if kind == ast.Mutation && x.r.Method == http.MethodGet {
		return notAllowed("POST", "Send a mutation by POST.")
	}
	if kind == ast.Subscription && x.format != formatStream {
		return notAllowed("GET, POST", "A subscription needs a websocket (graphql-transport-ws), or Accept: text/event-stream.")
	}
	return nil
}

// reply writes an answer. Under application/json a document that is at fault is
// answered with 200 (audits 572B, FDE2, 7B9B): a client that does not know
// application/graphql-response+json takes any other status for a proxy's.
func (x *exchange) reply(a *answer) {
	status := a.status()
	if status == http.StatusBadRequest && x.format == formatJSON {
		status = http.StatusOK
	}
	x.write(status, a.encode())
}

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
	f, _ := fault.Of(err)
	status := f.Status()
	if status >= http.StatusInternalServerError {
		x.h.config.Logger.ErrorContext(x.r.Context(), "GraphQL: request failed",
			slog.Any("error", err), slog.String("request_id", requestID(x.r.Context())))
	}
	var other *refusal
	if errors.As(err, &other) {
		status = other.status
		if other.allow != "" {
			x.w.Header().Set("Allow", other.allow)
		}
	}
	x.write(status, failed(f).encode())
}

func (x *exchange) write(status int, body []byte) {
	header := x.w.Header()
	header.Set("Content-Type", contentTypes[x.format])
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
