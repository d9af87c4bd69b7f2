package gqlhttp

import (
	"runtime"
	"sync"

	"github.com/tidemarkhq/tidemark/internal/frame"
	"github.com/tidemarkhq/tidemark/internal/websocket"
)

// writers send for all sockets: as many at a time as there are processors, and none while there
// is nothing to send. A write never waits, so nobody is behind a slow client.
type writers struct {
	most int

	mu      sync.Mutex
	queue   []*socket // each at most once
	taken   int       // of the queue, from its front
	running int
}

func newWriters() *writers { return &writers{most: runtime.GOMAXPROCS(0)} }

// put gives a socket its turn, in order.
func (w *writers) put(s *socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken > len(w.queue)/2 && w.taken > 1_000 { // it may never be empty
		w.queue, w.taken = append(w.queue[:0], w.queue[w.taken:]...), 0
	}
	w.queue = append(w.queue, s)
	if w.running < w.most {
		w.running++
		go w.run() // until the queue is empty, which ended sockets leave too
	}
}

func (w *writers) run() {
	one, _ := idle.Get().(*writer)
	defer one.giveBack()
	for {
		some := w.take(one.turns[:0])
		if len(some) == 0 {
			return
		}
		for _, s := range some {
			s.turn(one)
		}
		clear(some) // ended sockets are not ours to keep alive
	}
}

// take gives the next few: a share of the queue, so that no other writer is left without work,
// and a small one, so that whoever comes is not long behind.
func (w *writers) take(into []*socket) []*socket {
	w.mu.Lock()
	defer w.mu.Unlock()
	waiting := w.queue[w.taken:]
	if len(waiting) == 0 {
		w.queue, w.taken = w.queue[:0], 0
		w.running--
		return nil
	}
	some := waiting[:min((len(waiting)+w.most-1)/w.most, cap(into))]
	into = append(into, some...)
	clear(some)
	w.taken += len(some)
	return into
}

// turnsAtOnce is how many sockets a writer takes from the queue at a time.
const turnsAtOnce = 16

// writer is what one that is running works with.
type writer struct {
	turns []*socket
	batch []byte
	ready []*operation
}

var idle = sync.Pool{New: func() any { return &writer{turns: make([]*socket, 0, turnsAtOnce)} }}

func (w *writer) giveBack() {
	if cap(w.batch) <= 2*maxBatch { // a rare giant is not worth keeping
		idle.Put(w)
	}
}

func (w *writer) add(messages [][]byte) {
	for _, message := range messages {
		w.batch = websocket.Append(w.batch, websocket.Text, message)
	}
}

var tailOfNext = []byte{'}'}

// next puts the id around a shared frame, compressed if that pays and the client takes it.
func (w *writer) next(op *operation, f *frame.Frame, deflates bool) {
	if deflates {
		if blocks := f.Deflated(); blocks != nil {
			w.batch = websocket.AppendShared(w.batch, op.head, blocks, tailOfNext)
			return
		}
	}
	w.batch = websocket.Append(w.batch, websocket.Text, op.head, f.Bytes(), tailOfNext)
}
