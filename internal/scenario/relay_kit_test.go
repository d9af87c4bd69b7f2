package scenario_test

import (
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// relay stands between two who talk over TCP, and passes on what they say as badly as it is told.
type relay struct {
	address  string
	listener net.Listener
	passing  sync.WaitGroup

	mu      sync.Mutex
	target  string
	weather weather
	judge   func(said []byte) fate // of what the caller says; nil: all of it passes
	pairs   map[*pair]struct{}
	judged  int // how often the judge did not let pass
}

// weather is how a relay passes on. The zero value is fine.
type weather struct {
	sliced bool          // a few bytes at a time
	delay  time.Duration // up to which each piece is held back
	resets int           // of so many pieces one breaks the connection; 0: none does
}

// fate is what becomes of what a caller says.
type fate int

const (
	passes     fate = iota
	unsaid          // it is not passed on, and the connection breaks
	unanswered      // it is passed on, and the connection breaks instead of an answer
)

// pair is the two ends of one connection.
type pair struct {
	caller, target net.Conn
	mute, deaf     bool // what comes from the target breaks the pair; what comes from either is dropped
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: listener.Addr().String(), listener: listener, target: target, pairs: map[*pair]struct{}{}}
	r.passing.Go(r.accept)
	t.Cleanup(func() {
		listener.Close()
		r.cut()
		r.passing.Wait()
	})
	return r
}

// before puts a relay before the server that a URL names, and gives the URL of the way through.
func before(t *testing.T, service string) (*relay, string) {
	t.Helper()
	u, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	r := newRelay(t, u.Host)
	u.Host = r.address
	return r, u.String()
}

func (r *relay) accept() {
	for {
		caller, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.passing.Go(func() { r.connect(caller) })
	}
}

func (r *relay) connect(caller net.Conn) {
	r.mu.Lock()
	address := r.target
	r.mu.Unlock()
	target, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		caller.Close()
		return
	}
	p := &pair{caller: caller, target: target}
	r.mu.Lock()
	r.pairs[p] = struct{}{}
	r.mu.Unlock()
	r.passing.Go(func() { r.pass(p, caller, target) })
	r.pass(p, target, caller)
}

// pass passes on what one end says until the pair breaks.
func (r *relay) pass(p *pair, from, to net.Conn) {
	defer r.end(p)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		w, goesOn := r.consider(p, from, buf[:n])
		if !goesOn || !w.carry(to, buf[:n]) {
			return
		}
	}
}

// consider tells how a piece is passed on, and whether the pair goes on.
func (r *relay) consider(p *pair, from net.Conn, said []byte) (weather, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.weather
	if w.resets > 0 && rand.N(w.resets) == 0 || p.mute && from == p.target {
		return w, false
	}
	if p.deaf {
		return weather{delay: -1}, true
	}
	if r.judge != nil && from == p.caller {
		switch r.judge(said) {
		case unsaid:
			r.judged++
			return w, false
		case unanswered:
			r.judged++
			p.mute = true
		}
	}
	return w, true
}

// carry writes a piece, and tells whether it was taken.
func (w weather) carry(to net.Conn, said []byte) bool {
	if w.delay < 0 {
		return true // it is lost on the way
	}
	if w.delay > 0 {
		<-time.After(rand.N(w.delay))
	}
	for len(said) > 0 {
		n := len(said)
		if w.sliced {
			n = min(n, 1+rand.N(7))
		}
		if _, err := to.Write(said[:n]); err != nil {
			return false
		}
		said = said[n:]
	}
	return true
}

// end breaks a pair, as a network does: with a reset.
func (r *relay) end(p *pair) {
	r.mu.Lock()
	delete(r.pairs, p)
	r.mu.Unlock()
	for _, conn := range []net.Conn{p.caller, p.target} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // closed by the other direction, it cannot
		}
		conn.Close()
	}
}

// cut breaks all connections.
func (r *relay) cut() {
	for _, p := range r.all() {
		r.end(p)
	}
}

// forget has nothing of what is said over the present connections arrive any more, while they
// stay open, as behind a router that has forgotten them.
func (r *relay) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pairs {
		p.deaf = true
	}
}

func (r *relay) all() (all []*pair) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.pairs {
		all = append(all, p)
	}
	return all
}

// become changes the weather.
func (r *relay) become(w weather) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.weather = w
}

// lead has new connections go to another address.
func (r *relay) lead(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = target
}

// obey judges what callers say; nil lets it pass.
func (r *relay) obey(judge func(said []byte) fate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.judge, r.judged = judge, 0
}

// verdicts is how often the judge did not let pass.
func (r *relay) verdicts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.judged
}
