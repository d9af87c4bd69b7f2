package gqlhttp

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// Everything that a client can do wrong, and the close code that [WS] has for it.
func TestCloseCodes(t *testing.T) {
	long := strings.Repeat("é", 128)
	tests := []struct {
		name   string
		send   []string
		code   websocket.StatusCode
		reason string
	}{
		{"bad JSON", []string{`{"type":`}, 4400, "The message is not a JSON object"},
		{"an array", []string{`[]`}, 4400, "The message is not a JSON object"},
		{"invalid UTF-8", []string{"{\"type\":\"\xff\"}"}, 4400, "The message is not a JSON object"},
		{"no type", []string{`{"id":"1"}`}, 4400, "The message has no type"},
		{"a type that is no text", []string{`{"type":1}`}, 4400, "The message has no type"},
		{"unknown type", []string{`{"type":"start"}`}, 4400, "The message's type is not one that a client sends"},
		{"a server's type", []string{`{"type":"next","id":"1"}`}, 4400, "The message's type is not one that a client sends"},
		{"payload of a ping", []string{`{"type":"ping","payload":[]}`}, 4400, "The message's payload is not an object"},
		{"payload of init", []string{`{"type":"connection_init","payload":"x"}`}, 4400, "The message's payload is not an object"},
		{"authorization no text", []string{`{"type":"connection_init","payload":{"authorization":1}}`}, 4400, "The payload's authorization is not a string"},
		{"no id", []string{`{"type":"subscribe","payload":{"query":"{name}"}}`}, 4400, "The message's id is not a text of 1 to 256 bytes"},
		{"empty id", []string{`{"type":"complete","id":""}`}, 4400, "The message's id is not a text of 1 to 256 bytes"},
		{"number as id", []string{`{"type":"complete","id":1}`}, 4400, "The message's id is not a text of 1 to 256 bytes"},
		{"long id", []string{complete(strings.Repeat("x", 257))}, 4400, "The message's id is not a text of 1 to 256 bytes"},
		{"no payload", []string{`{"type":"subscribe","id":"1"}`}, 4400, "The subscribe message has no payload"},
		{"no query", []string{`{"type":"subscribe","id":"1","payload":{}}`}, 4400, "The query is missing."},
		{"variables", []string{`{"type":"subscribe","id":"1","payload":{"query":"{name}","variables":[]}}`}, 4400, "The parameter variables is not an object."},
		{"subscribe before init", []string{subscribe("1", "{ name }")}, 4401, "Unauthorized"},
		{"second init", []string{`{"type":"connection_init"}`, "ack", `{"type":"connection_init"}`}, 4429, "Too many initialisation requests"},
		{"duplicate id", []string{`{"type":"connection_init"}`, "ack", subscribe("1", "{ slow }"), subscribe("1", "{ name }")}, 4409, "Subscriber for 1 already exists"},
		{"duplicate long id", []string{`{"type":"connection_init"}`, "ack", subscribe(long, "{ slow }"), subscribe(long, "{ name }")}, 4409,
			"Subscriber for " + long[:92] + " already exists"},
		{"no init", nil, 4408, "Connection initialisation timeout"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Config{}, func(w *world) {
				p := w.dial()
				for _, message := range test.send {
					if message == "ack" {
						p.want(`{"type":"connection_ack"}`)
					} else {
						p.send(message)
					}
				}
				p.wantClose(test.code, test.reason)
			})
		})
	}
}

func TestCloseReasonsFit(t *testing.T) {
	for _, c := range []*closure{invalid(strings.Repeat("é", 100)), duplicate(strings.Repeat("é", 100))} {
		if len(c.Reason) > 123 || strings.ToValidUTF8(c.Reason, "") != c.Reason {
			t.Errorf("reason of %d bytes: %q", len(c.Reason), c.Reason)
		}
	}
}

func TestInitTimeoutIsExact(t *testing.T) {
	bubble(t, Config{InitTimeout: 3 * time.Second, PingInterval: 2 * time.Second}, func(w *world) {
		start, p := time.Now(), w.dial()
		p.send(`{"type":"ping"}`) // a sign of life is no initialisation
		p.want(`{"type":"pong"}`)
		p.wantClose(4408, "Connection initialisation timeout")
		if took := time.Since(start); took != 3*time.Second {
			w.Errorf("closed after %v", took)
		}
	})
}

func TestBinaryMessage(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.dial()
		if err := p.conn.Write(context.Background(), websocket.MessageBinary, []byte(`{"type":"ping"}`)); err != nil {
			w.Fatal(err)
		}
		p.wantClose(4400, "Only text messages are taken")
	})
}

func TestMessageTooBig(t *testing.T) {
	bubble(t, Config{MaxBody: 100}, func(w *world) {
		p := w.connect()
		go func() { // the server stops reading midway
			_ = p.conn.Write(context.Background(), websocket.MessageText, []byte(strings.Repeat("x", 101)))
		}()
		_, _, err := p.conn.Read(context.Background())
		if websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
			w.Errorf("closed with %v, want 1009", err)
		}
	})
}

func TestSubprotocol(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		w.dialWith(nil).wantClose(4406, "Subprotocol not acceptable")
		w.dialWith([]string{"graphql-ws"}).wantClose(4406, "Subprotocol not acceptable")
		p := w.dialWith([]string{"graphql-ws", subprotocol})
		if p.conn.Subprotocol() != subprotocol {
			w.Errorf("subprotocol %q", p.conn.Subprotocol())
		}
	})
}

func TestOrigins(t *testing.T) {
	tests := []struct {
		allowed []string
		origin  string
		status  int
	}{
		{nil, "", 101},
		{nil, "http://tidemark.test", 101},
		{nil, "https://TIDEMARK.test", 101},
		{nil, "null", 403},
		{nil, "https://evil.test", 403},
		{nil, "https://tidemark.test.evil.test", 403},
		{nil, "https://tidemark.test:8443", 403},
		{nil, "file://tidemark.test", 403},
		{[]string{"https://App.example.com"}, "https://app.example.com", 101},
		{[]string{"https://app.example.com"}, "http://app.example.com", 403},
		{[]string{"https://app.example.com"}, "https://example.com", 403},
		{[]string{"https://app.example.com"}, "null", 403},
		{[]string{"*"}, "https://evil.test", 101},
	}
	for _, test := range tests {
		bubble(t, Config{Origins: test.allowed}, func(w *world) {
			options := &websocket.DialOptions{HTTPClient: w.client, Subprotocols: []string{subprotocol}}
			if test.origin != "" {
				options.HTTPHeader = http.Header{"Origin": {test.origin}}
			}
			conn, resp, err := websocket.Dial(context.Background(), endpoint, options)
			if err == nil {
				defer conn.CloseNow()
			}
			if resp == nil || resp.StatusCode != test.status {
				w.Errorf("origin %q of %v: %v, want %d", test.origin, test.allowed, resp, test.status)
			}
		})
	}
}

func TestSocketAuthentication(t *testing.T) {
	withKey := func(name, key string) string {
		return `{"type":"connection_init","payload":{"` + name + `":"` + key + `"}}`
	}
	bubble(t, Config{Authenticate: authenticate}, func(w *world) {
		for _, p := range []*peer{
			w.start(withKey("authorization", acmeKey)),
			w.start(withKey("Authorization", acmeKey)),
			w.start(`{"type":"connection_init","payload":{}}`, "Authorization", acmeKey),
			w.start(withKey("authorization", acmeKey), "Authorization", globexKey),
		} {
			p.want(`{"type":"connection_ack"}`)
			p.send(subscribe("1", "{ whoami }"))
			p.want(next("1", `{"data":{"whoami":"acme"}}`), complete("1"))
		}
		w.start(`{"type":"connection_init"}`).wantClose(4403, "Forbidden")
		w.start(withKey("authorization", "Bearer guess")).wantClose(4403, "Forbidden")
		w.start(withKey("authorization", blockedKey)).wantClose(4403, "Forbidden")
		w.start(withKey("authorization", outageKey)).wantClose(1013, "Try again later")
		w.start(withKey("authorization", brokenKey)).wantClose(1011, "Internal error")
	})
}

// start opens a socket and sends its first message.
func (w *world) start(message string, headers ...string) *peer {
	w.Helper()
	p := w.dial(headers...)
	p.send(message)
	return p
}

func TestSlowAuthentication(t *testing.T) {
	hang := func(ctx context.Context, _ string) (context.Context, string, error) {
		<-ctx.Done()
		return ctx, "", ctx.Err()
	}
	bubble(t, Config{Authenticate: ended(hang)}, func(w *world) {
		w.start(`{"type":"connection_init"}`).wantClose(4408, "Connection initialisation timeout")
	})
}

func TestPingPong(t *testing.T) {
	bubble(t, Config{PingInterval: 20 * time.Second}, func(w *world) {
		p := w.dial()
		p.send(`{"type":"ping","payload":{"a":[1, 2]}}`, `{"type":"connection_init"}`, `{"type":"pong","payload":{}}`)
		p.want(`{"type":"pong","payload":{"a":[1, 2]}}`, `{"type":"connection_ack"}`)
		for range 10 { // answered, the socket stays
			p.want(`{"type":"ping"}`)
			p.send(`{"type":"pong"}`)
		}
		p.wantQuiet()
	})
}

// A client that reads but answers nothing has vanished behind its proxy.
func TestSilentClientIsDropped(t *testing.T) {
	bubble(t, Config{PingInterval: 20 * time.Second}, func(w *world) {
		p := w.connect()
		start := time.Now()
		for {
			if _, _, err := p.conn.Read(context.Background()); err != nil {
				break
			}
		}
		if took := time.Since(start); took != 40*time.Second {
			w.Errorf("dropped after %v, want two intervals", took)
		}
	})
}

// The net.Pipe holds nothing, so that the first write stalls.
func TestClientThatDoesNotReadIsDropped(t *testing.T) {
	bubble(t, Config{InitTimeout: time.Hour, PingInterval: time.Hour}, func(w *world) {
		slow, quick := w.connect(), w.connect()
		slow.send(subscribe("1", "subscription { live }"))
		quick.send(subscribe("1", "subscription { live }"))
		quick.want(next("1", `{"data":{"live":1}}`))
		for range 1000 { // none of which is kept
			w.live.changed()
			synctest.Wait()
			quick.wantParts(`"next"`) // the others' latency is unchanged
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if open := w.openConnections(); open != 1 {
			w.Errorf("%d connections are open, want the quick one", open)
		}
		quick.wantQuiet()
	})
}

// A client that floods with pings and reads no pong is held up, then dropped.
func TestPingFloodIsDropped(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		p := w.connect()
		go func() {
			for p.conn.Write(context.Background(), websocket.MessageText, []byte(`{"type":"ping"}`)) == nil {
			}
		}()
		p.wantDropped(10 * time.Second)
	})
}

func TestConnectionLimit(t *testing.T) {
	bubble(t, Config{MaxConnections: 2}, func(w *world) {
		first, _ := w.connect(), w.connect()
		_, resp, err := websocket.Dial(context.Background(), endpoint, &websocket.DialOptions{HTTPClient: w.client})
		if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
			w.Fatalf("third: %v", resp)
		}
		w.post(liveQuery, "Accept", "text/event-stream").want(503, `"code":"UNAVAILABLE"`)
		w.post(plainQuery).want(200) // which is no connection
		first.conn.Close(1000, "")
		synctest.Wait()
		w.connect()
	})
}
