package gqlhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

var testSchema = gqlparser.MustLoadSchema(&ast.Source{Input: `
	scalar Big
	input Filter { tags: [String!] }
	type Query {
		name: String
		echo(big: Big, filter: Filter): String
		fails: String
		nothing: String
		slow: String
		panics: String
		whoami: String
	}
	type Mutation { bump: Int! slow: String }
	type Subscription { live(zone: String, filter: Big): Int! ticks: Int }
`})

// resolvers stand in for generated code: it is the transports that are tested.
type resolvers struct {
	bumps   atomic.Int64
	live    atomic.Int64
	slow    chan struct{} // whoever selects slow waits for it
	started chan struct{} // after having said so here
	ticks   *ticks        // what the stream of that name gives
}

func (r *resolvers) exec(ctx context.Context) graphql.ResponseHandler {
	op, ran := graphql.GetOperationContext(ctx), false
	if isStream(op) {
		return r.ticks.next
	}
	return func(ctx context.Context) *graphql.Response {
		if ran {
			return nil
		}
		ran = true
		return &graphql.Response{Data: r.resolveAll(ctx, op)}
	}
}

func (r *resolvers) resolveAll(ctx context.Context, op *graphql.OperationContext) []byte {
	var entries []string
	for _, selection := range op.Operation.SelectionSet {
		field := selection.(*ast.Field)
		value, err := r.resolve(ctx, field, op.Variables)
		if field.Name == "nothing" {
			return []byte("null")
		}
		if err != nil {
			graphql.AddError(ctx, err)
		}
		text, _ := json.Marshal(value)
		entries = append(entries, fmt.Sprintf("%q:%s", field.Alias, text))
	}
	return []byte("{" + strings.Join(entries, ",") + "}")
}

type whoKey struct{}

func (r *resolvers) resolve(ctx context.Context, field *ast.Field, variables map[string]any) (any, error) {
	switch field.Name {
	case "__typename":
		return "Query", nil
	case "name":
		return "tidemark", nil
	case "echo":
		return fmt.Sprint(field.ArgumentMap(variables)), nil
	case "fails":
		return nil, gqlerror.Errorf("No luck.")
	case "slow":
		return "done", r.wait(ctx)
	case "panics":
		panic("resolver")
	case "whoami":
		return ctx.Value(whoKey{}), nil
	case "bump":
		return r.bumps.Add(1), nil
	case "live":
		return r.live.Add(1), nil
	}
	return nil, nil
}

func (r *resolvers) wait(ctx context.Context) error {
	r.started <- struct{}{}
	select {
	case <-r.slow:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// world is a Handler with everything that it stands on, served over an in-memory
// network, so that a test's clock can be the bubble's.
type world struct {
	*testing.T
	*resolvers
	handler  *Handler
	executor *executor.Executor
	live     *fakeLive
	client   *http.Client
	log      *strings.Builder
}

const endpoint = "http://tidemark.test/graphql"

// bubble runs a test in a bubble of its own, where waiting takes no time.
func bubble(t *testing.T, config Config, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t, config)) })
}

func newWorld(t *testing.T, config Config) *world {
	w := &world{T: t, live: newFakeLive(), log: &strings.Builder{},
		resolvers: &resolvers{slow: make(chan struct{}), started: make(chan struct{}, 100)}}
	w.executor = executor.New(&graphql.ExecutableSchemaMock{
		ExecFunc:   w.exec,
		SchemaFunc: func() *ast.Schema { return testSchema },
	})
	config.Executor, config.Live = w.executor, w.live
	config.Logger = slog.New(slog.NewTextHandler(w.log, nil))
	w.handler = New(config)
	listener := newPipes()
	server := &http.Server{Handler: named(w.handler), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	transport := &http.Transport{DialContext: listener.dial}
	w.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-served
		time.Sleep(time.Minute) // of the bubble: net/http lingers on connections that it cut
	})
	return w
}

// ended makes a way to find out who asks one that ends nobody.
func ended(ask knowing) func(context.Context, string, func(error)) (context.Context, string, error) {
	return func(ctx context.Context, authorization string, _ func(error)) (context.Context, string, error) {
		return ask(ctx, authorization)
	}
}

// Credentials that authenticate understands.
const (
	acmeKey    = "Bearer acme"
	globexKey  = "Bearer globex"
	outageKey  = "Bearer outage"
	blockedKey = "Bearer blocked"
	brokenKey  = "Bearer broken"
)

func authenticate(ctx context.Context, authorization string, _ func(error)) (context.Context, string, error) {
	switch authorization {
	case acmeKey, globexKey:
		name := strings.TrimPrefix(authorization, "Bearer ")
		return context.WithValue(ctx, whoKey{}, name), "tenant:" + name, nil
	case blockedKey:
		return nil, "", fault.New(fault.Forbidden, "This key is blocked.")
	case outageKey:
		return nil, "", fault.New(fault.Unavailable, "Try again.").Because(errors.New("redis: EOF"))
	case brokenKey:
		return nil, "", errors.New("secret cause")
	}
	return nil, "", fault.New(fault.Unauthenticated, "Send a key.")
}

// response is what came back, read to its end.
type response struct {
	*testing.T
	status int
	header http.Header
	body   string
}

// post sends JSON; headers are pairs.
func (w *world) post(body string, headers ...string) *response {
	w.Helper()
	return w.do(http.MethodPost, endpoint, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

func (w *world) get(query string, headers ...string) *response {
	w.Helper()
	return w.do(http.MethodGet, endpoint+"?"+query, "", headers...)
}

func (w *world) do(method, url, body string, headers ...string) *response {
	w.Helper()
	resp := w.open(context.Background(), method, url, body, headers...)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatalf("read response: %v", err)
	}
	return &response{w.T, resp.StatusCode, resp.Header, string(text)}
}

func (w *world) open(ctx context.Context, method, url, body string, headers ...string) *http.Response {
	w.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	return resp
}

func (r *response) want(status int, parts ...string) *response {
	r.Helper()
	if r.status != status {
		r.Errorf("status %d, want %d: %s", r.status, status, r.body)
	}
	for _, part := range parts {
		if !strings.Contains(r.body, part) {
			r.Errorf("body %s lacks %s", r.body, part)
		}
	}
	return r
}

func (r *response) lacks(parts ...string) *response {
	r.Helper()
	for _, part := range parts {
		if strings.Contains(r.body, part) {
			r.Errorf("body %s has %s", r.body, part)
		}
	}
	return r
}

func (r *response) wantHeader(name, value string) *response {
	r.Helper()
	if got := r.header.Get(name); got != value {
		r.Errorf("%s is %q, want %q", name, got, value)
	}
	return r
}

// pipes is a network of net.Pipe connections: nothing is buffered, so a client
// that does not read is noticed by the first byte.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// testAddress is where all requests come from.
var testAddress = netip.MustParseAddr("192.0.2.7")

// named gives requests their ids and clients, as the server's middleware does.
func named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := fault.WithClient(r.Context(), fault.Client{Address: testAddress, UserAgent: r.UserAgent()})
		next.ServeHTTP(w, r.WithContext(fault.WithRequest(ctx, r.Header.Get("X-Request-Id"))))
	})
}
