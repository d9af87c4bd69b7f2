package gqlhttp

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/frame"
)

// Live runs live queries, once for all who ask the same.
type Live interface {
	// Subscribe joins the query with that key. run executes it once and gives its response
	// object; it is called with a context that has the values of the first subscriber's ctx,
	// and a life of its own. wake is called whenever there is something to take, or the
	// subscription has ended; it does not block. Errors are faults, such as UNAVAILABLE.
	Subscribe(ctx context.Context, key Key, wish Wish, run func(ctx context.Context) []byte, wake func()) (Subscription, error)
}

// Key is what two subscribers have in common if, and only if, they get the same
// answers.
type Key struct {
	Scope         string // as Authenticate gave it
	Query         string
	OperationName string
	Variables     string // canonical JSON of the coerced values: sorted keys, defaults filled in
}

// Wish is how a subscriber wants to be answered.
type Wish struct {
	// Streamed says that the subscription is no live query but a stream of the executor's: all
	// of its answers are sent, in order, and it is shared with nobody.
	Streamed bool

	Interval time.Duration // least time between two answers; 0: the engine's own
	Patch    bool          // send what has changed, where that is less
	After    string        // the revision that the subscriber has; an equal answer is not sent
	// Apart is the variable that has After, which is each subscriber's own, and so is kept out
	// of the key. "" if there is none.
	Apart string
}

// Subscription is one subscriber's mailbox. Close is idempotent, and must be called.
type Subscription interface {
	// Take gives what to send now, nil if there is nothing, and whether it is the last. If there
	// is more, wake is called again.
	Take() (f *frame.Frame, ended bool)
	Err() error // why it ended; nil if all was said
	Close()
}

// subscribe joins the live query that op asks for, or begins a stream.
func (h *Handler) subscribe(ctx context.Context, scope string, q *request, op *graphql.OperationContext, wake func()) (Subscription, error) {
	var wish Wish
	if h.config.Wish != nil {
		asked, err := h.config.Wish(op)
		if err != nil {
			return nil, err
		}
		wish = asked
	}
	// A browser that comes again to a stream says what it has (HTML, 9.2.4).
	wish.After = cmp.Or(wish.After, q.header.Get("Last-Event-Id"))
	if wish.Streamed {
		return h.stream(ctx, op, wake), nil
	}
	if h.config.Scope != nil {
		scope = h.config.Scope(ctx, scope, op)
	}
	key, err := keyOf(scope, op, wish.Apart)
	if err != nil {
		return nil, err
	}
	return h.config.Live.Subscribe(ctx, key, wish, func(ctx context.Context) []byte { return h.frame(ctx, q) }, wake)
}

// keyOf takes what will be executed, after every mutator of the executor's.
func keyOf(scope string, op *graphql.OperationContext, apart string) (Key, error) {
	values := op.Variables
	if _, given := values[apart]; given {
		values = maps.Clone(values)
		delete(values, apart)
	}
	variables, err := json.Marshal(values)
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
