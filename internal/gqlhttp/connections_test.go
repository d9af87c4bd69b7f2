package gqlhttp

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// shutdown begins one, and gives its result.
func (w *world) shutdown(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- w.handler.Shutdown(ctx) }()
	synctest.Wait()
	return done
}

func TestShutdownOfIdleSockets(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		fresh, idle, live, stream := w.dial(), w.connect(), w.connect(), w.stream(context.Background())
		live.send(subscribe("a", "subscription { live }"))
		live.want(next("a", `{"data":{"live":1}}`))
		stream.want("event: next\nid: 1\ndata: {\"data\":{\"live\":1}}")
		done := w.shutdown(context.Background())
		for _, p := range []*peer{fresh, idle, live} {
			p.wantFarewell()
		}
		stream.wantRetry()
		stream.wantEnd()
		if err := <-done; err != nil {
			w.Errorf("shutdown: %v", err)
		}
		if err := w.handler.Shutdown(context.Background()); err != nil {
			w.Errorf("second shutdown: %v", err)
		}
		_, resp, _ := websocket.Dial(context.Background(), endpoint, &websocket.DialOptions{HTTPClient: w.client})
		if resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
			w.Errorf("a new socket: %v, want 503", resp)
		}
		w.post(plainQuery).want(200)
	})
}

// No reply is cut short, and no new work is begun.
func TestShutdownFinishesWhatIsInFlight(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("q", "{ slow }"), subscribe("a", "subscription { live }"))
		p.want(next("a", `{"data":{"live":1}}`))
		<-w.started
		w.live.changed() // a frame that nobody has read yet
		done := w.shutdown(context.Background())
		p.want(next("a", `{"data":{"live":2}}`))
		p.send(subscribe("late", "{ name }"))
		p.want(`{"type":"error","id":"late","payload":[{"message":"The server is restarting. Try again.","extensions":{"code":"UNAVAILABLE"}}]}`)
		close(w.slow)
		p.want(next("q", `{"data":{"slow":"done"}}`), complete("q"))
		p.wantFarewell()
		if err := <-done; err != nil {
			w.Errorf("shutdown: %v", err)
		}
	})
}

// A client that gives up the last query in flight lets the socket go.
func TestShutdownAfterTheClientStops(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("q", "{ slow }"))
		<-w.started
		done := w.shutdown(context.Background())
		p.send(complete("q"))
		p.wantFarewell()
		<-done
	})
}

func TestShutdownLosesPatience(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("q", "{ slow }"))
		<-w.started
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		done := w.shutdown(ctx)
		p.wantFarewell()
		if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("shutdown: %v", err)
		}
		synctest.Wait()
		if open := w.openConnections(); open != 0 {
			w.Errorf("%d connections are open", open)
		}
	})
}
