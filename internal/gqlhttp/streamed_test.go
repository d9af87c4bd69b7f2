package gqlhttp

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// ticks are the answers of a stream: what the test puts in comes out, one at a time.
type ticks struct {
	answers chan func(ctx context.Context) string // gives the answer's data
	asked   atomic.Int64                          // how many answers were asked for
	left    atomic.Int64                          // how often nobody waited for one any more
}

func (s *ticks) next(ctx context.Context) *graphql.Response {
	s.asked.Add(1)
	select {
	case answer, open := <-s.answers:
		if !open {
			return nil
		}
		return &graphql.Response{Data: []byte(answer(ctx)), Errors: graphql.GetErrors(ctx)}
	case <-ctx.Done():
		s.left.Add(1)
		return nil
	}
}

// put has answers come, from a number to another.
func (s *ticks) put(from, to int) {
	for n := from; n <= to; n++ {
		s.answers <- func(context.Context) string { return fmt.Sprintf(`{"ticks":%d}`, n) }
	}
}

func isStream(op *graphql.OperationContext) bool {
	field, ok := op.Operation.SelectionSet[0].(*ast.Field)
	return ok && field.Name == "ticks"
}

const ticksQuery = "subscription { ticks }"

// streaming runs a test in a world that has streams.
func streaming(t *testing.T, config Config, test func(w *world)) {
	t.Helper()
	config.Wish = func(op *graphql.OperationContext) (Wish, error) { return Wish{Streamed: isStream(op)}, nil }
	bubble(t, config, func(w *world) {
		w.ticks = &ticks{answers: make(chan func(context.Context) string, 1000)}
		test(w)
	})
}

func tick(n int) string { return fmt.Sprintf(`{"data":{"ticks":%d}}`, n) }

// wantLeft tells that the executor's stream has ended, as nobody waits for it.
func (w *world) wantLeft() {
	w.Helper()
	synctest.Wait()
	if w.ticks.left.Load() != 1 {
		w.Error("the stream goes on for nobody")
	}
}

func TestAStreamsAnswersComeInOrder(t *testing.T) {
	streaming(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("1", ticksQuery))
		w.ticks.put(1, 200)
		for n := 1; n <= 200; n++ {
			p.want(next("1", tick(n)))
		}
		w.ticks.put(201, 201)
		close(w.ticks.answers)
		p.want(next("1", tick(201)), complete("1"))
		p.wantQuiet()
	})
	streaming(t, Config{}, func(w *world) {
		e := w.events(context.Background(), ticksQuery)
		w.ticks.put(1, 3)
		for n := 1; n <= 3; n++ {
			e.want(fmt.Sprintf("event: next\nid: %d\ndata: %s", n, tick(n)))
		}
		close(w.ticks.answers)
		e.want("event: complete\ndata:")
		e.wantEnd()
	})
}

// An answer of nothing but errors is one like others.
func TestAStreamsErrors(t *testing.T) {
	streaming(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("1", ticksQuery))
		w.ticks.answers <- func(ctx context.Context) string {
			graphql.AddError(ctx, gqlerror.Errorf("No luck."))
			return "null"
		}
		w.ticks.put(1, 1)
		p.wantParts(`"id":"1"`, `"type":"next"`, "No luck.")
		p.want(next("1", tick(1)))
	})
}

// While a client reads nothing, one answer is on its way and one waits: no third is asked for.
func TestASlowClientHoldsUpItsStream(t *testing.T) {
	streaming(t, Config{WriteTimeout: time.Minute, PingInterval: time.Hour}, func(w *world) {
		p := w.connect()
		p.send(subscribe("1", ticksQuery))
		w.ticks.put(1, 100)
		synctest.Wait()
		if n := w.ticks.asked.Load(); n != 2 {
			w.Errorf("%d answers were asked for", n)
		}
		for n := 1; n <= 100; n++ {
			p.want(next("1", tick(n)))
		}
	})
	streaming(t, Config{WriteTimeout: time.Minute, PingInterval: time.Hour}, func(w *world) {
		e := w.events(context.Background(), ticksQuery)
		for range 1000 {
			w.ticks.answers <- func(context.Context) string { return `{"ticks":"` + strings.Repeat("x", 10_000) + `"}` }
		}
		synctest.Wait()
		if n := w.ticks.asked.Load(); n > 10 { // with those that net/http's client has room for
			w.Errorf("%d answers were asked for", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if open := e.openConnections(); open != 0 {
			w.Errorf("%d connections are open", open)
		}
	})
}

// A stream ends with whoever watches it, and leaves nothing behind: the bubble fails if a
// goroutine does not end.
func TestAStreamEndsWithItsWatcher(t *testing.T) {
	for name, end := range map[string]func(w *world, p *peer){
		"complete": func(_ *world, p *peer) { p.send(complete("1")); p.wantQuiet() },
		"close":    func(_ *world, p *peer) { _ = p.conn.Close(websocket.StatusNormalClosure, "") },
		"cut":      func(_ *world, p *peer) { p.conn.CloseNow() },
		"shut down": func(w *world, p *peer) {
			go func() { _ = w.handler.Shutdown(context.Background()) }()
			p.wantFarewell()
		},
	} {
		t.Run(name, func(t *testing.T) {
			streaming(t, Config{}, func(w *world) {
				p := w.connect()
				p.send(subscribe("1", ticksQuery))
				w.ticks.put(1, 1)
				p.want(next("1", tick(1)))
				synctest.Wait() // until the next answer is asked for
				end(w, p)
				w.wantLeft()
			})
		})
	}
	streaming(t, Config{}, func(w *world) {
		ctx, leave := context.WithCancel(context.Background())
		e := w.events(ctx, ticksQuery)
		w.ticks.put(1, 1)
		e.want("event: next\nid: 1\ndata: " + tick(1))
		synctest.Wait()
		leave()
		w.wantLeft()
	})
}

// A panic ends the stream with an error, and nothing else of the connection.
func TestAStreamThatPanics(t *testing.T) {
	const internal = `{"message":"Internal error.","extensions":{"code":"INTERNAL"}}`
	panics := func(context.Context) string { panic("resolver") }
	streaming(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("1", ticksQuery))
		w.ticks.put(1, 1)
		w.ticks.answers <- panics
		p.want(next("1", tick(1)), `{"type":"error","id":"1","payload":[`+internal+`]}`)
		p.send(subscribe("1", "{ name }")) // the id is free again
		p.want(next("1", `{"data":{"name":"tidemark"}}`), complete("1"))
		if !strings.Contains(w.log.String(), "resolver") {
			w.Error("the panic is not in the log")
		}
	})
	streaming(t, Config{}, func(w *world) {
		e := w.events(context.Background(), ticksQuery)
		w.ticks.answers <- panics
		e.want("event: next\ndata: {\"errors\":["+internal+"]}", "event: complete\ndata:")
		e.wantEnd()
	})
}

// Each answer is prepared for itself: what was loaded for one is not there for the next.
func TestAStreamsAnswersArePreparedEach(t *testing.T) {
	type loadersKey struct{}
	prepared := 0
	config := Config{Prepare: func(ctx context.Context) context.Context {
		if ctx.Value(loadersKey{}) != nil {
			t.Error("an answer is prepared on top of another")
		}
		prepared++
		return context.WithValue(ctx, loadersKey{}, prepared)
	}}
	streaming(t, config, func(w *world) {
		p := w.connect()
		p.send(subscribe("1", ticksQuery))
		for n := 1; n <= 3; n++ {
			w.ticks.answers <- func(ctx context.Context) string { return fmt.Sprintf(`{"ticks":%d}`, ctx.Value(loadersKey{})) }
			p.want(next("1", tick(n)))
		}
	})
}
