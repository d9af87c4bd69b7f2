package gqlhttp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

const streamType = "text/event-stream"

func TestStreamOfSingleResults(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		accept := []string{"Accept", streamType}
		const name = "event: next\ndata: {\"data\":{\"name\":\"tidemark\"}}\n\nevent: complete\ndata:\n\n"
		for _, r := range []*response{w.post(`{"query":"{ name }"}`, accept...), w.get("query={name}", accept...)} {
			r.want(200).wantHeader("Content-Type", "text/event-stream; charset=utf-8").
				wantHeader("Cache-Control", "no-cache").wantHeader("X-Accel-Buffering", "no")
			if r.body != name {
				w.Errorf("got %q", r.body)
			}
		}
		w.post(bumpQuery, accept...).want(200, `data: {"data":{"bump":1}}`)
		w.get("query=mutation{bump}", accept...).want(405).wantHeader("Allow", "POST")
		if w.bumps.Load() != 1 {
			w.Error("a mutation was executed by GET")
		}
	})
}

// What is wrong with the document is said in the stream, what is wrong with the
// request by HTTP.
func TestStreamErrors(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		accept := []string{"Accept", streamType}
		r := w.post(unknownQuery, accept...).want(200, "event: next\ndata: {\"errors\":[{", "GRAPHQL_VALIDATION_FAILED", "event: complete\ndata:\n\n")
		r.lacks("id:", `"data"`)
		for _, r := range []*response{w.post(`{}`, accept...), w.get("", accept...)} {
			r.want(400, "query is missing").wantHeader("Content-Type", "application/json; charset=utf-8")
		}
		w.post(plainQuery, "Accept", streamType, "Content-Type", "text/plain").want(415)
		w.live.refuse = fault.New(fault.Unavailable, "Too many live queries.")
		w.post(liveQuery, accept...).want(503, "Too many live queries.")
	})
}

// events reads a stream, an event or comment at a time.
type events struct {
	*world
	body    io.ReadCloser
	scanner *bufio.Scanner
}

func (w *world) stream(ctx context.Context) *events {
	w.Helper()
	return w.events(ctx, "subscription { live }")
}

func (w *world) events(ctx context.Context, query string) *events {
	w.Helper()
	resp := w.open(ctx, http.MethodPost, endpoint, `{"query":"`+query+`"}`, "Content-Type", jsonType, "Accept", streamType)
	w.Cleanup(func() { resp.Body.Close() })
	scanner := bufio.NewScanner(resp.Body)
	scanner.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if before, _, ok := strings.Cut(string(data), "\n\n"); ok {
			return len(before) + 2, []byte(before), nil
		}
		return 0, nil, nil
	})
	return &events{w, resp.Body, scanner}
}

func (e *events) want(all ...string) {
	e.Helper()
	for _, want := range all {
		if !e.scanner.Scan() {
			e.Fatalf("the stream ended: %v; want %q", e.scanner.Err(), want)
		}
		if got := e.scanner.Text(); got != want {
			e.Fatalf("got %q, want %q", got, want)
		}
	}
}

// wantRetry reads when to come again.
func (e *events) wantRetry() {
	e.Helper()
	var ms int
	if !e.scanner.Scan() || !strings.HasPrefix(e.scanner.Text(), "retry: ") {
		e.Fatalf("got %q, want when to come again", e.scanner.Text())
	}
	if n, err := fmt.Sscanf(e.scanner.Text(), "retry: %d", &ms); n != 1 || err != nil || ms > 1_000 {
		e.Fatalf("got %q, want at most a second", e.scanner.Text())
	}
}

func (e *events) wantEnd() {
	e.Helper()
	if e.scanner.Scan() {
		e.Fatalf("got %q, want the end", e.scanner.Text())
	}
	synctest.Wait()
	if keys := e.live.keys(); len(keys) != 0 || e.openConnections() != 0 {
		e.Errorf("still subscribed: %v", keys)
	}
}

func TestLiveStream(t *testing.T) {
	bubble(t, Config{PingInterval: 20 * time.Second}, func(w *world) {
		e := w.stream(context.Background())
		e.want("event: next\nid: 1\ndata: {\"data\":{\"live\":1}}", ":", ":") // two intervals pass
		w.live.changed()
		e.want("event: next\nid: 2\ndata: {\"data\":{\"live\":2}}")
		w.live.push("{\n  \"data\": {\"text\": \"a\\nb\"}\r\n}") // JSON of another's making
		e.want(`event: next` + "\nid: 3\n" + `data: {"data":{"text":"a\nb"}}`)
		w.live.changed()
		w.live.finish(nil)
		e.want("event: next\nid: 4\ndata: {\"data\":{\"live\":3}}", "event: complete\ndata:")
		e.wantEnd()
	})
}

func TestLiveStreamFails(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		e := w.stream(context.Background())
		e.want("event: next\nid: 1\ndata: {\"data\":{\"live\":1}}")
		w.live.finish(errors.New("secret"))
		e.want("event: next\ndata: {\"errors\":[{\"message\":\"Internal error.\",\"extensions\":{\"code\":\"INTERNAL\"}}]}", "event: complete\ndata:")
		e.wantEnd()
	})
}

// A stream that just ends has the client come again.
func TestStreamEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config, revoke := revocable()
		w := newWorld(t, config)
		e := w.stream(context.Background())
		e.want("event: next\nid: 1\ndata: {\"data\":{\"live\":1}}")
		revoke(fault.New(fault.Unauthenticated, "The key was revoked."))
		e.wantEnd()
	})
	bubble(t, Config{}, func(w *world) {
		ctx, leave := context.WithCancel(context.Background())
		e := w.stream(ctx)
		e.want("event: next\nid: 1\ndata: {\"data\":{\"live\":1}}")
		leave()
		e.wantEnd()
	})
}

func TestSlowStreamIsDropped(t *testing.T) {
	bubble(t, Config{WriteTimeout: 10 * time.Second, PingInterval: time.Hour}, func(w *world) {
		e := w.stream(context.Background())
		e.want("event: next\nid: 1\ndata: {\"data\":{\"live\":1}}")
		for range 1000 { // what net/http's client buffers must be full first
			w.live.push(`{"data":"` + strings.Repeat("x", 1000) + `"}`)
			synctest.Wait()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if open := w.openConnections(); open != 0 {
			w.Errorf("%d connections are open", open)
		}
	})
}
