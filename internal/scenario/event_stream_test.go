package scenario_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Events as they are stored, over websockets and server-sent events.
func TestEventStream(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a stream tells what is stored", aStreamTellsWhatIsStored},
		{"a stream tells what meets its filter", aStreamTellsWhatMeetsItsFilter},
		{"a stream goes on after a lost connection", aStreamGoesOnAfterALostConnection},
		{"a slow stream is sampled, and says so", aSlowStreamIsSampled},
		{"a stream hides what is personal", aStreamHidesWhatIsPersonal},
		{"a stream has the caller's rows alone", aStreamHasItsRowsAlone},
		{"a stream knows nothing of who was erased", aStreamKnowsNothingOfTheErased},
		{"streams that are refused", streamsThatAreRefused},
	})
}

// streamOf subscribes to events; arguments come with their parentheses.
func streamOf(arguments string) string {
	return `subscription { eventStream` + arguments + ` { events { id type messageId userId occurredAt person { userIds } account { groupId } } cursor skipped } }`
}

// batch is an answer of a stream.
type batch struct {
	Data struct {
		EventStream struct {
			Events []struct {
				ID, Type, MessageID string
				UserID              *string
				Person              *struct{ UserIDs []string }
				Account             *struct{ GroupID string }
			}
			Cursor  string
			Skipped int
		}
	}
	Errors     []struct{ Message string }
	Extensions struct{ Notices []struct{ Group string } }
}

// tailing is what somebody has read of a stream.
type tailing struct {
	watcher
	cursor  string
	ids     []string
	skipped int
	last    batch
}

// tailed begins to read, and is there once the stream says where it begins.
func tailed(t *testing.T, w watcher) *tailing {
	t.Helper()
	r := &tailing{watcher: w}
	if r.take(t); len(r.ids) > 0 || r.skipped > 0 || r.cursor == "" {
		t.Fatalf("a stream begins with %+v", r.last)
	}
	return r
}

func (r *tailing) take(t *testing.T) {
	t.Helper()
	r.last = batch{}
	text := r.next(t)
	if err := json.Unmarshal([]byte(text), &r.last); err != nil || len(r.last.Errors) > 0 {
		t.Fatalf("%v: %s", err, text)
	}
	got := r.last.Data.EventStream
	for _, e := range got.Events {
		r.ids = append(r.ids, e.MessageID)
	}
	r.cursor, r.skipped = got.Cursor, r.skipped+got.Skipped
}

// until reads until so many were told or left out.
func (r *tailing) until(t *testing.T, n int) {
	t.Helper()
	for len(r.ids)+r.skipped < n {
		r.take(t)
	}
	if got := len(r.ids) + r.skipped; got != n {
		t.Fatalf("%d were told and %d left out, want %d together", len(r.ids), r.skipped, n)
	}
}

func (r *tailing) wantIDs(t *testing.T, want string) {
	t.Helper()
	wantEqual(t, "what was told", strings.Join(r.ids, " "), want)
}

// What is stored is told in that order, late or not, with all that lists tell of it.
func aStreamTellsWhatIsStored(t *testing.T, s story) {
	t.Parallel()
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			s := s.aside(t)
			s.acme.Batch(t, event("before", "E", "u1", noon))
			w, stranger := tailed(t, watch(t, s.kit, s.acme.ReadKey, streamOf(""))), tailed(t, watch(t, s.kit, s.globex.ReadKey, streamOf("")))
			s.acme.Batch(t, event("m1", "E", "u1", noon), event("m2", "F", "u2", "2025-06-01T12:00:00Z"))
			w.until(t, 2)
			first := w.last.Data.EventStream.Events[0]
			if first.Type != "E" || *first.UserID != "u1" || first.Person == nil || !slices.Equal(first.Person.UserIDs, []string{"u1"}) {
				t.Errorf("it tells of %+v", first)
			}
			var listed struct{ Node struct{ MessageID string } }
			s.acme.Query(t, `query ($id: ID!) { node(id: $id) { ... on Event { messageId } } }`, map[string]any{"id": first.ID}, &listed)
			wantEqual(t, "the event by its id", listed.Node.MessageID, "m1")
			s.acme.Batch(t, event("m1", "E", "u1", noon), event("m3", "E", "u1", noon)) // one of them again
			s.globex.Batch(t, event("g1", "E", "u1", noon))
			w.until(t, 3)
			stranger.until(t, 1)
			w.wantIDs(t, "m1 m2 m3")
			stranger.wantIDs(t, "g1")
		})
	}
}

func aStreamTellsWhatMeetsItsFilter(t *testing.T, s story) {
	t.Parallel()
	socket := s.kit.Connect(t, s.acme.ReadKey)
	begin := func(filter string) *tailing { // one after the other on one connection, each read to its end
		id := socket.Subscribe(t, streamOf(`(filter: {`+filter+`})`))
		return tailed(t, socketWatcher{socket, id})
	}
	inGroup := func(id, kind, group string) string {
		return `{"type":"track","messageId":"` + id + `","event":"Done","userId":"u3","context":{"groupId":"` + group + `","groupType":"` + kind + `"},"timestamp":"` + noon + `"}`
	}
	for i, c := range []struct{ filter, want string }{
		{`types: ["Buy", "End"]`, "b1 b2"},
		{`userIds: ["u1", "end"]`, "a1 b1"},
		{`groupIds: ["g"]`, "c1"},
	} {
		r := begin(c.filter)
		ids := func(id string) string { return fmt.Sprint(id, "-", i) }
		s.acme.Batch(t, event(ids("a1"), "Visit", "u1", noon), event(ids("b1"), "Buy", "u1", noon), event(ids("b2"), "Buy", "u2", noon),
			inGroup(ids("c1"), "account", "g"), inGroup(ids("c2"), "account", "other"))
		s.acme.Batch(t, `{"type":"track","messageId":"`+ids("end")+`","event":"End","userId":"end","context":{"groupId":"g"},"timestamp":"`+noon+`"}`)
		want := strings.Fields(c.want + " end")
		for j := range want {
			want[j] = ids(want[j])
		}
		r.until(t, len(want))
		r.wantIDs(t, strings.Join(want, " "))
		socket.Send(t, served.Frame{ID: r.watcher.(socketWatcher).id, Type: "complete"})
	}
}

// Whoever comes again and again, while several send, has everything once and in order.
func aStreamGoesOnAfterALostConnection(t *testing.T, s story) {
	t.Parallel()
	const senders, batches = 3, 15
	socket := s.kit.Connect(t, s.acme.ReadKey)
	w := tailed(t, socketWatcher{socket, socket.Subscribe(t, streamOf("(maxRate: 1000)"))})
	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			for n := range batches {
				id := fmt.Sprint(sender, "-", n, "-")
				s.acme.Batch(t, event(id+"a", "E", "u1", noon), event(id+"b", "E", "u2", "2026-03-01T12:00:00Z"))
			}
		})
	}
	for len(w.ids) < senders*batches {
		w.take(t)
		socket.Leave()
		socket = s.kit.Connect(t, s.acme.ReadKey)
		w.watcher = socketWatcher{socket, socket.Subscribe(t, streamOf(fmt.Sprintf(`(maxRate: 1000, after: %q)`, w.cursor)))}
		w.take(t) // where it begins
	}
	sending.Wait()
	w.until(t, 2*senders*batches)
	var stored []string
	s.kit.Scan(t, `select array_agg(message_id order by event_id) from event where tenant_id = $1`, []any{s.acme.ID}, &stored)
	wantEqual(t, "what was told", w.ids, stored)
}

// More than the rate is sampled; what was left out is counted, over both ways.
func aSlowStreamIsSampled(t *testing.T, s story) {
	t.Parallel()
	const all = 1200
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			s := s.aside(t)
			slow := tailed(t, watch(t, s.kit, s.acme.ReadKey, streamOf("(maxRate: 5)")))
			quick := tailed(t, watch(t, s.kit, s.acme.ReadKey, streamOf("(maxRate: 1000)")))
			many := make([]string, all)
			for i := range many {
				many[i] = event(fmt.Sprint(i), "E", "u1", noon)
			}
			s.acme.Batch(t, many...)
			quick.until(t, all)
			slow.until(t, all)
			wantEqual(t, "left out of the quick one", quick.skipped, 0)
			wantEqual(t, "the sample", strings.Join(slow.ids, " "), "119 239 359 479 599 719 839 959 1079 1199")
			wantEqual(t, "left out", slow.skipped, all-10)
		})
	}
}

func aStreamHidesWhatIsPersonal(t *testing.T, s story) {
	viewer := s.join(t, s.acme, "viewer@acme.example", access.Viewer)
	w := tailed(t, watchSocket(t, s.kit, viewer.AccessToken, streamOf("")))
	for i := range 2 {
		s.acme.Batch(t, event(fmt.Sprint("m", i), "E", "secret-u1", noon))
		w.until(t, i+1)
		got := w.last.Data.EventStream.Events[0]
		if got.UserID != nil || got.Person == nil || got.Person.UserIDs != nil || len(w.last.Extensions.Notices) != 2 {
			t.Errorf("a viewer is told %+v, %+v", got, w.last.Extensions)
		}
	}
	got := overSocket(t, s.kit, viewer.AccessToken, requestOf(t, streamOf(`(filter: {userIds: ["secret-u1"]})`), nil))
	if got.code() != "FORBIDDEN" || got.Errors[0].Extensions.Field != "filter.userIds" {
		t.Errorf("a viewer who guesses gets %+v", got)
	}
}

func aStreamHasItsRowsAlone(t *testing.T, s story) {
	d := newDesk(t, s)
	read := []access.Permission{access.Read, access.ReadMetrics, access.ReadPII}
	inEU, inUS := d.member(t, s, s.acme, ofRegion("EU"), read...), d.member(t, s, s.acme, ofRegion("US"), read...)
	const few = `subscription { eventStream { events { messageId } skipped } }`
	eu, us := d.follow(t, inEU, few), d.follow(t, inUS, few)
	const nothing = `{"data":{"eventStream":{"events":[],"skipped":0}}}`
	wantEqual(t, "at first", eu()+us(), nothing+nothing)
	for i := range 3 {
		for _, region := range []string{"EU", "US", "Nowhere"} {
			s.acme.Batch(t, fmt.Sprintf(`{"type":"track","messageId":"%s%d","event":"E","userId":"u","properties":{"region":"%s"},"timestamp":"%s"}`, region, i, region, noon))
		}
		d.streams.Changed(s.acme.ID)
		one := func(region string) string {
			return fmt.Sprintf(`{"data":{"eventStream":{"events":[{"messageId":"%s%d"}],"skipped":0}}}`, region, i)
		}
		wantEqual(t, "in the EU", eu(), one("EU"))
		wantEqual(t, "in the US", us(), one("US"))
	}
}

// Who comes behind a cursor is told nothing of who was erased since, and nothing is missing else.
func aStreamKnowsNothingOfTheErased(t *testing.T, s story) {
	socket := s.kit.Connect(t, s.acme.ReadKey)
	w := tailed(t, socketWatcher{socket, socket.Subscribe(t, streamOf(""))})
	socket.Leave()
	s.acme.Batch(t, event("m1", "E", "ben", noon), event("m2", "E", "secret-ann", noon), event("m3", "E", "ben", noon))
	s.awaitErased(t, s.acme, erase(t, s.acme, "secret-ann").ID)
	again := tailed(t, watchSocket(t, s.kit, s.acme.ReadKey, streamOf(fmt.Sprintf(`(after: %q)`, w.cursor))))
	s.acme.Batch(t, event("m4", "E", "ben", noon))
	again.until(t, 3)
	again.wantIDs(t, "m1 m3 m4")
}

func streamsThatAreRefused(t *testing.T, s story) {
	for _, c := range []struct{ arguments, code, field string }{
		{`(maxRate: 0)`, badInput, "maxRate"},
		{`(maxRate: 1001)`, badInput, "maxRate"},
		{`(after: "")`, badInput, "after"},
		{`(after: "c3RyZWFtLzk5OTk5OTk5OTk5OS8xNzc3NjM2ODAwMDAw")`, badInput, "after"},
		{`(filter: {types: [` + strings.Repeat(`"x" `, 101) + `]})`, badInput, "filter.types"},
	} {
		for _, by := range transports[1:] {
			got := by.ask(t, s.kit, s.acme.ReadKey, requestOf(t, streamOf(c.arguments), nil))
			if got.code() != c.code || got.Errors[0].Extensions.Field != c.field || !isNull(got.Data) {
				t.Errorf("%s over %s: %+v %s", c.arguments, by.name, got.Errors, got.Data)
			}
		}
	}
}

// Without Redis nobody tells of changes; a stream looks by itself, and misses nothing.
func TestAStreamWithoutRedis(t *testing.T) {
	r, err := embedded.StartRedis(t.Context(), embedded.RedisOptions{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop := func() {
		once.Do(func() {
			if err := r.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	t.Setenv("REDIS_URL", r.URL)
	s := begin(t)
	w := tailed(t, watchSocket(t, s.kit, s.acme.ReadKey, streamOf("")))
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	w.until(t, 1)
	stop()
	s.acme.Batch(t, event("m2", "E", "u1", noon))
	s.acme.Batch(t, event("m3", "E", "u1", noon))
	w.until(t, 3)
	w.wantIDs(t, "m1 m2 m3")
}
