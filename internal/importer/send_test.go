package importer

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// script is a server that answers as it is told, in turn, and then accepts.
type script struct {
	answers []func() (*http.Response, error)
	at      []time.Duration // when it was asked
	sizes   []int           // events of each request
	begin   time.Time
}

func (s *script) RoundTrip(request *http.Request) (*http.Response, error) {
	s.at = append(s.at, time.Since(s.begin))
	unzipped, err := gzip.NewReader(request.Body)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		return nil, err
	}
	items, err := event.DecodeBatch(text)
	if err != nil {
		return nil, err
	}
	s.sizes = append(s.sizes, len(items))
	if len(s.answers) > 0 {
		next := s.answers[0]
		s.answers = s.answers[1:]
		return next()
	}
	var answer struct {
		Verdicts []event.Verdict `json:"verdicts"`
	}
	for _, item := range items {
		answer.Verdicts = append(answer.Verdicts, event.Verdict{MessageID: item.MessageID, Status: event.Accepted})
	}
	body, _ := json.Marshal(answer)
	return reply(200, string(body))()
}

func reply(status int, body string, headers ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		r := &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return r, nil
	}
}

func broken() (*http.Response, error) { return nil, errors.New("connection refused") }

// sendBy sends a few events, and gives what came of it.
func sendBy(ctx context.Context, s *script, events int) ([]*entry, error) {
	s.begin = time.Now()
	to := newServer(Options{URL: "http://tidemark.test", Key: "tmw_secret", Patience: 5 * time.Minute, Concurrency: 1, Notice: func(string) {}})
	to.client.Transport = s
	var entries []*entry
	for i := range events {
		id := string(rune('a' + i))
		entries = append(entries, &entry{id: id, event: []byte(`{"type":"track","messageId":"` + id + `","event":"E","userId":"u"}`)})
	}
	return entries, to.send(ctx, entries)
}

func TestSendsAgain(t *testing.T) {
	tests := []struct {
		name    string
		answers []func() (*http.Response, error)
		atLeast time.Duration // before the last request
	}{
		{"at once", nil, 0},
		{"the network breaks", []func() (*http.Response, error){broken, broken}, 300 * time.Millisecond},
		{"503 for a while", []func() (*http.Response, error){reply(503, "", "Retry-After", "7"), reply(502, "")}, 7 * time.Second},
		{"429 until a date", []func() (*http.Response, error){
			reply(429, "", "Retry-After", "Sat, 01 Jan 2000 00:00:30 GMT")}, 30 * time.Second}, // synctest's clock begins in 2000
		{"500 and 504", []func() (*http.Response, error){reply(500, "<html>"), reply(504, "{}")}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: test.answers}
				entries, err := sendBy(t.Context(), s, 2)
				if err != nil || len(s.at) != len(test.answers)+1 || entries[1].verdict.Status != event.Accepted {
					t.Fatalf("%v after %d requests: %+v", err, len(s.at), entries[1].verdict)
				}
				if last := s.at[len(s.at)-1]; last < test.atLeast || last > test.atLeast+time.Second {
					t.Errorf("the last request comes after %v", last)
				}
			})
		})
	}
}

func TestGivesUp(t *testing.T) {
	tests := []struct {
		name   string
		answer func() (*http.Response, error)
		times  int // 0: as often as patience allows
		reason string
	}{
		{"a wrong key", reply(401, `{"error":{"message":"The key is not valid."}}`), 1, "The key is not valid."},
		{"a key that may not", reply(403, `{}`), 1, "Forbidden"},
		{"something else", reply(200, `<html>`), 1, "not one of Tidemark's"},
		{"elsewhere", reply(302, "", "Location", "http://elsewhere.test"), 1, "Found"},
		{"away for good", broken, 0, "gave up after 5m0s"},
		{"busy for good", reply(503, "", "Retry-After", "60"), 0, "gave up after 5m0s"},
		{"busy for a year", reply(503, "", "Retry-After", "99999999999"), 1, "gave up after 5m0s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: slices.Repeat([]func() (*http.Response, error){test.answer}, 1000)}
				_, err := sendBy(t.Context(), s, 2)
				if err == nil || !strings.Contains(err.Error(), test.reason) || strings.Contains(err.Error(), "secret") {
					t.Errorf("the error is %v", err)
				}
				if last := s.at[len(s.at)-1]; test.times > 0 && len(s.at) != test.times || last > 5*time.Minute {
					t.Errorf("%d requests, the last after %v", len(s.at), last)
				}
			})
		})
	}
}

// Something on the way may take less at a time.
func TestSendsLess(t *testing.T) {
	tooLarge := reply(413, "")
	s := &script{answers: []func() (*http.Response, error){tooLarge, tooLarge, tooLarge}}
	entries, err := sendBy(t.Context(), s, 4)
	if err != nil || !slices.Equal(s.sizes, []int{4, 2, 1, 1, 2}) {
		t.Fatalf("%v, batches of %v", err, s.sizes)
	}
	for i, want := range []event.Status{event.Rejected, event.Accepted, event.Accepted, event.Accepted} {
		if got := entries[i].verdict; got.Status != want || got.MessageID != entries[i].id {
			t.Errorf("event %d: %+v", i, got)
		}
	}
}

func TestStopsWhenTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &script{answers: slices.Repeat([]func() (*http.Response, error){func() (*http.Response, error) { cancel(); return broken() }}, 9)}
		if _, err := sendBy(ctx, s, 1); !errors.Is(err, context.Canceled) || len(s.at) != 1 {
			t.Errorf("%v after %d requests", err, len(s.at))
		}
	})
}
