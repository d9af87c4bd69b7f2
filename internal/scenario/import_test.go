package scenario_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/importer"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// happening is an event before it is written in one way or another.
type happening struct {
	id, name, user, device string
	at                     time.Time
	properties             map[string]any
}

// happenings draws events, at edges too, and with what CSV has to quote.
func happenings(t *rapid.T) (drawn []happening) {
	text := rapid.SampledFrom([]string{"a", "a,b", `say "so"`, "two\nlines", "ä€😀", " x ", "=1+1", "007", "\r\n", ";"})
	for i := range rapid.IntRange(1, 25).Draw(t, "events") {
		h := happening{
			id: fmt.Sprint("m", i), name: rapid.SampledFrom([]string{"Opened", "Shared, twice", "Paid"}).Draw(t, "name"),
			user:   rapid.SampledFrom([]string{"", "u1", "u2", `u"3`, "0"}).Draw(t, "user"),
			device: rapid.SampledFrom([]string{"", "d1", "d2"}).Draw(t, "device"),
			at: time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 192).Draw(t, "slot")) * 15 * time.Minute).
				Add(time.Duration(rapid.SampledFrom([]int{0, -1, 123456}).Draw(t, "micros")) * time.Microsecond),
			properties: map[string]any{},
		}
		if h.user == "" && h.device == "" {
			h.device = "d3"
		}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"plan", "n", "is,so", "ok"}), 0, 4, rapid.ID[string]).Draw(t, "names") {
			switch name {
			case "n":
				h.properties[name] = rapid.Float64Range(-1e6, 1e6).Draw(t, "n")
			case "ok":
				h.properties[name] = rapid.Bool().Draw(t, "ok")
			default:
				h.properties[name] = text.Draw(t, "text")
			}
		}
		drawn = append(drawn, h)
	}
	return drawn
}

// asCall writes a happening in Segment's shape.
func (h happening) asCall() string {
	call := map[string]any{"type": "track", "messageId": h.id, "event": h.name, "timestamp": h.at, "properties": h.properties}
	if h.user != "" {
		call["userId"] = h.user
	}
	if h.device != "" {
		call["anonymousId"] = h.device
	}
	text, err := json.Marshal(call)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// asTable writes happenings as CSV, with a column for every property.
func asTable(drawn []happening) string {
	names := map[string]bool{}
	for _, h := range drawn {
		for name := range h.properties {
			names[name] = true
		}
	}
	columns := slices.Sorted(maps.Keys(names))
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{append([]string{"Message ID", "event_name", "user_id", "anonymousId", "occurred_at"}, columns...)}
	for _, h := range drawn {
		row := []string{h.id, h.name, h.user, h.device, h.at.Format(time.RFC3339Nano)}
		for _, name := range columns {
			cell := ""
			if value, has := h.properties[name]; has {
				cell = fmt.Sprint(value)
				if number, is := value.(float64); is {
					text, _ := json.Marshal(number)
					cell = string(text)
				}
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	if err := w.WriteAll(rows); err != nil {
		panic(err)
	}
	return out.String()
}

// answered asks for all that events change.
func answered(t testing.TB, who *served.Tenant) string {
	t.Helper()
	var answer json.RawMessage
	who.Query(t, `{
		events(`+ever+`) {
			count
			byType { types counts }
			list(first: 500) { nodes { type messageId userId anonymousId occurredAt properties } }
		}
		days: events(range: {from: "2026-03-27T00:00:00Z", to: "2026-04-02T00:00:00Z"}) { timeline { at counts } }
		metric(key: "active_users") { series(range: {from: "2026-03-27T00:00:00Z", to: "2026-04-02T00:00:00Z"}, interval: DAY) { values } }
		new: metric(key: "new_users") { series(range: {from: "2026-03-27T00:00:00Z", to: "2026-04-02T00:00:00Z"}, interval: HOUR) { values } }
	}`, nil, &answer)
	return string(answer)
}

// Whatever happened, imported as NDJSON or as CSV it gives the figures that it gives when it
// is sent.
func TestImportedEqualsSent(t *testing.T) {
	s := begin(t)
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		drawn := happenings(rt)
		var calls []string
		for _, h := range drawn {
			calls = append(calls, h.asCall())
		}
		sent := s.kit.Tenant(t, "Sent", "Europe/Berlin")
		sent.Batch(t, calls...)
		want := answered(t, sent)
		for name, text := range map[string]string{"lines.ndjson": strings.Join(calls, "\n"), "table.csv": asTable(drawn)} {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				rt.Fatal(err)
			}
			imported := s.kit.Tenant(t, "Imported", "Europe/Berlin")
			result, err := importer.Run(t.Context(), path, importer.Options{
				URL: s.kit.URL, Key: imported.WriteKey, Zone: "UTC", Concurrency: 2, Patience: time.Minute, Restart: true,
			})
			if err != nil || result.Accepted != int64(len(drawn)) {
				rt.Fatalf("%s: %v, %+v", name, err, result)
			}
			if got := answered(t, imported); got != want {
				rt.Fatalf("%s:\n%s\nimported gives\n%s\nand sent\n%s", name, text, got, want)
			}
		}
	})
	s.wantStrangerEmpty(t)
}
