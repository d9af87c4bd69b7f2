package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// Whatever a row is, it is refused by itself, or becomes an event that keeps none of its
// batch out: the server can read what stands beside it.
func FuzzEntry(f *testing.F) {
	for _, seed := range []string{
		`{"event":"A","userId":"u","timestamp":1777630000,"properties":{"a":[1,{"b":null}]},"x":"\ud800"}`,
		`{"event":"$identify","distinct_id":"u","timestamp":"2026-05-01","properties":"{\"$set\":{}}"}`,
		`{"event":"A","user_id":7,"created_at":"2026-05-01 10:00","traits":{},"context":{"a":1,"a":2}}`,
		`{"messageId":"m","type":"page","originalTimestamp":"1","sentAt":"2","receivedAt":"3"}`, "a,b,2026-05-01,\"{\"\"a\"\":1}\",1e5", `{"properties":{}}{`,
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, csv bool) {
		o := Options{Zone: "UTC", DryRun: true, Concurrency: 1, ArrivalTime: true, Preview: &strings.Builder{}}
		name := "a.ndjson"
		if csv {
			name, text = "a.csv", "event,user_id,time,properties,traits.n,context\n"+text
		}
		if err := o.check(); err != nil {
			t.Fatal(err)
		}
		r := &run{options: o, source: &source{expanded: newWindow(strings.NewReader(text))}}
		if err := r.readAs(name); err != nil {
			t.Skip()
		}
		for {
			row, err := r.rows.next()
			if err != nil {
				return
			}
			e := r.entry(row)
			if e.event == nil {
				if e.verdict.Reason == "" {
					t.Fatalf("%q is refused without a reason", row.raw)
				}
				continue
			}
			beside := entry{event: []byte(`{"type":"track","event":"E","userId":"u","messageId":"beside"}`)}
			items, err := event.DecodeBatch(body([]*entry{&e, &beside}))
			if err != nil || len(items) != 2 || items[1].Problem != nil || items[0].Problem == nil && items[0].MessageID != e.id {
				t.Fatalf("%q becomes %s: %v, %+v", row.raw, e.event, err, items)
			}
		}
	})
}

// A file is imported by one process at a time.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.csv")
	if err := os.WriteFile(path, []byte("event\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := openSource(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openSource(t.Context(), path); err == nil {
		t.Error("it is opened twice")
	}
	first.file.Close()
	second, err := openSource(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	second.file.Close()
}
