package fault

import "context"

type requestKey struct{}

// WithRequest returns a context that carries the request's id. An "Internal error." tells
// it to the caller, so that its cause can be found in the log.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// Request is the request's id; empty outside of one.
func Request(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
