// Package gqlhttp serves GraphQL over HTTP, websocket and server-sent events.
// A refusal names what to mend, has a code, and never shows the body; every
// connection ends with the code that its protocol asks for; and a client that
// does not read costs its newest answers, for a bounded time.
//
// Comments cite three specifications:
//
//	[HTTP] https://graphql.github.io/graphql-over-http/, September 2026
//	[WS]   https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
//	[SSE]  https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md,
//	       distinct connections mode
//
// Where [HTTP] recommends a status that the graphql-http audits do not (422 for
// an invalid document, 294 for partial data), the audits win: 400 and 200.
//
// Plain answers are written under the http.Server's WriteTimeout; websockets and
// streams have deadlines of their own.
package gqlhttp

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/websocket"
)

// Config says what to serve, to whom, and within which bounds. Executor and Live
// are required; every zero bound has a default.
type Config struct {
	Executor graphql.GraphExecutor
	Live     Live
	// Authenticate turns the value of an Authorization header, which may be
	// empty, into a context that says who asks, and into a scope: everything
	// that authorization depends on, for Key.Scope. Its errors are faults. Until ctx ends, it
	// may end the connection: by an UNAUTHENTICATED cause with 4401, by an UNAVAILABLE one
	// with 1012, which asks the client to connect again, by any other with 4403. Nil lets all
	// in.
	Authenticate func(ctx context.Context, authorization string, end func(cause error)) (_ context.Context, scope string, err error)
	// Recognize is Authenticate for plain requests, which end by themselves. Nil: Authenticate.
	Recognize func(ctx context.Context, authorization string) (_ context.Context, scope string, err error)
	// Anonymous lets in plain requests and streams without an Authorization header, who
	// are nobody; the executor has to refuse them what is not everybody's. Nil: they are
	// Authenticate's to judge. Sockets always are.
	Anonymous bool
	// Scope narrows the scope that Authenticate gave to that of one operation, such as
	// one whose answer is about the caller. It may be nil.
	Scope func(ctx context.Context, scope string, op *graphql.OperationContext) string
	// Party tells whose limit of connections a caller's count against, such as their tenant's.
	// Nil: all are of one party.
	Party func(ctx context.Context) string
	// Wish reads how a subscription wants to be answered, out of its arguments. Its errors are
	// faults. Nil: all are live queries without wishes.
	Wish func(op *graphql.OperationContext) (Wish, error)
	// Admit is asked before an operation runs, and not again for each answer of a live
	// query. Its error, a fault, is the operation's answer then. It may be nil.
	Admit func(ctx context.Context, op *graphql.OperationContext) (Admission, error)
	// Prepare is called on the context of every single execution, and installs
	// what must not outlive it, such as dataloaders. It may be nil.
	Prepare func(ctx context.Context) context.Context
	// Memory gives answers to plain requests again. It may be nil.
	Memory Memory
	// Documents knows documents by hash, and says which may run. Nil: every document
	// comes as its text, and all of them may.
	Documents Documents
	// Idempotency keeps the answers of mutations that come with a key. Nil: keys are
	// not looked at.
	Idempotency Idempotency
	// Origins are the foreign origins whose pages may open websockets, send and read, such
	// as "https://app.example.com". "*" lets all; none means the same origin only.
	Origins []string

	MaxBody          int64         // of a POST body or a websocket message, in bytes: 1 MiB
	Timeout          time.Duration // of one query or mutation, its authentication and its body included: 30 s
	InitTimeout      time.Duration // from a socket's start to its acknowledgement: 10 s
	PingInterval     time.Duration // 20 s; a socket silent for two of them is dropped
	WriteTimeout     time.Duration // of one message or event: 10 s
	MaxSubscriptions int           // operations in flight on one socket: 100
	MaxUnsent        int           // of answers to queries that wait for one socket, in bytes: 16 MiB
	MaxConnections   int           // sockets and streams in all: 20,000
	MaxOfParty       int           // sockets and streams of one party: 20,000

	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.MaxBody = cmp.Or(c.MaxBody, 1<<20)
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.InitTimeout = cmp.Or(c.InitTimeout, 10*time.Second)
	c.PingInterval = cmp.Or(c.PingInterval, 20*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.MaxSubscriptions = cmp.Or(c.MaxSubscriptions, 100)
	c.MaxUnsent = cmp.Or(c.MaxUnsent, 16<<20)
	c.MaxConnections = cmp.Or(c.MaxConnections, 20_000)
	c.MaxOfParty = cmp.Or(c.MaxOfParty, 20_000)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Recognize == nil && c.Authenticate != nil {
		c.Recognize = c.lasting(func(error) {})
	}
	return c
}

// lasting asks who it is for what lasts, until end is called.
func (c Config) lasting(end func(cause error)) knowing {
	if c.Authenticate == nil {
		return nil
	}
	return func(ctx context.Context, authorization string) (context.Context, string, error) {
		return c.Authenticate(ctx, authorization, end)
	}
}

// Handler serves GraphQL on one path: GET, POST, the websocket upgrade and
// text/event-stream.
type Handler struct {
	config      Config
	origins     map[string]bool
	protection  *http.CrossOriginProtection // nil: pages of all sites may send
	connections *connections
	writers     *writers
}

// New makes a Handler, with defaults for every bound that is not set.
func New(c Config) *Handler {
	c = c.withDefaults()
	origins := make(map[string]bool, len(c.Origins))
	for _, origin := range c.Origins {
		origins[strings.ToLower(origin)] = true
	}
	return &Handler{config: c, origins: origins, protection: newProtection(c.Origins), connections: newConnections(c.MaxConnections, c.MaxOfParty), writers: newWriters()}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{h: h, w: w, r: r, deadline: time.Now().Add(h.config.Timeout)}
	x.format = negotiate(r.Header.Values("Accept"))
	defer x.rescue()
	x.shareWith()
	switch {
	case websocket.IsUpgrade(r):
		h.serveSocket(x)
	case isPreflight(r):
		x.preflight()
	case h.crossSite(r):
		x.fail(errCrossSite)
	case r.Method == http.MethodGet || r.Method == http.MethodPost:
		x.serve()
	default:
		x.fail(notAllowed("GET, POST", "Send a query by GET or POST, or a mutation by POST."))
	}
}

func (h *Handler) party(ctx context.Context) string {
	if h.config.Party == nil {
		return ""
	}
	return h.config.Party(ctx)
}

// Connections says how many sockets and streams are open.
func (h *Handler) Connections() int { return h.connections.count() }

// Shutdown refuses new sockets and streams, lets the answers in flight go out,
// closes websockets with 1012, ends streams, and returns once all have ended. When
// ctx ends first, it closes what is left at once and returns ctx's error. Plain
// requests are the http.Server's to shut down, after this.
func (h *Handler) Shutdown(ctx context.Context) error { return h.connections.shutdown(ctx) }

// knowing is one of the two ways to find out who asks.
type knowing = func(ctx context.Context, authorization string) (_ context.Context, scope string, err error)

// identify asks who it is, by the deadline. The context that the answer comes with must outlive
// that deadline, so it is kept by a timer and cancel, not by a context of its own.
func identify(ctx context.Context, ask knowing, cancel context.CancelCauseFunc, deadline time.Time, authorization string) (context.Context, string, error) {
	if ask == nil {
		return ctx, "", nil
	}
	timer := time.AfterFunc(time.Until(deadline), func() { cancel(errTimeout) })
	who, scope, err := ask(ctx, authorization)
	if !timer.Stop() {
		return nil, "", errTimeout
	}
	if err != nil {
		return nil, "", err
	}
	return who, scope, nil
}

var errTimeout = fault.New(fault.Timeout, "The request took too long.")
