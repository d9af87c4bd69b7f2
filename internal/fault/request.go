package fault

import "context"

type requestKey struct{}

// WithRequest returns a context that carries the request's id. An "Internal error." tells
// it to the caller, so that its cause can be found in the log.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// Carry returns a context of its own that carries what is known of the request and its client,
// for what outlives the request.
func Carry(ctx context.Context) context.Context {
	return WithRequest(context.WithValue(context.Background(), clientKey{}, ClientOf(ctx)), Request(ctx))
}

// Request is the request's id; empty outside of one.
func Request(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
