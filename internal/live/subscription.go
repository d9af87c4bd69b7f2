package live

// Frame is one answer, serialized once and shared by every subscriber that asked
// the same. It holds a complete GraphQL response object, {"data":…} or
// {"errors":…}. Nobody may change its bytes.
type Frame []byte

// Subscription is one subscriber's mailbox. Latest wins: a dashboard wants now,
// not every step to it.
//
// Wait on Ready, then Take; when Done is closed nothing more comes, and Err says
// why. Close must be called once the subscriber is gone; it is idempotent.
type Subscription struct {
	ready chan struct{}
	done  chan struct{}
	box   mailbox
	leave func(*Subscription)
}

// Ready receives a value whenever a frame may be waiting. It is never closed.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Done is closed when the query will never be answered again.
func (s *Subscription) Done() <-chan struct{} { return s.done }
