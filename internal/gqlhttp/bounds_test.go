package gqlhttp

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// A party has so many connections, however they are opened, and another party's are its own.
func TestConnectionsOfAParty(t *testing.T) {
	party := func(ctx context.Context) string { return fmt.Sprint(ctx.Value(whoKey{})) }
	bubble(t, Config{Authenticate: authenticate, Party: party, MaxOfParty: 2}, func(w *world) {
		init := func(key string) *peer {
			return w.start(`{"type":"connection_init","payload":{"authorization":"` + key + `"}}`)
		}
		first, second := init(acmeKey), init(acmeKey)
		first.want(`{"type":"connection_ack"}`)
		second.want(`{"type":"connection_ack"}`)
		init(acmeKey).wantClose(1013, "Too many connections are open: try again later")
		w.post(liveQuery, "Accept", "text/event-stream", "Authorization", acmeKey).want(429, `"code":"RATE_LIMITED"`)
		init(globexKey).want(`{"type":"connection_ack"}`)
		w.post(plainQuery, "Authorization", acmeKey).want(200) // which is no connection
		first.conn.Close(1000, "")
		synctest.Wait()
		init(acmeKey).want(`{"type":"connection_ack"}`)
	})
}

// Answers to queries are kept for a client that does not read, up to a bound.
func TestAnswersThatNobodyReads(t *testing.T) {
	bubble(t, Config{MaxUnsent: 1_000, WriteTimeout: time.Hour, PingInterval: time.Hour, InitTimeout: time.Hour}, func(w *world) {
		p := w.connect()
		var sent int
		for ; sent < 50; sent++ {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			err := p.conn.Write(ctx, websocket.MessageText, []byte(subscribe(fmt.Sprint("q", sent), "{ name }")))
			cancel()
			synctest.Wait()
			if err != nil || w.openConnections() == 0 {
				break
			}
		}
		time.Sleep(time.Minute)
		if open := w.openConnections(); open != 0 || sent < 5 {
			w.Errorf("%d connections are open after %d queries", open, sent)
		}
	})
}

// What is ready at once goes out in few writes, and a batch that is full leaves the rest for the
// next turn: nothing is lost or twice.
func TestManyFramesAtOnce(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		const operations = 5
		for i := range operations {
			p.send(subscribe(fmt.Sprint(i), fmt.Sprintf("subscription { live(zone: \\\"%d\\\") }", i)))
			p.wantParts(fmt.Sprintf(`"id":"%d"`, i))
		}
		large := `{"data":"` + strings.Repeat("x", maxBatch/2) + `"}`
		w.live.push(large)
		seen := map[string]bool{}
		for range operations {
			got := p.read()
			if !strings.HasSuffix(got, large+"}") {
				w.Fatalf("got %d bytes: %.80s", len(got), got)
			}
			seen[got[:40]] = true
		}
		if len(seen) != operations {
			w.Errorf("got %v", seen)
		}
		p.wantQuiet()
	})
}

// Clients that take compressed messages get large frames so, and small ones plain.
func TestCompressedFrames(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		conn, _, err := websocket.Dial(context.Background(), endpoint, &websocket.DialOptions{
			HTTPClient: w.client, Subprotocols: []string{subprotocol}, CompressionMode: websocket.CompressionContextTakeover, CompressionThreshold: 1,
		})
		if err != nil {
			w.Fatal(err)
		}
		conn.SetReadLimit(-1)
		defer conn.CloseNow()
		p := &peer{w, conn}
		p.send(`{"type":"connection_init"}`, subscribe("é", "subscription { live }"))
		p.want(`{"type":"connection_ack"}`, next("é", `{"data":{"live":1}}`))
		for _, size := range []int{1, 10_000, 200_000} {
			large := `{"data":"` + strings.Repeat("abc", size) + `"}`
			w.live.push(large)
			p.want(next("é", large))
		}
		p.wantQuiet()
	})
}

// How a subscription is to be answered is read out of it; what is apart is not in the key.
func TestWishes(t *testing.T) {
	config := Config{Wish: func(op *graphql.OperationContext) (Wish, error) {
		if op.Variables["zone"] == "bad" {
			return Wish{}, fault.Input("zone", "There is no such zone.")
		}
		after, _ := op.Variables["zone"].(string)
		return Wish{Interval: time.Second, After: after, Apart: "zone"}, nil
	}}
	with := func(id, zone string) string {
		return `{"type":"subscribe","id":"` + id + `","payload":{"query":"subscription($zone: String) { live(zone: $zone) }","variables":{"zone":"` + zone + `"}}}`
	}
	bubble(t, config, func(w *world) {
		p := w.connect()
		p.send(with("a", "r1"))
		p.want(next("a", `{"data":{"live":1}}`))
		p.send(with("b", "r2"))
		p.want(next("b", `{"data":{"live":1}}`))
		if keys := w.live.keys(); len(keys) != 1 || keys[0].Variables != "{}" {
			w.Errorf("the keys are %+v", keys)
		}
		if want := (Wish{Interval: time.Second, After: "r2", Apart: "zone"}); w.live.wishes[1] != want {
			w.Errorf("wished for %+v, want %+v", w.live.wishes[1], want)
		}
		p.send(with("c", "bad"))
		p.wantParts(`"type":"error","id":"c"`, `"There is no such zone."`, `"BAD_USER_INPUT"`, `"zone"`)
	})
}

// A browser that comes again to a stream names what it has.
func TestAStreamGoesOn(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		response := w.open(ctx, "POST", endpoint, liveQuery, "Content-Type", "application/json", "Accept", "text/event-stream", "Last-Event-ID", "r7")
		defer response.Body.Close()
		synctest.Wait()
		if got := w.live.wishes; len(got) != 1 || got[0].After != "r7" {
			w.Errorf("wished for %+v", got)
		}
	})
}

// A stop asks clients to come again, each at another time.
func TestAdviceIsSpread(t *testing.T) {
	for n, want := range map[int]time.Duration{0: time.Second, 100: time.Second, 1_000: 2 * time.Second, 10_000: 20 * time.Second, 50_000: 20 * time.Second} {
		if got := returnWithin(n); got != want {
			t.Errorf("%d return within %v, want %v", n, got, want)
		}
	}
	c := newConnections(1, 1)
	seen := map[time.Duration]bool{}
	for range 100 {
		advice := c.advice()
		if advice < 0 || advice > time.Second {
			t.Errorf("advised %v", advice)
		}
		seen[advice] = true
	}
	if len(seen) < 50 {
		t.Errorf("%d different times for 100 clients", len(seen))
	}
}
