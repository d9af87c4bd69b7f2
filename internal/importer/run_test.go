package importer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/importer"
)

// target takes batches as the server does, and remembers what it took.
type target struct {
	*httptest.Server
	mu      sync.Mutex
	taken   map[string]string // by message id
	batches int
	before  func(batches int) // each batch is taken, if it is given
}

func newTarget(t *testing.T) *target {
	t.Helper()
	tg := &target{taken: map[string]string{}}
	tg.Server = httptest.NewServer(http.HandlerFunc(tg.take))
	t.Cleanup(tg.Close)
	return tg
}

func (tg *target) take(w http.ResponseWriter, r *http.Request) {
	unzipped, err := gzip.NewReader(http.MaxBytesReader(w, r.Body, event.MaxBatchBytes))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, err := io.ReadAll(unzipped)
	items, problem := event.DecodeBatch(text)
	if user, _, _ := r.BasicAuth(); err != nil || problem != nil || user != key || len(text) > event.MaxBatchBytes {
		http.Error(w, "bad batch", http.StatusBadRequest)
		return
	}
	tg.mu.Lock()
	defer tg.mu.Unlock()
	tg.batches++
	if tg.before != nil {
		tg.before(tg.batches)
	}
	var answer struct {
		Verdicts []event.Verdict `json:"verdicts"`
	}
	for _, item := range items {
		answer.Verdicts = append(answer.Verdicts, tg.judge(item))
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (tg *target) judge(item event.Item) event.Verdict {
	v := event.Verdict{MessageID: item.MessageID, Status: event.Accepted}
	if item.Problem != nil {
		return event.Verdict{MessageID: item.MessageID, Status: event.Rejected, Field: item.Problem.Field, Reason: item.Problem.Message}
	}
	content := fmt.Sprint(item.Type, item.UserID, item.Timestamp, string(item.Properties))
	if first, known := tg.taken[item.MessageID]; known && first == content {
		v.Status = event.Duplicate
	} else if known {
		v.Status, v.Field, v.Reason = event.Conflict, "messageId", "Another event with this id came first."
	} else {
		tg.taken[item.MessageID] = content
	}
	return v
}

const key = "tmw_test"

func (tg *target) options() importer.Options {
	return importer.Options{URL: tg.URL, Key: key, Zone: "UTC", Concurrency: 3, Patience: time.Minute}
}

func write(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func zipped(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write([]byte(text))
	w.Close()
	return out.String()
}

// table writes rows without ids, each of them twice, and a bad one after every 1,000.
func table(rows int) (text string, bad int) {
	var b strings.Builder
	b.WriteString("event,user_id,time,n,note\n")
	for i := range rows {
		if i%1000 == 999 {
			b.WriteString("A,u,never,1,\n")
			bad++
			continue
		}
		fmt.Fprintf(&b, "A,u%d,2026-05-01 10:00:00,%d,\"%s\n%d\"\n", i%7, i/2, strings.Repeat("x", 60), i/2)
	}
	return b.String(), bad
}

func readReport(t *testing.T, path string) (refusals []importer.Refusal) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var r importer.Refusal
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		refusals = append(refusals, r)
	}
	return refusals
}

// An import that is stopped again and again takes every row once, and reports every refused
// one once.
func TestGoesOn(t *testing.T) {
	const rows = 24_000
	text, bad := table(rows)
	for name, content := range map[string]string{"events.csv": text, "events.csv.gz": zipped(text)} {
		t.Run(name, func(t *testing.T) {
			tg, path := newTarget(t), write(t, name, content)
			runs := 0
			for stop := 3; ; stop += 3 {
				ctx, cancel := context.WithCancel(t.Context())
				tg.before = func(batches int) {
					if batches == stop {
						cancel()
					}
				}
				result, err := importer.Run(ctx, path, tg.options())
				runs++
				cancel()
				if err == nil {
					if result.Read != rows || result.Rejected != int64(bad) || result.Accepted+result.Duplicate != int64(rows-bad) || result.Conflict != 0 {
						t.Errorf("the result is %+v", result)
					}
					break
				}
				if ctx.Err() == nil || runs > 20 {
					t.Fatal(err)
				}
			}
			report := readReport(t, path+".refused.ndjson")
			if len(tg.taken) != rows-bad || len(report) != bad || runs < 3 {
				t.Errorf("%d taken of %d, %d reported of %d, in %d runs", len(tg.taken), rows-bad, len(report), bad, runs)
			}
			for i, r := range report { // a row that is taken has two lines
				if line := int64(2 + i*1999 + 999*2); r.Line != line || r.Row != "A,u,never,1," || r.Field != "timestamp" {
					t.Fatalf("refusal %d is %+v, want line %d", i, r, line)
				}
			}
		})
	}
}

// What has come to its end is not sent again, unless it is asked for; then nothing counts twice.
func TestRunsAgain(t *testing.T) {
	text, bad := table(3000)
	tg, path := newTarget(t), write(t, "events.csv", text)
	first, err := importer.Run(t.Context(), path, tg.options())
	if err != nil {
		t.Fatal(err)
	}
	sent := tg.batches
	second, err := importer.Run(t.Context(), path, tg.options())
	if err != nil || !second.Before || second.Counts != first.Counts || tg.batches != sent {
		t.Errorf("again: %+v, %v, %d batches", second, err, tg.batches-sent)
	}
	anew := tg.options()
	anew.Restart = true
	third, err := importer.Run(t.Context(), path, anew)
	if err != nil || third.Duplicate != int64(3000-bad) || third.Accepted != 0 || third.Rejected != int64(bad) {
		t.Errorf("anew: %+v, %v", third, err)
	}
	if report := readReport(t, third.Report); len(report) != bad {
		t.Errorf("anew, %d are reported, want %d", len(report), bad)
	}
}

// What is not the same import is not gone on with.
func TestAnotherImport(t *testing.T) {
	text, _ := table(10)
	tg := newTarget(t)
	for name, change := range map[string]func(path string, o *importer.Options){
		"the file":  func(path string, _ *importer.Options) { os.WriteFile(path, []byte(text+"A,u,2026-05-01,1,\n"), 0o600) },
		"the key":   func(_ string, o *importer.Options) { o.Key = "tmw_other" },
		"the zone":  func(_ string, o *importer.Options) { o.Zone = "Europe/Berlin" },
		"the event": func(_ string, o *importer.Options) { o.Event = "B" },
	} {
		path, o := write(t, "events.csv", text), tg.options()
		if _, err := importer.Run(t.Context(), path, o); err != nil {
			t.Fatal(err)
		}
		change(path, &o)
		if _, err := importer.Run(t.Context(), path, o); err == nil || !strings.Contains(err.Error(), "--restart") {
			t.Errorf("after a change of %s: %v", name, err)
		}
	}
	o := tg.options()
	o.Resume = true
	if _, err := importer.Run(t.Context(), write(t, "events.csv", text), o); err == nil {
		t.Error("an import that has not begun is gone on with")
	}
}

// The report says of each refused row where it stands and why, whoever refused it.
func TestReport(t *testing.T) {
	rows := []string{
		`{"event":"A","userId":"u","messageId":"m1","timestamp":1777630000}`,
		`{"event":"A","userId":"u","messageId":"m1","timestamp":1777630000}`,
		`{"event":"B","userId":"u","messageId":"m1","timestamp":1777630000}`,
		`{"event":"A","messageId":"m2","timestamp":1777630000}`,
		``,
		`{"event":"A","userId":"u","messageId":"m3","timestamp":"1999-12-31"}`,
		`{"event":"A","userId":"u","messageId":"m4","timestamp":1777630000,"properties":{"a":"\u0000"}}`,
		`{"event":`,
		"\xff\xfe",
		`{"event":"` + strings.Repeat("x", 300<<10) + `"}`,
		`{"event":"A","userId":"u","messageId":"m5","timestamp":1777630000}`,
	}
	tg, path := newTarget(t), write(t, "events.jsonl", "\ufeff"+strings.Join(rows, "\r\n"))
	result, err := importer.Run(t.Context(), path, tg.options())
	want := importer.Counts{Read: 10, Accepted: 2, Duplicate: 1, Conflict: 1, Rejected: 6}
	if diff := cmp.Diff(want, result.Counts); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	refusals := []importer.Refusal{
		{Line: 3, MessageID: "m1", Status: "CONFLICT", Field: "messageId", Reason: "Another event with this id came first.", Row: rows[2]},
		{Line: 4, MessageID: "m2", Status: "REJECTED", Field: "userId", Reason: "An event needs a userId or an anonymousId.", Row: rows[3]},
		{Line: 6, MessageID: "m3", Status: "REJECTED", Field: "timestamp", Reason: "Events before the year 2000 are not taken.", Row: rows[5]},
		{Line: 7, MessageID: "m4", Status: "REJECTED", Field: "properties.a", Reason: "The character NUL is not allowed.", Row: rows[6]},
		{Line: 8, Status: "REJECTED", Field: "row", Reason: "The JSON ends too early.", Row: rows[7]},
		{Line: 9, Status: "REJECTED", Field: "row", Reason: "The text is not valid UTF-8.", RowBytes: []byte(rows[8])},
		{Line: 10, Status: "REJECTED", Field: "row", Reason: "A row has at most 262144 bytes.", Row: rows[9][:1<<10], Cut: true},
	}
	if diff := cmp.Diff(refusals, readReport(t, result.Report)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A gzip that is cut is imported as far as it goes, and the import says so.
func TestCutFile(t *testing.T) {
	text, _ := table(500)
	whole := zipped(text)
	tg, path := newTarget(t), write(t, "events.csv.gz", whole[:len(whole)/2])
	result, err := importer.Run(t.Context(), path, tg.options())
	if err == nil || !strings.Contains(err.Error(), "could not be read to its end") || len(tg.taken) == 0 || result.Accepted != int64(len(tg.taken)) {
		t.Errorf("%v, %+v, %d taken", err, result, len(tg.taken))
	}
}

func TestFilesThatCannotBeImported(t *testing.T) {
	tg := newTarget(t)
	for name, content := range map[string]string{
		"empty.csv": "", "twice.csv": "event,event\nA,B\n", "list.json": "\n[{}]", "wide.csv": "\xff\xfeA\x00",
	} {
		if _, err := importer.Run(t.Context(), write(t, name, content), tg.options()); err == nil {
			t.Errorf("%s is imported", name)
		}
	}
	path := write(t, "events.csv", "event\n")
	over := tg.options()
	over.Report = path
	if _, err := importer.Run(t.Context(), path, over); err == nil {
		t.Error("the report is written over the file")
	}
	for name, o := range map[string]importer.Options{
		"no key": {URL: tg.URL, Concurrency: 1}, "a read key": {URL: tg.URL, Key: "tmr_x", Concurrency: 1},
		"no address": {Key: key, Concurrency: 1}, "no zone": {URL: tg.URL, Key: key, Concurrency: 1, Zone: "Mars"},
		"no senders": {URL: tg.URL, Key: key},
	} {
		if _, err := importer.Run(t.Context(), path, o); err == nil || strings.Contains(err.Error(), "tmr_x") {
			t.Errorf("with %s: %v", name, err)
		}
	}
}
