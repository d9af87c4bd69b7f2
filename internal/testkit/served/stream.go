package served

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Stream is an answer of server-sent events.
type Stream struct {
	Status int
	lines  *bufio.Scanner
	alarm  *time.Timer // ends the request when an event takes too long
}

// Event is one of a stream.
type Event struct{ Name, Data string }

// Stream asks for a GraphQL request to be answered by server-sent events.
func (k *Kit) Stream(t testing.TB, key, query string) *Stream {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	return k.StreamBody(t, key, string(body))
}

// StreamBody is Stream with a body that need not be a request.
func (k *Kit) StreamBody(t testing.TB, key, body string) *Stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	alarm := time.AfterFunc(answerWithin, cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, k.URL+"/graphql", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "text/event-stream", "Authorization": "Bearer " + key,
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = response.Body.Close() })
	s := &Stream{Status: response.StatusCode, lines: bufio.NewScanner(response.Body), alarm: alarm}
	s.lines.Buffer(nil, 16<<20)
	return s
}

// Body is what came instead of events.
func (s *Stream) Body() string {
	var body bytes.Buffer
	for s.lines.Scan() {
		fmt.Fprintln(&body, s.lines.Text())
	}
	return body.String()
}

// Next waits for an event; ok is false once the stream has ended.
func (s *Stream) Next(t testing.TB) (e Event, ok bool) {
	t.Helper()
	s.alarm.Reset(answerWithin)
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ":")
		switch name {
		case "event":
			e.Name = strings.TrimPrefix(value, " ")
		case "data":
			e.Data = strings.TrimPrefix(value, " ")
		case "": // a blank line ends an event; a comment has no name either, and a colon
			if e.Name != "" {
				return e, true
			}
		}
	}
	if !s.alarm.Stop() {
		t.Fatal("the stream was silent for too long")
	}
	return e, false
}

// Until waits for an answer that contains the text, and returns it.
func (s *Stream) Until(t testing.TB, text string) string {
	t.Helper()
	for {
		e, ok := s.Next(t)
		if !ok || e.Name != "next" {
			t.Fatalf("the stream ended with %q %s, want an answer with %s", e.Name, e.Data, text)
		}
		if strings.Contains(e.Data, text) {
			return e.Data
		}
	}
}
