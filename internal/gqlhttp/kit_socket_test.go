package gqlhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// peer is a client of graphql-transport-ws.
type peer struct {
	*world
	conn *websocket.Conn
}

// dial opens a socket; headers are pairs.
func (w *world) dial(headers ...string) *peer {
	w.Helper()
	return w.dialWith([]string{subprotocol}, headers...)
}

func (w *world) dialWith(subprotocols []string, headers ...string) *peer {
	w.Helper()
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	conn, _, err := websocket.Dial(context.Background(), endpoint,
		&websocket.DialOptions{HTTPClient: w.client, HTTPHeader: header, Subprotocols: subprotocols})
	if err != nil {
		w.Fatalf("dial: %v", err)
	}
	conn.SetReadLimit(-1)
	w.Cleanup(func() { conn.CloseNow() })
	return &peer{w, conn}
}

// connect opens a socket and has it acknowledged.
func (w *world) connect(headers ...string) *peer {
	w.Helper()
	p := w.dial(headers...)
	p.send(`{"type":"connection_init"}`)
	p.want(`{"type":"connection_ack"}`)
	return p
}

func (p *peer) send(messages ...string) {
	p.Helper()
	for _, message := range messages {
		if err := p.conn.Write(context.Background(), websocket.MessageText, []byte(message)); err != nil {
			p.Fatalf("send %s: %v", message, err)
		}
	}
}

// want reads messages, which must be these.
func (p *peer) want(messages ...string) {
	p.Helper()
	for _, message := range messages {
		if got := p.read(); got != message {
			p.Fatalf("got  %s\nwant %s", got, message)
		}
	}
}

// wantParts reads a message that has these parts.
func (p *peer) wantParts(parts ...string) {
	p.Helper()
	got := p.read()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			p.Fatalf("message %s lacks %s", got, part)
		}
	}
}

func (p *peer) read() string {
	p.Helper()
	_, data, err := p.conn.Read(context.Background())
	if err != nil {
		p.Fatalf("read: %v", err)
	}
	return string(data)
}

// wantClose reads until the server closes, which must be with that code and reason,
// and without another message.
func (p *peer) wantClose(code websocket.StatusCode, reason string) {
	p.Helper()
	_, data, err := p.conn.Read(context.Background())
	if err == nil {
		p.Fatalf("got %s, want the close", data)
	}
	c, ok := errors.AsType[websocket.CloseError](err)
	if !ok || c.Code != code || c.Reason != reason {
		p.Fatalf("closed with %v, want %d %s", err, code, reason)
	}
}

// wantFarewell reads until the server closes, because it stops: it says when to come again.
func (p *peer) wantFarewell() {
	p.Helper()
	_, data, err := p.conn.Read(context.Background())
	if err == nil {
		p.Fatalf("got %s, want the close", data)
	}
	var ms int
	c, _ := errors.AsType[websocket.CloseError](err)
	if n, _ := fmt.Sscanf(c.Reason, "Service restart: come again in %d ms", &ms); c.Code != websocket.StatusServiceRestart || n != 1 || ms > 1_000 {
		p.Fatalf("closed with %v, want 1012 and when to come again", err)
	}
}

// wantQuiet tells that everything that the server had to say was read.
func (p *peer) wantQuiet() {
	p.Helper()
	synctest.Wait()
	p.send(`{"type":"ping"}`)
	p.want(`{"type":"pong"}`)
}

// wantDropped tells that the server cut the connection, within that time.
func (p *peer) wantDropped(within time.Duration) {
	p.Helper()
	time.Sleep(within)
	synctest.Wait()
	if open := p.openConnections(); open != 0 {
		p.Fatalf("%d connections are open after %v", open, within)
	}
}

func (w *world) openConnections() int {
	c := w.handler.connections
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

func subscribe(id, query string) string {
	return `{"type":"subscribe","id":"` + id + `","payload":{"query":"` + query + `"}}`
}

func next(id, payload string) string {
	return `{"type":"next","id":"` + id + `","payload":` + payload + `}`
}

func complete(id string) string { return `{"type":"complete","id":"` + id + `"}` }
