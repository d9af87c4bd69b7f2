package gqlhttp

import (
	"context"
	"encoding/json"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// Live runs live queries, once for all who ask the same.
type Live interface {
	// Subscribe joins the query with that key. run executes it once and gives
	// its frame, a complete response object; it is called with a context that
	// has the values of the first subscriber's ctx, and a life of its own. Errors
	// are faults, such as UNAVAILABLE.
	Subscribe(ctx context.Context, key Key, run func(ctx context.Context) []byte) (Subscription, error)
}

// Key is what two subscribers have in common if, and only if, they get the same
// answers.
type Key struct {
	Scope         string // as Authenticate gave it
	Query         string
	OperationName string
	Variables     string // canonical JSON of the coerced values: sorted keys, defaults filled in
}

// Subscription is one subscriber's mailbox, in which the latest frame wins. Close
// is idempotent, and must be called.
type Subscription interface {
	Ready() <-chan struct{} // receives whenever a frame may be waiting
	Take() ([]byte, bool)   // the newest frame not yet taken; nobody may change its bytes
	Done() <-chan struct{}  // closed when nothing more will come
	Err() error             // why, once Done is closed; nil if all was said
	Close()
}

// subscribe joins the live query that op asks for.
func (h *Handler) subscribe(ctx context.Context, scope string, q *request, op *graphql.OperationContext) (Subscription, error) {
	if h.config.Scope != nil {
		scope = h.config.Scope(ctx, scope, op)
	}
	key, err := keyOf(scope, op)
	if err != nil {
		return nil, err
	}
	return h.config.Live.Subscribe(ctx, key, func(ctx context.Context) []byte { return h.frame(ctx, q) })
}

// keyOf takes what will be executed, after every mutator of the executor's.
func keyOf(scope string, op *graphql.OperationContext) (Key, error) {
	variables, err := json.Marshal(op.Variables)
	if err != nil {
		return Key{}, err
	}
	return Key{Scope: scope, Query: op.RawQuery, OperationName: op.OperationName, Variables: string(variables)}, nil
}

// frame executes a live query once. An operation context serves one execution
// only, so each has its own.
func (h *Handler) frame(ctx context.Context, q *request) []byte {
	op, bad := h.parse(ctx, q)
	if bad != nil {
		return bad.encode()
	}
	return h.execute(ctx, op, time.Now().Add(h.config.Timeout)).encode()
}
