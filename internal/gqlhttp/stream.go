package gqlhttp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/vektah/gqlparser/v2/ast"
)

// stream answers with events. What is wrong with the HTTP request is answered by
// HTTP; what is wrong with the document, by an event: a browser's EventSource
// shows nothing of a response that is not 200 ([SSE] Distinct connections mode).
func (x *exchange) stream(ctx context.Context, scope string, q *request) {
	if err := x.h.connections.join(); err != nil {
		x.fail(err)
		return
	}
	defer x.h.connections.leave()
	op, bad := x.h.parse(ctx, q)
	if bad != nil {
		x.streamAnswer(bad)
		return
	}
	if err := x.allowed(op.Operation.Operation); err != nil {
		x.fail(err)
		return
	}
	admission, bad := x.h.admit(ctx, op)
	x.tell(admission)
	switch {
	case bad != nil:
		x.streamAnswer(bad)
	case op.Operation.Operation == ast.Subscription:
		x.streamLive(ctx, scope, q, op)
	default:
		x.streamOnce(ctx, scope, q, op, admission)
	}
}

// streamOnce executes a query or a mutation, and gives its answer.
func (x *exchange) streamOnce(ctx context.Context, scope string, q *request, op *graphql.OperationContext, admission Admission) {
	a, err := x.perform(ctx, scope, q, op)
	if err != nil {
		x.fail(err)
		return
	}
	a.extend(admission)
	x.streamAnswer(a)
}

// streamAnswer gives a single answer. One that is about the caller, and not about the
// document, has its HTTP status.
func (x *exchange) streamAnswer(a *answer) {
	if status := a.status(); status == http.StatusUnauthorized || status == http.StatusTooManyRequests {
		x.reply(a)
		return
	}
	s := x.begin()
	s.next(a.encode())
	s.complete()
}

func (x *exchange) streamLive(ctx context.Context, scope string, q *request, op *graphql.OperationContext) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(x.h.connections.base, cancel)()
	party := x.h.connections.enter(x.h.party(ctx))
	if party == nil {
		x.fail(fault.New(fault.RateLimited, "Too many connections are open. Close some, or try again later."))
		return
	}
	defer x.h.connections.exit(party)
	awake := make(chan struct{}, 1)
	sub, err := x.h.subscribe(ctx, scope, q, op, func() {
		select {
		case awake <- struct{}{}:
		default:
		}
	})
	if err != nil {
		x.fail(err)
		return
	}
	defer sub.Close()
	s := x.begin()
	defer s.rescue(ctx, x.h)
	s.flush()
	s.follow(ctx, sub, awake, x.h)
}

// follow sends frames until the query is over, the client is gone or may no longer
// listen, or the server goes. Only the first is said with complete: after the
// others a client should come again.
func (s *eventStream) follow(ctx context.Context, sub Subscription, awake <-chan struct{}, h *Handler) {
	ping := time.NewTicker(h.config.PingInterval)
	defer ping.Stop()
	for s.err == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-awake:
			if s.take(sub) {
				s.finish(sub.Err())
				return
			}
		case <-ping.C:
			s.write([]byte(":\n\n"))
		case <-h.connections.closing:
			s.take(sub)
			s.advise(h.connections.advice())
			return
		}
	}
}

// advise says when to come again (HTML, 9.2.6).
func (s *eventStream) advise(after time.Duration) {
	s.write([]byte("retry: " + strconv.FormatInt(after.Milliseconds(), 10) + "\n\n"))
}

// take sends what there is, and tells whether it was the last.
func (s *eventStream) take(sub Subscription) (ended bool) {
	f, ended := sub.Take()
	if f != nil {
		s.count++
		s.event("next", cmp.Or(f.Name(), strconv.Itoa(s.count)), f.Bytes())
	}
	return ended
}

func (s *eventStream) finish(err error) {
	if err != nil {
		f, _ := fault.Of(err)
		s.next(failed(f).encode())
	}
	s.complete()
}

// eventStream writes server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html), each under a
// deadline. After its first error it writes nothing more.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	count   int // frames so far, which is the id of one without a name
	err     error
}

func (x *exchange) begin() *eventStream {
	header := x.w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Accel-Buffering", "no") // nginx would hold events back
	header.Set("X-Content-Type-Options", "nosniff")
	control := http.NewResponseController(x.w)
	_ = control.SetReadDeadline(time.Time{}) // the http.Server's would end the stream as if the client had left
	return &eventStream{w: x.w, control: control, timeout: x.h.config.WriteTimeout}
}

func (s *eventStream) next(response []byte) { s.event("next", "", response) }

// complete has an empty data line, without which no browser dispatches an event.
func (s *eventStream) complete() { s.event("complete", "", nil) }

func (s *eventStream) event(name, id string, data []byte) {
	text := append(make([]byte, 0, len(data)+64), "event: "+name+"\n"...)
	if id != "" {
		text = append(text, "id: "+id+"\n"...)
	}
	text = append(text, "data:"...)
	if len(data) > 0 {
		text = append(append(text, ' '), oneLine(data)...)
	}
	s.write(append(text, "\n\n"...))
}

// oneLine drops line breaks, which JSON has between its tokens only.
func oneLine(data []byte) []byte {
	if !bytes.ContainsAny(data, "\r\n") {
		return data
	}
	var compact bytes.Buffer
	if json.Compact(&compact, data) != nil {
		return []byte(`{}`)
	}
	return compact.Bytes()
}

func (s *eventStream) write(text []byte) {
	if s.err != nil {
		return
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout)) // what cannot does not block
	if _, s.err = s.w.Write(text); s.err == nil {
		s.flush()
	}
}

func (s *eventStream) flush() {
	if s.err == nil {
		s.err = s.control.Flush()
	}
}

// rescue ends the stream after a panic, without complete: the client comes again.
func (s *eventStream) rescue(ctx context.Context, h *Handler) {
	if v := recover(); v != nil {
		h.panicked(ctx, v)
	}
}
