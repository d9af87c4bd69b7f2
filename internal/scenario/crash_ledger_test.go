package scenario_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// ledger is what a client knows: which ids it has sent, and which were acknowledged. It
// lives outside of the server, in a file: each id stands there before it is sent, and again,
// safe on disk, once it was acknowledged.
type ledger struct {
	mu       sync.Mutex
	file     *os.File
	broken   error // why it could not be written
	sent     map[string]bool
	acked    map[string]bool
	senders  int           // how many there have been
	failures int           // requests that got no answer
	status   string        // of an event that is acknowledged, beside DUPLICATE
	batches  chan struct{} // receives for each acknowledged batch
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return &ledger{file: file, status: "ACCEPTED", sent: map[string]bool{}, acked: map[string]bool{}, batches: make(chan struct{}, 100_000)}
}

const batchSize = 25

// batch makes the n-th batch of a sender: over days and quarter hours, of shared persons.
func (l *ledger) batch(sender, n int) (ids []string, body string) {
	var events []string
	for i := range batchSize {
		id := fmt.Sprintf("%d-%d-%d", sender, n, i)
		who := fmt.Sprintf(`"userId":"u%d"`, (n+i)%40)
		switch i % 5 {
		case 0:
			who = fmt.Sprintf(`"anonymousId":"d%d"`, (n+i)%20)
		case 1: // which joins the device to the user
			who += fmt.Sprintf(`,"anonymousId":"d%d"`, (n+i)%20)
		}
		at := time.Date(2026, 5, 1, 20, 0, 0, 0, time.UTC).Add(time.Duration(n*7+i) * time.Minute)
		ids = append(ids, id)
		events = append(events, tracked(id, fmt.Sprint("Type ", i%3), who, at.Format(time.RFC3339)))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write("sent", ids)
	return ids, `{"batch":[` + strings.Join(events, ",") + `]}`
}

// send has senders send batch after batch, each until it is acknowledged, until stop is
// called.
func (l *ledger) send(t *testing.T, url, key string, senders int) (stop func()) {
	t.Helper()
	ending := make(chan struct{})
	var sending sync.WaitGroup
	for range senders {
		l.senders++
		sender := l.senders
		sending.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-ending:
					return
				default:
				}
				ids, body := l.batch(sender, n)
				if !l.deliver(t, url, key, ids, body) {
					return
				}
			}
		})
	}
	return func() {
		close(ending)
		sending.Wait()
	}
}

// deliver sends the same batch again and again until it is acknowledged.
func (l *ledger) deliver(t *testing.T, url, key string, ids []string, body string) bool {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		verdicts, err := post(t.Context(), client, url, key, body)
		if err != nil {
			l.mu.Lock()
			l.failures++
			l.mu.Unlock()
			<-time.After(5 * time.Millisecond) // as a client does, which would not have the server's processor
			continue
		}
		for i, v := range verdicts {
			if v.MessageID != ids[i] || v.Status != l.status && v.Status != "DUPLICATE" {
				t.Errorf("%s: %+v", ids[i], v)
			}
		}
		l.acknowledge(ids)
		return true
	}
	t.Error("a batch was not taken within 20 s")
	return false
}

func (l *ledger) acknowledge(ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write("acknowledged", ids)
	l.batches <- struct{}{}
}

// write notes ids in the file; the caller holds mu. What was acknowledged must be there
// whatever happens, so that is waited for.
func (l *ledger) write(what string, ids []string) {
	var lines strings.Builder
	for _, id := range ids {
		fmt.Fprintln(&lines, what, id)
	}
	_, err := l.file.WriteString(lines.String())
	if err == nil && what == "acknowledged" {
		err = l.file.Sync()
	}
	if err != nil {
		l.broken = err
	}
}

// read takes the ledger from its file; the caller holds mu.
func (l *ledger) read(t *testing.T) {
	t.Helper()
	if l.broken != nil {
		t.Fatalf("the ledger cannot be written: %v", l.broken)
	}
	text, err := os.ReadFile(l.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		what, id, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch what {
		case "sent":
			l.sent[id] = true
		case "acknowledged":
			l.acked[id] = true
		}
	}
}

// post sends once. Whatever is not a 200 with verdicts is no acknowledgement.
func post(ctx context.Context, client *http.Client, url, key, body string) ([]served.Verdict, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/batch", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(key, "")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct{ Verdicts []served.Verdict }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || len(answer.Verdicts) != batchSize {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	return answer.Verdicts, nil
}

// waitFor waits until so many more batches are acknowledged.
func (l *ledger) waitFor(t *testing.T, batches int) {
	t.Helper()
	patience := time.After(30 * time.Second)
	for range batches {
		select {
		case <-l.batches:
		case <-patience:
			t.Fatal("the load does not get through")
		}
	}
}

// check holds the ledger against the database, and returns how many were acknowledged.
func (l *ledger) check(t *testing.T, kit *served.Kit) int {
	t.Helper()
	acknowledged := l.compare(t, kit)
	if l.failures == 0 {
		t.Error("no request failed: the server was not killed under load")
	}
	return acknowledged
}

// compare is check for servers that are not killed.
func (l *ledger) compare(t *testing.T, kit *served.Kit) int {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read(t)
	var stored []string
	kit.Scan(t, `select coalesce(array_agg(message_id), '{}') from event`, nil, &stored)
	there := map[string]bool{}
	for _, id := range stored {
		there[id] = true
		if !l.sent[id] {
			t.Errorf("%s is stored, and was never sent", id)
		}
	}
	lost := 0
	for id := range l.acked {
		if !there[id] {
			lost++
		}
	}
	t.Logf("%d sent, %d acknowledged, %d stored; %d requests had no answer", len(l.sent), len(l.acked), len(stored), l.failures)
	if lost > 0 || len(there) != len(stored) || len(l.acked) != len(stored) {
		t.Errorf("%d of %d acknowledged events are lost; %d are stored, %d of them distinct", lost, len(l.acked), len(stored), len(there))
	}
	return len(l.acked)
}
