package scenario_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// returner is one of many clients on a socket.
type returner struct {
	key, want string // what its answer has
	conn      *websocket.Conn
	revision  string
}

const comeBack = `subscription ($after: String) { live(after: $after) { revision query { tenant { name } events(` + ever + `) { count } } } }`

// come connects, and takes the answer that comes first.
func (r *returner) come(ctx context.Context, url string) (err error) {
	if r.conn, err = served.DialSocket(ctx, url, r.key); err != nil {
		return err
	}
	body, err := json.Marshal(vars{"query": comeBack, "variables": vars{"after": r.revision}})
	if err != nil {
		return err
	}
	for _, f := range []served.Frame{{Type: "connection_init"}, {ID: "1", Type: "subscribe", Payload: body}} {
		if err := wsjson.Write(ctx, r.conn, f); err != nil {
			return err
		}
	}
	for {
		var f served.Frame
		if err := wsjson.Read(ctx, r.conn, &f); err != nil {
			return err
		}
		if f.Type == "connection_ack" {
			continue
		}
		return r.take(f)
	}
}

func (r *returner) take(f served.Frame) error {
	var got revised
	if err := json.Unmarshal(f.Payload, &got); f.Type != "next" || err != nil {
		return fmt.Errorf("got %s %s", f.Type, f.Payload)
	}
	if !strings.Contains(string(f.Payload), r.want) {
		return fmt.Errorf("got %s, want %s", f.Payload, r.want)
	}
	r.revision = got.Data.Live.Revision
	return nil
}

// stay waits until the server closes the socket.
func (r *returner) stay(ctx context.Context) error {
	defer r.conn.CloseNow()
	var f served.Frame
	err := wsjson.Read(ctx, r.conn, &f)
	if websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		return fmt.Errorf("got %s %s and %w, want to be sent away", f.Type, f.Payload, err)
	}
	return nil
}

// every has all do something at once.
func every(ctx context.Context, all []*returner, do func(ctx context.Context, i int, r *returner) error) error {
	ctx, cancel := context.WithTimeout(ctx, healedWithin)
	defer cancel()
	var doing sync.WaitGroup
	errs := make([]error, len(all))
	for i, r := range all {
		doing.Go(func() { errs[i] = do(ctx, i, r) })
	}
	doing.Wait()
	return errors.Join(errs...)
}

// mustCome has all connect at once.
func mustCome(t *testing.T, all []*returner, url string) {
	t.Helper()
	err := every(t.Context(), all, func(ctx context.Context, _ int, r *returner) error { return r.come(ctx, url) })
	if err != nil {
		t.Fatalf("%.2000s", err.Error())
	}
}

// leaveAll has all go at once: one with a word, the next without.
func leaveAll(t *testing.T, all []*returner) {
	t.Helper()
	_ = every(t.Context(), all, func(_ context.Context, i int, r *returner) error {
		if i%2 == 0 {
			return r.conn.Close(websocket.StatusNormalClosure, "")
		}
		return r.conn.CloseNow()
	}) // a goodbye that is not answered is one as well
}

// clients are some of Acme's, and some of the stranger's.
func (s story) clients(acmes, strangers int) (acme, globex []*returner) {
	for range acmes {
		acme = append(acme, &returner{key: s.acme.ReadKey, want: `"Acme"},"events":{"count":0}`})
	}
	for range strangers {
		globex = append(globex, &returner{key: s.globex.ReadKey, want: `"Globex"},"events":{"count":0}`})
	}
	return acme, globex
}

// sentAway is a server that all connect to, and that stops.
func (s story) sentAway(t *testing.T, all []*returner) {
	t.Helper()
	away := make(chan error, 1)
	t.Run("a server that stops", func(sub *testing.T) {
		leaving := served.StartOn(sub, s.kit.DB)
		mustCome(sub, all, leaving.URL)
		go func() {
			away <- every(t.Context(), all, func(ctx context.Context, _ int, r *returner) error { return r.stay(ctx) })
		}()
	})
	if err := <-away; err != nil {
		t.Fatalf("%.2000s", err.Error())
	}
}

// A server goes that a thousand are connected to, and all come to another one at once. Each is
// told what it has missed, and what all ask is read once; who has missed nothing is told nothing.
func TestAThousandComeBackAtOnce(t *testing.T) {
	s := begin(t)
	acme, globex := s.clients(950, 50)
	s.sentAway(t, slices.Concat(acme, globex))

	w := watchSocket(t, s.kit, s.acme.ReadKey, live(`events(`+thatDay+`) { count }`))
	wantNext(t, w, `"count":0`)
	s.one(t, "missed")
	wantNext(t, w, `"count":1`) // so the change has been told
	for _, r := range acme {
		r.want = `"Acme"},"events":{"count":1}`
	}
	for _, r := range globex {
		r.want = `"Globex"},"events":{"count":1}` // and not the answer that they have
	}
	ofAcme, ofGlobex := s.alone(t, s.acme.ReadKey), s.alone(t, s.globex.ReadKey)
	s.kit.Statements.Take()
	strangers := make(chan error, 1)
	go func() {
		strangers <- every(t.Context(), globex, func(ctx context.Context, _ int, r *returner) error { return r.come(ctx, s.kit.URL) })
	}()
	mustCome(t, acme, s.kit.URL)
	s.globex.Batch(t, event("m1", "E", "u1", noon))
	if err := <-strangers; err != nil {
		t.Fatalf("%.2000s", err.Error())
	}
	leaveAll(t, slices.Concat(acme, globex))
	// Acme's once; the stranger's, whose clients come meanwhile, before and after their event.
	if n := s.kit.Statements.Take()[countEvents]; n < ofAcme+ofGlobex || n > ofAcme+2*ofGlobex {
		t.Errorf("for a thousand clients the events were counted %d times, and for one %d or %d times", n, ofAcme, ofGlobex)
	}
}

// countEvents is the statement that counts events.
const countEvents = "EventCountByBucket"

// alone is how often events are counted for one who asks.
func (s story) alone(t *testing.T, key string) int {
	t.Helper()
	s.kit.Statements.Take()
	s.kit.Ask(t, key, `{ alone: events(`+ever+`) { count } }`, nil)
	return s.kit.Statements.Take()[countEvents]
}

// Ten thousand come and go. What they have taken is given back.
func TestTenThousandComeAndGo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 22,000 connections")
	}
	s := begin(t)
	wave := func() {
		acme, globex := s.clients(950, 50)
		all := slices.Concat(acme, globex)
		mustCome(t, all, s.kit.URL)
		leaveAll(t, all)
	}
	wave() // what is kept for the next
	goroutines, memory := runtime.NumGoroutine(), heap()
	for range 10 {
		wave()
	}
	const moreMemory, moreGoroutines = 16 << 20, 25 // which come and go without any client
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(healedWithin); runtime.NumGoroutine() > goroutines+moreGoroutines || heap() > memory+moreMemory; <-tick.C {
		if time.Now().After(late) {
			t.Fatalf("%d goroutines and %d MB are left of ten thousand clients; there were %d and %d MB",
				runtime.NumGoroutine(), heap()>>20, goroutines, memory>>20)
		}
	}
	t.Logf("%d goroutines before, %d after; %d MB before, %d MB after", goroutines, runtime.NumGoroutine(), memory>>20, heap()>>20)
}
