package gqlhttp

import (
	"context"
	"errors"
	"io"
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
	start    time.Time // of reading the request
	deadline time.Time // of all that comes before a stream's first event
}

// serve answers GET and POST. The checks are in the order of their cost.
func (x *exchange) serve() {
	ctx, cancel := context.WithCancelCause(x.r.Context())
	defer cancel(nil)
	who, scope, text, err := x.open(ctx, cancel)
	if err != nil {
		x.fail(err)
		return
	}
	who, done := x.recall(who, scope, text)
	if done {
		return
	}
	q, err := x.read(text)
	switch {
	case err != nil:
		x.fail(err)
	case x.format == formatStream:
		x.stream(who, scope, q)
	default:
		x.once(who, scope, q)
	}
}

// open finds out who asks, and takes in what they ask.
func (x *exchange) open(ctx context.Context, cancel context.CancelCauseFunc) (who context.Context, scope string, text []byte, err error) {
	if err := x.acceptable(); err != nil {
		return nil, "", nil, err
	}
	x.start = graphql.Now()
	if who, scope, err = x.identify(ctx, cancel); err != nil {
		return nil, "", nil, err
	}
	if x.r.Method == http.MethodGet {
		return who, scope, []byte(x.r.URL.RawQuery), nil
	}
	text, err = x.body()
	return who, scope, text, err
}

// identify finds out who asks, if they say so.
func (x *exchange) identify(ctx context.Context, cancel context.CancelCauseFunc) (context.Context, string, error) {
	authorization := x.r.Header.Get("Authorization")
	if authorization == "" && x.h.config.Anonymous {
		return ctx, "", nil
	}
	ask := x.h.config.Recognize
	if x.format == formatStream {
		ask = x.h.config.lasting(cancel)
	}
	return identify(ctx, ask, cancel, x.deadline, authorization)
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

// read reads the request out of the URL's query, or the body.
func (x *exchange) read(text []byte) (q *request, err error) {
	if x.r.Method == http.MethodGet {
		q, err = requestOfURL(string(text))
	} else {
		q, err = requestOfBody(text)
	}
	if err != nil {
		return nil, err
	}
	q.header = x.r.Header
	q.read = graphql.TraceTiming{Start: x.start, End: graphql.Now()}
	return q, nil
}

func requestOfBody(body []byte) (*request, error) {
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
func (x *exchange) once(ctx context.Context, scope string, q *request) {
	op, bad := x.h.parse(ctx, q)
	if bad != nil {
		x.reply(bad)
		return
	}
	if err := x.allowed(op.Operation.Operation); err != nil {
		x.fail(err)
		return
	}
	admission, bad := x.h.admit(ctx, op)
	x.tell(admission)
	if bad != nil {
		x.reply(bad)
		return
	}
	a, err := x.perform(ctx, scope, q, op)
	if err != nil {
		x.fail(err)
		return
	}
	a.extend(admission)
	x.reply(a)
}

// perform says by a header whether the answer was given before.
func (x *exchange) perform(ctx context.Context, scope string, q *request, op *graphql.OperationContext) (*answer, error) {
	a, err := x.h.perform(ctx, scope, q, op, x.deadline)
	if err == nil && a.stored != nil {
		x.w.Header().Set(replayedHeader, "true")
	}
	return a, err
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
