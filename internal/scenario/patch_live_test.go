package scenario_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// How a live query is answered is the subscriber's wish.
func TestLiveWishes(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"patches make what is shown", patchesMakeWhatIsShown},
		{"who comes again goes on", whoComesAgainGoesOn},
		{"answers are as far apart as is wished", answersAreAsFarApartAsIsWished},
		{"a wish out of range is refused", aWishOutOfRangeIsRefused},
		{"errors of a live query have whole paths", errorsOfALiveQueryHaveWholePaths},
	})
}

// asLive asks for something with patches, and from a revision on.
const asLive = `subscription ($after: String) { live(patch: true, after: $after, minInterval: 50) { revision base patch query {
	events(` + thatDay + `) { count byType { types counts } }
	timeline: events(` + thatDay + `) { timeline(interval: HOUR) { counts } } } } }`

// screen shows a live query as a client does that applies patches.
type screen struct {
	watcher
	revision string
	query    []byte
	patches  int
}

type liveAnswer struct {
	Data struct {
		Live struct {
			Revision, Base string
			Patch, Query   json.RawMessage
		}
	}
}

// next takes an answer in.
func (s *screen) next(t *testing.T) {
	t.Helper()
	var answer liveAnswer
	if err := json.Unmarshal([]byte(s.watcher.next(t)), &answer); err != nil {
		t.Fatal(err)
	}
	l := answer.Data.Live
	if string(l.Patch) == "null" {
		s.revision, s.query = l.Revision, l.Query
		return
	}
	if l.Base != s.revision || string(l.Query) != "null" {
		t.Fatalf("a patch of %s for one who shows %s, with %s", l.Base, s.revision, l.Query)
	}
	query, err := patched(s.query, l.Patch)
	if err != nil {
		t.Fatal(err)
	}
	s.revision, s.query, s.patches = l.Revision, query, s.patches+1
}

// until takes answers in until something is shown.
func (s *screen) until(t *testing.T, text string) {
	t.Helper()
	for !strings.Contains(string(s.query), text) {
		s.next(t)
	}
}

// wantFresh takes answers in until what is shown equals a query of this moment: fields have
// snapshots of their own, so that an answer may show one of them before the other.
func (s *screen) wantFresh(t *testing.T, from story) {
	t.Helper()
	query := asLive[strings.Index(asLive, "query {")+len("query "):]
	answer := from.kit.Ask(t, from.acme.ReadKey, strings.TrimSuffix(query, " } }"), nil)
	for fresh := compact(t, answer.Data); compact(t, s.query) != fresh; {
		s.next(t)
	}
}

func compact(t *testing.T, text []byte) string {
	t.Helper()
	var short bytes.Buffer
	if err := json.Compact(&short, text); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return short.String()
}

// watchFrom subscribes from a revision on; "" for none.
func (s story) watchFrom(t *testing.T, kit *served.Kit, key, revision string) *screen {
	t.Helper()
	socket := kit.Connect(t, key)
	var after any
	if revision != "" {
		after = revision
	}
	payload, err := json.Marshal(map[string]any{"query": asLive, "variables": map[string]any{"after": after}})
	if err != nil {
		t.Fatal(err)
	}
	socket.Send(t, served.Frame{ID: "w", Type: "subscribe", Payload: payload})
	return &screen{watcher: socketWatcher{socket, "w"}, revision: revision}
}

func patchesMakeWhatIsShown(t *testing.T, s story) {
	t.Parallel()
	w, stranger := s.watchFrom(t, s.kit, s.acme.ReadKey, ""), s.watchFrom(t, s.kit, s.globex.ReadKey, "")
	w.next(t)
	stranger.next(t)
	for i := range 12 { // so many types that a change is less than the whole
		s.acme.Batch(t, event(fmt.Sprint("m", i), fmt.Sprint("Type ", i), "u1", noon))
	}
	w.until(t, `"count":12`)
	for i := range 5 {
		s.acme.Batch(t, event(fmt.Sprint("n", i), "Type 3", "u1", noon))
		w.until(t, fmt.Sprintf(`"count":%d`, 13+i))
		w.wantFresh(t, s)
	}
	if w.patches < 3 { // one may tell two changes
		t.Errorf("%d answers came as patches", w.patches)
	}
	s.globex.Batch(t, event("m", "Own", "u1", noon))
	stranger.until(t, `"count":1`)
	if strings.Contains(string(stranger.query), "Type 3") {
		t.Errorf("the stranger sees %s", stranger.query)
	}
}

// Who has the answer gets none until something changes; who has missed something gets it at once;
// the revision is good on another server.
func whoComesAgainGoesOn(t *testing.T, s story) {
	second := served.StartOn(t, s.kit.DB)
	w := s.watchFrom(t, s.kit, s.acme.ReadKey, "")
	s.acme.Batch(t, event("r0", "E", "u1", noon))
	w.until(t, `"E"`)
	had := w.query
	again, missed := s.watchFrom(t, second, s.acme.ReadKey, w.revision), s.watchFrom(t, s.kit, s.acme.ReadKey, "gone")
	missed.next(t)
	wantEqual(t, "revision", missed.revision, w.revision)
	again.query = had
	s.acme.Batch(t, event("r1", "F", "u1", noon))
	again.next(t) // which is the first: with the change in it
	if !strings.Contains(string(again.query), `"F"`) {
		t.Errorf("the first answer after coming again is %s", again.query)
	}
	again.wantFresh(t, s)
	late := s.watchFrom(t, second, s.acme.ReadKey, w.revision)
	late.query = had
	late.next(t)
	late.wantFresh(t, s)
	stranger := s.watchFrom(t, second, s.globex.ReadKey, w.revision)
	stranger.next(t)
	if strings.Contains(string(stranger.query), `"E"`) {
		t.Errorf("the stranger sees %s", stranger.query)
	}
}

// Of many changes in a row the last is told, at the end of the interval.
func answersAreAsFarApartAsIsWished(t *testing.T, s story) {
	t.Parallel()
	ask := func(interval int) watcher {
		return watchSocket(t, s.kit, s.acme.ReadKey, fmt.Sprintf(`subscription { live(minInterval: %d) { query { events(%s, types: ["Often"]) { count } } } }`, interval, thatDay))
	}
	slow, quick := ask(2_000), ask(50)
	wantNext(t, slow, `"count":0`)
	wantNext(t, quick, `"count":0`)
	const changes = 20
	for i := range changes {
		s.acme.Batch(t, event(fmt.Sprint("often ", i), "Often", "u1", noon))
		until(t, quick, fmt.Sprintf(`"count":%d`, i+1))
	}
	answers := 0
	for got := ""; !strings.Contains(got, fmt.Sprintf(`"count":%d`, changes)); answers++ {
		got = slow.next(t)
	}
	if answers > changes/2 {
		t.Errorf("%d answers to %d changes", answers, changes)
	}
}

func aWishOutOfRangeIsRefused(t *testing.T, s story) {
	t.Parallel()
	for _, interval := range []string{"49", "0", "-1", "3600001"} {
		socket := s.kit.Connect(t, s.acme.ReadKey)
		socket.Subscribe(t, `subscription { live(minInterval: `+interval+`) { revision } }`)
		got := socket.Receive(t)
		if got.Type != "error" || !strings.Contains(string(got.Payload), "BAD_USER_INPUT") || !strings.Contains(string(got.Payload), "minInterval") {
			t.Errorf("%s: %s %s", interval, got.Type, got.Payload)
		}
	}
}

func errorsOfALiveQueryHaveWholePaths(t *testing.T, s story) {
	t.Parallel()
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			got := watch(t, s.kit, s.acme.ReadKey, `subscription { now: live { query { bad: metric(key: "nothing") { key } } } }`).next(t)
			if !strings.Contains(got, `"path":["now","query","bad"]`) {
				t.Errorf("got %s", got)
			}
		})
	}
}
