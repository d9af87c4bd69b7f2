package importer

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/patience"
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

// send sends until there is an answer, as long as patience lasts.
func (s *server) send(ctx context.Context, entries []*entry) error {
	zipped, err := compress(body(entries))
	if err != nil {
		return err
	}
	err = patience.Try(ctx, s.patience, s.notice, func() error {
		verdicts, err := s.post(ctx, zipped, len(entries))
		for i := range verdicts {
			entries[i].verdict = verdicts[i]
		}
		return err
	})
	if f, failed := errors.AsType[*patience.Failure](err); failed && f.Status == http.StatusRequestEntityTooLarge {
		return s.halve(ctx, entries)
	}
	return err
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
		return nil, patience.FailureOf(response, text)
	}
	var answer struct{ Verdicts []event.Verdict }
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Verdicts) != events {
		return nil, &patience.Failure{Reason: "the answer is not one of Tidemark's; --url is where it serves", Status: response.StatusCode}
	}
	return answer.Verdicts, nil
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
