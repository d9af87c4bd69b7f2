package scenario_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// lossy stands between a client and the server: it lets the first request with events through,
// and answers 503 in the server's place. A client that keeps its word sends it again.
type lossy struct {
	url string

	again string // what events sent again may be told, beside DUPLICATE

	mu       sync.Mutex
	lost     int // events whose answer was lost
	statuses map[string]int
	odd      []string // verdicts that should not be
	changed  chan struct{}
}

func newLossy(t *testing.T, kit *served.Kit) *lossy {
	t.Helper()
	target, err := url.Parse(kit.URL)
	if err != nil {
		t.Fatal(err)
	}
	l := &lossy{statuses: map[string]int{}, changed: make(chan struct{}, 1)}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = l.answer
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

// answer notes the verdicts, and loses the first that there are.
func (l *lossy) answer(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct{ Verdicts []served.Verdict }
	if json.Unmarshal(body, &answer) != nil || len(answer.Verdicts) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range answer.Verdicts {
		l.statuses[v.Status]++
		if v.Status != "ACCEPTED" && v.Status != "DUPLICATE" && v.Status != l.again {
			l.odd = append(l.odd, fmt.Sprintf("%+v", v))
		}
	}
	if l.lost == 0 {
		l.lost = len(answer.Verdicts)
		r.StatusCode, r.Status = http.StatusServiceUnavailable, "503 Service Unavailable"
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return nil
}

// wait waits until that many events were accepted, and those whose answer was lost have come
// again.
func (l *lossy) wait(t *testing.T, accepted int) {
	t.Helper()
	late := time.NewTimer(90 * time.Second)
	defer late.Stop()
	for {
		l.mu.Lock()
		done := l.statuses["ACCEPTED"] >= accepted && l.lost > 0 && l.repeats() >= l.lost
		said := fmt.Sprint(l.statuses, l.odd)
		odd := len(l.odd)
		l.mu.Unlock()
		if odd > 0 {
			t.Fatalf("the client's events were not taken: %s", said)
		}
		if done {
			return
		}
		select {
		case <-l.changed:
		case <-late.C:
			t.Fatalf("only this came in: %s, want %d accepted, and those of the lost answer again", said, accepted)
		}
	}
}

// repeats counts the events that came again. The caller holds mu.
func (l *lossy) repeats() int {
	if l.again == "DUPLICATE" {
		return l.statuses["DUPLICATE"]
	}
	return l.statuses["DUPLICATE"] + l.statuses[l.again]
}
