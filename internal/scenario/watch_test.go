package scenario_test

import (
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// watcher is a live query's answers, over either of the ways to have one.
type watcher interface {
	// next waits for an answer.
	next(t *testing.T) string
}

type socketWatcher struct {
	socket *served.Socket
	id     string
}

func (w socketWatcher) next(t *testing.T) string {
	t.Helper()
	f := w.socket.Receive(t)
	if f.Type != "next" || f.ID != w.id {
		t.Fatalf("got %s of %q: %s", f.Type, f.ID, f.Payload)
	}
	return string(f.Payload)
}

type streamWatcher struct{ stream *served.Stream }

func (w streamWatcher) next(t *testing.T) string {
	t.Helper()
	e, ok := w.stream.Next(t)
	if !ok || e.Name != "next" {
		t.Fatalf("the stream ended with %q %s", e.Name, e.Data)
	}
	return e.Data
}

func watchSocket(t *testing.T, kit *served.Kit, key, query string) watcher {
	t.Helper()
	socket := kit.Connect(t, key)
	return socketWatcher{socket, socket.Subscribe(t, query)}
}

func watchStream(t *testing.T, kit *served.Kit, key, query string) watcher {
	t.Helper()
	return streamWatcher{kit.Stream(t, key, query)}
}

// ways are the two in which a live query is watched.
var ways = map[string]func(t *testing.T, kit *served.Kit, key, query string) watcher{
	"websocket": watchSocket, "SSE": watchStream,
}

// wantNext holds the very next answer against a text that it must contain.
func wantNext(t *testing.T, w watcher, text string) {
	t.Helper()
	if got := w.next(t); !strings.Contains(got, text) {
		t.Errorf("the next answer is %s, want one with %s", got, text)
	}
}

// until waits for an answer that contains a text.
func until(t *testing.T, w watcher, text string) string {
	t.Helper()
	for {
		got := w.next(t)
		if strings.Contains(got, text) {
			return got
		}
		t.Logf("pushed before %s: %s", text, got)
	}
}

// live makes a live query of a selection.
func live(selection string) string { return `subscription { live { query { ` + selection + ` } } }` }

// The days that the stories watch, in Berlin.
const (
	thatDay  = `range: {from: "2026-04-30T22:00:00Z", to: "2026-05-01T22:00:00Z"}`
	dayAfter = `range: {from: "2026-05-01T22:00:00Z", to: "2026-05-02T22:00:00Z"}`
)
