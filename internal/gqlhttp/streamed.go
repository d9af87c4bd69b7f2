package gqlhttp

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/frame"
)

// streamed is a subscription whose answers are all sent, in order. The executor is asked for
// the next one when the last was taken, so that who is slow holds up their own stream alone,
// and two answers are kept at most.
type streamed struct {
	cancel context.CancelFunc
	wake   func()
	taken  chan struct{} // has a token when the answer before was taken

	mu   sync.Mutex
	next *frame.Frame
	over bool
	err  error
}

// stream runs a subscription of the executor's. Its ctx ends it.
func (h *Handler) stream(ctx context.Context, op *graphql.OperationContext, wake func()) Subscription {
	ctx, cancel := context.WithCancel(ctx)
	s := &streamed{cancel: cancel, wake: wake, taken: make(chan struct{}, 1)}
	go func() { s.finish(s.run(ctx, h, op)) }() // ends with ctx, which is the connection's, or by Close
	return s
}

func (s *streamed) run(ctx context.Context, h *Handler, op *graphql.OperationContext) (err error) {
	defer func() {
		if v := recover(); v != nil {
			h.panicked(ctx, v)
			err = fault.New(fault.Internal, "Internal error.")
		}
	}()
	next, inner := h.config.Executor.DispatchOperation(ctx, op)
	inner = rooted(inner, op)
	for {
		each := inner
		if h.config.Prepare != nil { // loaders are good for one answer
			each = h.config.Prepare(inner)
		}
		response := next(each)
		if response == nil || ctx.Err() != nil {
			return nil
		}
		if !s.offer(ctx, frame.New(answerOf(response).encode())) {
			return nil
		}
	}
}

// offer puts an answer up, and waits until it was taken.
func (s *streamed) offer(ctx context.Context, f *frame.Frame) bool {
	s.mu.Lock()
	s.next = f
	s.mu.Unlock()
	s.wake()
	select {
	case <-s.taken:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *streamed) finish(err error) {
	s.mu.Lock()
	s.over, s.err = true, err
	s.mu.Unlock()
	s.wake()
}

// Take implements [Subscription].
func (s *streamed) Take() (f *frame.Frame, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f = s.next
	if f != nil {
		s.next = nil
		s.taken <- struct{}{} // of which there is room for one, as there is one answer
	}
	return f, s.over
}

// Err implements [Subscription].
func (s *streamed) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close implements [Subscription].
func (s *streamed) Close() { s.cancel() }
