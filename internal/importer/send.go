package importer

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// ErrNotSent ends an import for a reason that every other file would meet as well.
var ErrNotSent = errors.New("the server did not take it")

// errTooMuch is for an event that is small enough for the server.
var errTooMuch = fault.New(fault.TooLarge, "Something before the server takes no request of this size.").In("event")

// sender gives every entry its verdict, or none of them.
type sender interface {
	send(ctx context.Context, entries []*entry) error
}

// server sends over HTTP. What may pass is tried again; what is sent again counts once, by
// the message ids.
type server struct {
	url      string
	key      string
	patience time.Duration
	client   *http.Client
	notice   func(sentence string)
}

const (
	requestWithin = 60 * time.Second
	lastAnswers   = 5 * time.Second // waited for after the import was told to stop
	maxAnswer     = 16 << 20
	firstPause    = 200 * time.Millisecond
	maxPause      = 15 * time.Second
	maxRetryAfter = 24 * 60 * 60 // seconds
)

func newServer(o Options) *server {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = o.Concurrency, o.Concurrency
	return &server{url: o.URL, key: o.Key, patience: o.Patience, notice: o.Notice, client: &http.Client{
		Transport: transport, Timeout: requestWithin,
		// A redirect would take the key and the events to another place.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// failure is an answer that is no verdict.
type failure struct {
	reason  string
	status  int
	again   bool // whether it may pass
	seconds int  // how long the server asks to wait
}

func (f *failure) Error() string { return f.reason }

// send sends until there is an answer, as long as patience lasts.
func (s *server) send(ctx context.Context, entries []*entry) error {
	zipped, err := compress(body(entries))
	if err != nil {
		return err
	}
	deadline := time.Now().Add(s.patience)
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		verdicts, err := s.post(ctx, zipped, len(entries))
		if err == nil {
			for i := range entries {
				entries[i].verdict = verdicts[i]
			}
			return nil
		}
		f, failed := errors.AsType[*failure](err)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case failed && f.status == http.StatusRequestEntityTooLarge:
			return s.halve(ctx, entries)
		case failed && !f.again:
			return err
		}
		wait := jittered(pause)
		if failed {
			wait += time.Duration(f.seconds) * time.Second
		}
		if time.Now().Add(wait).After(deadline) {
			return fmt.Errorf("gave up after %v: %w", s.patience, err)
		}
		s.notice("not taken, and will be sent again: " + err.Error())
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// halve sends less at a time: something on the way has a lower limit than the server.
func (s *server) halve(ctx context.Context, entries []*entry) error {
	if len(entries) == 1 {
		entries[0].verdict = refused(entries[0].id, errTooMuch)
		return nil
	}
	middle := len(entries) / 2
	if err := s.send(ctx, entries[:middle]); err != nil {
		return err
	}
	return s.send(ctx, entries[middle:])
}

// jittered keeps several senders from coming back at the same moment.
func jittered(pause time.Duration) time.Duration {
	return pause/2 + rand.N(pause/2+1)
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lingering is a context that outlives another one by a while: what is on its way when the
// import is told to stop may still be answered.
func lingering(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() { time.AfterFunc(while, cancel) })
	return own, func() {
		forget()
		cancel()
	}
}

// post sends once. An error that is not a failure is the network's.
func (s *server) post(ctx context.Context, zipped []byte, events int) ([]event.Verdict, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	ctx, cancel := lingering(ctx, lastAnswers)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/batch", bytes.NewReader(zipped))
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(s.key, "")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Content-Encoding", "gzip")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, failureOf(response, text)
	}
	var answer struct{ Verdicts []event.Verdict }
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Verdicts) != events {
		return nil, &failure{reason: "the answer is not one of Tidemark's; --url is where it serves", status: response.StatusCode}
	}
	return answer.Verdicts, nil
}

// failureOf reads an answer that refuses all that was sent.
func failureOf(response *http.Response, text []byte) *failure {
	f := &failure{status: response.StatusCode, reason: "the server answers " + response.Status}
	var problem struct{ Error struct{ Message string } }
	if json.Unmarshal(text, &problem) == nil && problem.Error.Message != "" {
		f.reason += ": " + problem.Error.Message
	}
	switch {
	case f.status == http.StatusTooManyRequests, f.status == http.StatusRequestTimeout, f.status >= http.StatusInternalServerError:
		f.again = true
		f.seconds = retryAfter(response.Header.Get("Retry-After"))
	}
	return f
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(text string) int {
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(max(seconds, 0), maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(int(time.Until(at).Seconds()), 0), maxRetryAfter)
	}
	return 0
}

func compress(text []byte) ([]byte, error) {
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close() // which writes the rest
	return zipped.Bytes(), err
}
