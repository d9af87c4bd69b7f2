package scenario_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// follower is a dashboard: it shows what a live query last said, and when the connection is lost
// it comes again, says which revision it has, and is told what it has missed. It takes patches.
type follower struct {
	name, url, key string
	follow         func(ctx context.Context) error // over one connection
	constant       bool                            // nothing of theirs changes

	mu       sync.Mutex
	shown    json.RawMessage // the answer to the query
	revision string
	only     string   // revision that came before
	patched  int      // answers that came as a patch
	came     int      // connections that got so far as to be answered
	odd      []string // what should not have come
}

// followed figures: long enough that patches pay.
const (
	followedFigures = `tenant { name } events(` + ever + `) { count } metric(key: "active_users") { value(` + ever + `) { value } }
		daily: metric(key: "events") { series(` + ever + `) { values } }`
	followedLive = `subscription ($after: String) { live(after: $after, patch: true) { revision base patch query { ` + followedFigures + ` } } }`
)

// follow has Acme and the stranger followed, over both ways, by clients that go to a URL.
func (s story) follow(t *testing.T, url string) (all []*follower) {
	t.Helper()
	for name, key := range map[string]string{"Acme": s.acme.ReadKey, "Globex": s.globex.ReadKey} {
		socket := &follower{name: name + " over websocket", url: url, key: key, constant: name == "Globex"}
		stream := &follower{name: name + " over SSE", url: url, key: key, constant: name == "Globex"}
		socket.follow, stream.follow = socket.overSocket, stream.overStream
		all = append(all, socket, stream)
	}
	for _, f := range all {
		f.start(t)
	}
	s.wantLed(t)
	s.wantCaughtUp(t, all...)
	return all
}

// start follows until the test ends.
func (f *follower) start(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() {
		for ctx.Err() == nil {
			err := f.follow(ctx)
			if err == nil {
				f.note("was told that nothing more comes")
			}
			select { // with jitter, as clients should
			case <-time.After(20*time.Millisecond + rand.N(80*time.Millisecond)):
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		stop()
		following.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, odd := range f.odd {
			t.Errorf("%s %s", f.name, odd)
		}
		t.Logf("%s was answered over %d connections, %d times by a patch", f.name, f.came, f.patched)
	})
}

func (f *follower) note(odd string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.odd = append(f.odd, odd)
}

// body asks for what comes after what is shown.
func (f *follower) body(after bool) (json.RawMessage, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.came++
	variables := map[string]any{}
	if after && f.revision != "" {
		variables["after"] = f.revision
	}
	body, err := json.Marshal(map[string]any{"query": followedLive, "variables": variables})
	if err != nil {
		f.odd = append(f.odd, err.Error())
	}
	return body, f.revision
}

// overSocket follows until the socket ends.
func (f *follower) overSocket(ctx context.Context) error {
	conn, err := served.DialSocket(ctx, f.url, "")
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	hello, err := json.Marshal(map[string]string{"authorization": "Bearer " + f.key})
	if err != nil {
		return err
	}
	say := served.Frame{Type: "connection_init", Payload: hello}
	for {
		if err := wsjson.Write(ctx, conn, say); err != nil {
			return err
		}
		if say, err = f.hear(ctx, conn); err != nil {
			return err
		}
	}
}

// hear takes answers until there is something to say.
func (f *follower) hear(ctx context.Context, conn *websocket.Conn) (say served.Frame, err error) {
	for {
		var got served.Frame
		if err := wsjson.Read(ctx, conn, &got); err != nil {
			return say, err
		}
		switch got.Type {
		case "connection_ack":
			body, _ := f.body(true)
			return served.Frame{ID: "1", Type: "subscribe", Payload: body}, nil
		case "ping":
			return served.Frame{Type: "pong"}, nil
		case "next":
			f.take(got.Payload, "")
		default:
			return say, fmt.Errorf("%s %s", got.Type, got.Payload)
		}
	}
}

// overStream follows until the stream ends. It says what it has as browsers do.
func (f *follower) overStream(ctx context.Context) error {
	body, has := f.body(false)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "text/event-stream", "Authorization": "Bearer " + f.key, "Last-Event-ID": has,
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return f.read(response.Body)
}

// read takes a stream's events, of which each has its data on one line.
func (f *follower) read(stream io.Reader) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 16<<20)
	var name, id, data string
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if name == "next" {
				f.take([]byte(data), id)
			}
			name, id, data = "", "", ""
		}
	}
	return errors.Join(lines.Err(), io.ErrUnexpectedEOF) // however it ends, a client comes again
}

// take shows an answer. One with errors names no revision.
func (f *follower) take(text []byte, id string) {
	var got struct {
		Data *struct {
			Live struct {
				Revision, Base string
				Patch, Query   json.RawMessage
			}
		}
		Errors json.RawMessage
	}
	err := json.Unmarshal(text, &got)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		f.odd = append(f.odd, fmt.Sprintf("was sent %s: %v", text, err))
		return
	case got.Errors != nil || got.Data == nil:
		f.shown, f.revision = got.Errors, ""
		return
	}
	live := got.Data.Live
	if patch := live.Patch; len(patch) > 0 && string(patch) != "null" {
		live.Query = f.apply(live.Base, patch)
	}
	switch {
	case id != "" && id != live.Revision:
		f.odd = append(f.odd, fmt.Sprintf("was sent %s as %s", live.Revision, id))
	case f.constant && f.only != "" && f.only != live.Revision:
		f.odd = append(f.odd, fmt.Sprintf("sees something happen: %s", text))
	}
	f.shown, f.revision, f.only = live.Query, live.Revision, live.Revision
}

// apply makes the new answer of the one shown; the caller holds mu.
func (f *follower) apply(base string, patch json.RawMessage) json.RawMessage {
	f.patched++
	if base != f.revision {
		f.odd = append(f.odd, fmt.Sprintf("shows %s, and was sent a patch of %s", f.revision, base))
	}
	query, err := patched(f.shown, patch)
	if err != nil {
		f.odd = append(f.odd, fmt.Sprintf("cannot apply %s: %v", patch, err))
	}
	return query
}

// patched is what a patch of a live query makes of the answer to its query.
func patched(query, patch json.RawMessage) (json.RawMessage, error) {
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, err
	}
	text, err := operations.Apply(fmt.Appendf(nil, `{"query":%s}`, query))
	if err != nil {
		return nil, err
	}
	var whole struct{ Query json.RawMessage }
	err = json.Unmarshal(text, &whole)
	return whole.Query, err
}

// healedWithin is how soon all must be well after a fault.
const healedWithin = 30 * time.Second

// wantCaughtUp waits until all show what a query of their own gives now, while nothing changes.
func (s story) wantCaughtUp(t *testing.T, followers ...*follower) {
	t.Helper()
	late := time.Now().Add(healedWithin)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, f := range followers {
		for {
			want, shown := s.fresh(t, f.key), f.shows()
			if want != nil && reflect.DeepEqual(shown, want) {
				break
			}
			if time.Now().After(late) {
				t.Fatalf("%s shows %.300s, want %.300s", f.name, toJSON(t, shown), toJSON(t, want))
			}
			<-tick.C
		}
	}
}

// fresh is what a query gives now; nil while it cannot be answered.
func (s story) fresh(t *testing.T, key string) any {
	t.Helper()
	answer := s.kit.Ask(t, key, `{ `+followedFigures+` }`, nil)
	if len(answer.Errors) > 0 {
		return nil
	}
	return decoded(answer.Data)
}

func (f *follower) shows() any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return decoded(f.shown)
}

// decoded is a JSON text's value; nil if it is none.
func decoded(text json.RawMessage) (value any) {
	if json.Unmarshal(text, &value) != nil {
		return nil
	}
	return value
}
