package gqlhttp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

func TestSingleResults(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("q", "{ name }"))
		p.want(next("q", `{"data":{"name":"tidemark"}}`), complete("q"))
		p.send(subscribe("q", "mutation { bump }")) // the id is free again
		p.want(next("q", `{"data":{"bump":1}}`), complete("q"))
		p.send(subscribe("f", "{ fails }")) // executed, so not an error message
		p.wantParts(`"type":"next"`, `"message":"No luck."`, `"data":{"fails":null}`)
		p.want(complete("f"))
		p.send(`{"type":"subscribe","id":"v","payload":{"query":"query A($b: Big) { echo(big: $b) } query B { name }","operationName":"A","variables":{"b":9007199254740993},"extensions":null}}`)
		p.wantParts("9007199254740993")
		p.want(complete("v"))
	})
}

// What fails before its execution is told by error alone.
func TestOperationErrors(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("1", "{"))
		p.wantParts(`{"type":"error","id":"1","payload":[{"message":`, `"code":"GRAPHQL_PARSE_FAILED"}}]}`)
		p.send(subscribe("1", "subscription { nope }"))
		p.wantParts(`{"type":"error","id":"1","payload":[{"message":`, `"code":"GRAPHQL_VALIDATION_FAILED"}}]}`)
		p.send(subscribe("1", "{ panics }"))
		p.want(`{"type":"error","id":"1","payload":[{"message":"Internal error.","extensions":{"code":"INTERNAL"}}]}`)
		w.live.refuse = fault.New(fault.Unavailable, "Too many live queries.").Because(errors.New("secret"))
		p.send(subscribe("1", "subscription { live }"))
		p.want(`{"type":"error","id":"1","payload":[{"message":"Too many live queries.","extensions":{"code":"UNAVAILABLE"}}]}`)
		p.wantQuiet()
	})
}

func TestOperationDeadline(t *testing.T) {
	bubble(t, Config{Timeout: 5 * time.Second}, func(w *world) {
		p := w.connect()
		p.send(subscribe("1", "{ slow nothing }"))
		p.want(`{"type":"error","id":"1","payload":[{"message":"The request took too long.","extensions":{"code":"TIMEOUT"}}]}`)
	})
}

func TestTooManyOperations(t *testing.T) {
	bubble(t, Config{MaxSubscriptions: 2}, func(w *world) {
		p := w.connect()
		p.send(subscribe("1", "subscription { live }"))
		p.want(next("1", `{"data":{"live":1}}`))
		p.send(subscribe("2", "{ slow }"), subscribe("3", "{ name }"))
		p.want(`{"type":"error","id":"3","payload":[{"message":"A connection has at most 2 operations at a time.","extensions":{"code":"BAD_USER_INPUT"}}]}`)
		p.send(complete("1"), subscribe("3", "{ name }"))
		p.want(next("3", `{"data":{"name":"tidemark"}}`), complete("3"))
	})
}

func TestLiveQuery(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("a", "subscription { live }"))
		p.want(next("a", `{"data":{"live":1}}`))
		p.send(subscribe("b", "{ name }"))
		p.want(next("b", `{"data":{"name":"tidemark"}}`), complete("b"))
		for i := 2; i < 5; i++ {
			w.live.changed()
			p.want(next("a", fmt.Sprintf(`{"data":{"live":%d}}`, i)))
		}
		w.live.finish(nil)
		p.want(complete("a"))
		p.wantQuiet()
		if keys := w.live.keys(); len(keys) != 0 {
			w.Errorf("still subscribed: %v", keys)
		}
	})
}

// A dashboard wants now, not every step to it.
func TestLatestFrameWins(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("a", "subscription { live }"))
		p.want(next("a", `{"data":{"live":1}}`))
		for i := range 100 {
			w.live.push(fmt.Sprintf(`{"data":{"live":"step %d"}}`, i))
			synctest.Wait() // the first is on its way, and nobody reads
		}
		p.want(next("a", `{"data":{"live":"step 0"}}`), next("a", `{"data":{"live":"step 99"}}`))
		p.wantQuiet()
	})
}

func TestLiveQueryFails(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("a", "subscription { live }"))
		p.want(next("a", `{"data":{"live":1}}`))
		w.live.finish(errors.New("secret"))
		p.want(`{"type":"error","id":"a","payload":[{"message":"Internal error.","extensions":{"code":"INTERNAL"}}]}`)
		p.wantQuiet() // no complete after error
	})
}

// The last frame is not lost to the end that comes with it.
func TestLastFrameComesBeforeComplete(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("a", "subscription { live }"))
		p.want(next("a", `{"data":{"live":1}}`))
		w.live.changed()
		w.live.finish(nil)
		p.want(next("a", `{"data":{"live":2}}`), complete("a"))
	})
}

func TestNothingComesAfterComplete(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		p.send(subscribe("a", "subscription { live }"), subscribe("q", "{ slow }"))
		p.want(next("a", `{"data":{"live":1}}`))
		<-w.started
		p.send(complete("a"), complete("q"), complete("a"), complete("unknown"))
		p.wantQuiet() // complete is not echoed
		if keys := w.live.keys(); len(keys) != 0 {
			w.Errorf("still subscribed: %v", keys)
		}
		w.live.changed()
		close(w.slow)
		p.wantQuiet()
		p.send(subscribe("a", "{ name }"))
		p.want(next("a", `{"data":{"name":"tidemark"}}`), complete("a"))
	})
}

// Ten dashboards cost one execution, and see the same bytes under their own ids.
func TestSubscribersShare(t *testing.T) {
	bubble(t, Config{Authenticate: authenticate}, func(w *world) {
		var peers []*peer
		for i := range 10 {
			p := w.connect("Authorization", acmeKey)
			p.send(subscribe(fmt.Sprint(i), "subscription { live }"))
			peers = append(peers, p)
		}
		stranger := w.connect("Authorization", globexKey)
		for i, p := range peers {
			p.want(next(fmt.Sprint(i), `{"data":{"live":1}}`))
		}
		w.live.changed()
		for i, p := range peers {
			p.want(next(fmt.Sprint(i), `{"data":{"live":2}}`))
		}
		if runs := w.live.runs(); runs != 2 {
			w.Errorf("%d executions, want 2", runs)
		}
		stranger.send(subscribe("s", "subscription { live }")) // whose scope is another
		stranger.want(next("s", `{"data":{"live":3}}`))
	})
}

func TestKey(t *testing.T) {
	bubble(t, Config{Authenticate: authenticate}, func(w *world) {
		p := w.connect("Authorization", acmeKey)
		const query = `subscription L($zone: String = \"UTC\", $b: Big) { live(zone: $zone, filter: $b) }`
		for i, variables := range []string{`{"b":{"y":1,"x":9007199254740993}}`, `{"zone":"UTC", "b": {"x":9007199254740993, "y":1}, "unused":1}`} {
			p.send(fmt.Sprintf(`{"type":"subscribe","id":"%d","payload":{"query":"%s","operationName":"L","variables":%s}}`, i, query, variables))
			p.wantParts(`"next"`)
		}
		want := Key{"tenant:acme", strings.ReplaceAll(query, `\`, ""), "L", `{"b":{"x":9007199254740993,"y":1},"zone":"UTC"}`}
		if keys := w.live.keys(); len(keys) != 1 || keys[0] != want {
			w.Errorf("keys %+v, want %+v", keys, want)
		}
	})
}

// gqlparser writes its coercions into the variables: each execution has its own.
func TestRunsDoNotShareVariables(t *testing.T) {
	q := &request{query: "query($f: Filter) { echo(filter: $f) }", variables: []byte(`{"f":{"tags":"one"}}`)}
	bubble(t, Config{}, func(w *world) {
		first := string(w.handler.frame(context.Background(), q))
		second := string(w.handler.frame(context.Background(), q))
		if first != second || !strings.Contains(first, "[one]") {
			w.Errorf("%s, then %s", first, second)
		}
	})
}

// revocable lets a test end every authenticated context.
func revocable() (Config, func(error)) {
	base, revoke := context.WithCancelCause(context.Background())
	config := Config{Authenticate: func(ctx context.Context, _ string, end func(error)) (context.Context, string, error) {
		context.AfterFunc(base, func() { end(context.Cause(base)) })
		return ctx, "", nil
	}}
	return config, revoke
}

func TestRevokedWhileConnected(t *testing.T) {
	for cause, want := range map[error]*closure{
		fault.New(fault.Unauthenticated, "The key was revoked."): closedUnauthorized,
		fault.New(fault.Forbidden, "The user was blocked."):      closedForbidden,
		context.DeadlineExceeded:                                 closedForbidden,
	} {
		synctest.Test(t, func(t *testing.T) {
			config, revoke := revocable()
			w := newWorld(t, config)
			p := w.connect()
			p.send(subscribe("a", "subscription { live }"))
			p.want(next("a", `{"data":{"live":1}}`))
			revoke(cause)
			synctest.Wait()
			w.live.changed()
			p.wantClose(websocket.StatusCode(want.Code), want.Reason)
			if keys := w.live.keys(); len(keys) != 0 {
				w.Errorf("still subscribed: %v", keys)
			}
		})
	}
}

// A panic in a goroutine of ours costs its socket, not the process.
func TestPanicClosesTheSocket(t *testing.T) {
	broken := func(context.Context, string, func(error)) (context.Context, string, error) { panic("authenticate") }
	bubble(t, Config{Authenticate: broken}, func(w *world) {
		w.start(`{"type":"connection_init"}`, "X-Request-Id", "r-7").wantClose(1011, "Internal error")
		synctest.Wait()
		if log := w.log.String(); !strings.Contains(log, "panic=authenticate") || !strings.Contains(log, "request=r-7") {
			w.Errorf("log: %s", log)
		}
		w.post(plainQuery).want(500)
	})
}

func TestPanicInTheWriter(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		w.live.broken = true
		p.send(subscribe("a", "subscription { live }"))
		p.wantClose(1011, "Internal error")
		w.stream(context.Background()).wantEnd()
		w.post(plainQuery).want(200)
	})
}

func TestClientClosesOrVanishes(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		polite, rude := w.connect(), w.connect()
		for _, p := range []*peer{polite, rude} {
			p.send(subscribe("a", "subscription { live }"), subscribe("q", "{ slow }"))
			p.wantParts(`"next"`)
		}
		if err := polite.conn.Close(1000, ""); err != nil {
			w.Errorf("close: %v", err)
		}
		rude.conn.CloseNow()
		synctest.Wait()
		if open, keys := w.openConnections(), w.live.keys(); open != 0 || len(keys) != 0 {
			w.Errorf("%d connections, subscribed to %v", open, keys)
		}
	})
}
