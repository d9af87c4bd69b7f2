// Package httpserver puts Tidemark behind one address: ingest, GraphQL, playground and
// health. Whatever goes wrong, the caller gets a code and a sentence, and the log the cause.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/auditlog"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// The times that a connection may take. Answers in flight at a stop get stopWithin.
const (
	headerWithin = 5 * time.Second
	bodyWithin   = 30 * time.Second
	answerWithin = 60 * time.Second
	idleFor      = 2 * time.Minute
)

// Parts are what the server serves.
type Parts struct {
	Keys         *access.Authenticator
	Authenticate Authenticate
	AuditLog     *auditlog.Service
	Writer       event.Appender
	Revenue      *revenue.Service
	Tickets      *ticket.Service
	GraphQL      http.Handler
	Playground   http.Handler
	Checks       []Check
	Metrics      http.Handler // figures of the process, which ask for a token; nil: there are none
	Identities   http.Handler // nil: nobody signs in by a provider
	// Proxies are the networks whose X-Forwarded-For, -Proto and -Host are believed.
	Proxies []netip.Prefix
	// Origins are the foreign origins whose pages may send what changes something, such as
	// "https://app.example.com"; "*" lets all.
	Origins []string
	Logger  *slog.Logger
}

// Authenticate finds out who asks by the Authorization header, and under which scope. It calls
// end when they may no longer, until ctx ends.
type Authenticate func(ctx context.Context, authorization string, end func(cause error)) (context.Context, string, error)

// Handler makes the routes. What other sites may send to is opened by name; everything else
// is closed to them, whatever it will be.
func Handler(p Parts) http.Handler {
	open, own := http.NewServeMux(), http.NewServeMux()
	in := ingest{keys: p.Keys, writer: p.Writer, logger: p.Logger}
	in.open(open)
	openPostHog(open)
	open.Handle("/graphql", p.GraphQL) // knows the origins itself, and answers in GraphQL's shape
	open.Handle("/", withProtection(p.Origins, own))

	// Keys that are secret have no business in pages: no other origin sends revenue or tickets.
	for path, door := range map[string]items{"/v1/revenue": books(p), "/v1/tickets": desk(p)} {
		own.Handle(path, door)
		own.Handle(path+"/{$}", door)
	}
	own.Handle("/playground", p.Playground)
	own.Handle("/playground/", p.Playground)
	own.Handle("GET /v1/audit/export", newAuditExport(p))
	if p.Identities != nil {
		own.Handle("/auth/oidc/", p.Identities)
	}
	own.HandleFunc("GET /healthz", alive)
	if p.Metrics != nil {
		own.Handle("GET /metrics", p.Metrics)
	}
	own.Handle("GET /readyz", ready(p.Checks))
	own.Handle("GET /{$}", http.RedirectHandler("/playground", http.StatusFound))
	own.HandleFunc("/", notFound)
	return withClient(p.Proxies, withRequestID(withLog(p.Logger, withRecovery(p.Logger, withHeaders(open)))))
}

// Serve answers on the listener until ctx ends. Then it refuses new connections, lets the
// requests in flight finish, and runs before, which ends what http.Server doesn't know of:
// websockets and streams.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, before func(context.Context) error, stopWithin time.Duration) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerWithin,
		ReadTimeout:       bodyWithin,
		WriteTimeout:      answerWithin,
		IdleTimeout:       idleFor,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	err := errors.Join(before(stopping), server.Shutdown(stopping))
	if err != nil {
		_ = server.Close()
		return fmt.Errorf("stop HTTP: %w", err)
	}
	return nil
}
