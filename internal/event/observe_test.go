package event_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// anyEvent draws an event of a few types, with properties of a few names, of any kind.
func anyEvent(id string) *rapid.Generator[event.Incoming] {
	return rapid.Custom(func(t *rapid.T) event.Incoming {
		properties := map[string]any{}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "", "ä"}), 0, 4, rapid.ID[string]).Draw(t, "names") {
			properties[name] = rapid.SampledFrom([]any{nil, 1, 2.5, "x", true, []any{1}, map[string]any{"a": 1}}).Draw(t, "value")
		}
		object, err := json.Marshal(properties)
		if err != nil {
			t.Fatal(err)
		}
		return event.Incoming{
			MessageID: id, Type: rapid.SampledFrom([]string{"E", "F", "$page"}).Draw(t, "type"), UserID: "u", Properties: object,
			Timestamp: noon.Add(time.Duration(rapid.IntRange(-5_000, 5_000).Draw(t, "minutes")) * time.Minute),
		}
	})
}

// The registry equals a recount of the events, however they came: in which batches, in which
// order, how often, and by how many writers.
func TestWhatIsObservedEqualsARecount(t *testing.T) {
	h := newHouse(t)
	writers := []*event.Writer{h.writer(t, event.WriterOptions{}), h.writer(t, event.WriterOptions{})}
	rapid.Check(t, func(rt *rapid.T) {
		id := h.Tenant(t, "Europe/Berlin")
		var items []event.Item
		for i := range rapid.IntRange(1, 25).Draw(rt, "events") {
			items = append(items, ready(t, anyEvent(fmt.Sprint("m", i)).Draw(rt, "event")))
		}
		sent := rapid.Permutation(append(slices.Clone(items), items[:len(items)/3]...)).Draw(rt, "order")
		var answers []<-chan reply
		for len(sent) > 0 {
			n := rapid.IntRange(1, len(sent)).Draw(rt, "batch")
			w := rapid.SampledFrom(writers).Draw(rt, "writer")
			answers, sent = append(answers, offerTo(t, w, id, sent[:n])), sent[n:]
		}
		for _, answer := range answers {
			(<-answer).statuses(t)
		}
		h.wantEvents(t, id, len(items))
		h.wantChanges(t, id, items)
	})
}

func offerTo(t *testing.T, w *event.Writer, id tenant.ID, items []event.Item) <-chan reply {
	answer := make(chan reply, 1)
	go func() { answer <- send(t, w, id, items...) }()
	return answer
}

// wantChanges holds the changes against the events: each type and each property is new once,
// and every further kind, null aside, is a change.
func (h *house) wantChanges(t *testing.T, id tenant.ID, items []event.Item) {
	t.Helper()
	types, kinds := map[string]bool{}, map[string]map[string]bool{}
	for _, item := range items {
		types[item.Type] = true
		for _, p := range item.Shape() {
			name := item.Type + "/" + p.Name
			if kinds[name] == nil {
				kinds[name] = map[string]bool{}
			}
			if p.Kind != "NULL" {
				kinds[name][string(p.Kind)] = true
			}
		}
	}
	changed := 0
	for _, k := range kinds {
		changed += max(0, len(k)-1)
	}
	for change, want := range map[string]int{"NEW_EVENT_TYPE": len(types), "NEW_PROPERTY": len(kinds), "TYPE_CHANGED": changed} {
		if n := h.Number(t, "select count(*) from schema_change where tenant_id = $1 and change = $2", id, change); n != want {
			t.Errorf("%d changes %s, want %d of %v", n, change, want, slices.Sorted(maps.Keys(kinds)))
		}
	}
	if n := h.Number(t, "select count(*) from schema_change c join event e using (tenant_id, message_id) where tenant_id = $1 and e.type <> c.type", id); n != 0 {
		t.Errorf("%d changes name an event of another type", n)
	}
	names := h.Number(t, "select coalesce(sum(properties), 0) from event_type where tenant_id = $1", id)
	if names != len(kinds) {
		t.Errorf("%d names are counted, want %d", names, len(kinds))
	}
}

// A sender who makes up names fills its bounds, and no more; nothing goes uncounted.
func TestNamesBeyondTheBoundsAreCounted(t *testing.T) {
	h := newHouse(t)
	id := h.Tenant(t, "UTC")
	w := h.writer(t, event.WriterOptions{})
	object := func(from, to int) []byte {
		var members []string
		for i := from; i < to; i++ {
			members = append(members, fmt.Sprintf(`"p%d":1`, i))
		}
		return []byte("{" + strings.Join(members, ",") + "}")
	}
	long := `{"` + strings.Repeat("x", 201) + `":1,"` + strings.Repeat("ä", 200) + `":1}`
	for i, properties := range [][]byte{object(0, 400), object(350, 650), object(600, 610), []byte(long)} {
		send(t, w, id, ready(t, event.Incoming{MessageID: fmt.Sprint(i), Type: "Wide", UserID: "u", Timestamp: noon, Properties: properties})).statuses(t)
	}
	if n := h.Number(t, "select properties from event_type where tenant_id = $1", id); n != 500 {
		t.Errorf("%d names, want 500", n)
	}
	// The names are taken in order; p600 to p609 are among those taken, and the long ones not.
	if n := h.Number(t, "select unrecorded_properties from event_type where tenant_id = $1", id); n < 152 {
		t.Errorf("%d uses are not recorded", n)
	}
	h.wantRecount(t, id)

	var many []event.Item
	for i := range 2_100 {
		many = append(many, did(t, fmt.Sprint("many ", i), fmt.Sprint("Type ", i), "u", noon))
	}
	for batch := range slices.Chunk(many, 700) {
		send(t, w, id, batch...).statuses(t)
	}
	send(t, w, id, did(t, "again", "Type 2099", "u", noon), did(t, "known", "Type 5", "u", noon)).statuses(t)
	if n := h.Number(t, "select count(*) from event_type where tenant_id = $1", id); n != 2_000 {
		t.Errorf("%d types, want 2,000", n)
	}
	if n := h.Number(t, "select unrecorded_events from registry_state where tenant_id = $1", id); n != 102 {
		t.Errorf("%d events are not recorded, want 102", n)
	}
	if n := h.Number(t, "select volume from event_type where tenant_id = $1 and name = 'Type 5'", id); n != 2 {
		t.Errorf("a known type has %d events, want 2", n)
	}
}

// Traits are the properties of what sets them. No sample is taken of them.
func TestTraitsAreObserved(t *testing.T) {
	h := newHouse(t)
	id := h.Tenant(t, "UTC")
	w := h.writer(t, event.WriterOptions{})
	send(t, w, id, ready(t, event.Incoming{
		MessageID: "i1", Type: event.Identify, UserID: "u", Timestamp: noon,
		Traits: []byte(`{"city":"Kiel","age":3}`), TraitsOnce: []byte(`{"age":"3","source":"ad"}`),
	}), ready(t, event.Incoming{
		MessageID: "e1", Type: "E", UserID: "u", Timestamp: noon,
		Properties: []byte(`{"plan":"pro","userEmail":"a@b.c","list":["x"],"long":"` + strings.Repeat("é", 200) + `"}`),
	})).statuses(t)
	for query, want := range map[string]int{
		"select count(*) from event_property where tenant_id = $1 and type = '$identify'":                                           3,
		"select count(*) from event_property where tenant_id = $1 and type = '$identify' and sample is not null":                    0,
		"select count(*) from event_property where tenant_id = $1 and name = 'age' and kind = 'NUMBER'":                             1,
		"select count(*) from event_property where tenant_id = $1 and type = 'E' and sample is not null":                            2,
		"select count(*) from event_property where tenant_id = $1 and name = 'plan' and sample = '\"pro\"'":                         1,
		"select length(sample) from event_property where tenant_id = $1 and name = 'long'":                                          100,
		"select count(*) from event_property where tenant_id = $1 and name in ('userEmail', 'list') and sample is not null":         0,
		"select count(*) from schema_change where tenant_id = $1 and type = '$identify' and property is null and message_id = 'i1'": 1,
	} {
		if n := h.Number(t, query, id); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}
