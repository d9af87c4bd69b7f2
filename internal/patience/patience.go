// Package patience is how a client asks a server that may be away or too busy: again and
// again, less and less often, for as long as it was told to.
package patience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	firstPause    = 200 * time.Millisecond
	maxPause      = 15 * time.Second
	maxRetryAfter = 24 * 60 * 60 // seconds
)

// Failure is an answer that is none. Any other error is the network's.
type Failure struct {
	Reason  string
	Status  int
	Again   bool // whether it may pass
	Seconds int  // how long the server asks to wait
}

func (f *Failure) Error() string { return f.Reason }

// FailureOf reads an answer that refuses all that was sent. Its reason is the server's, if the
// answer is one of Tidemark's.
func FailureOf(response *http.Response, text []byte) *Failure {
	f := &Failure{Status: response.StatusCode, Reason: "the server answers " + response.Status}
	var problem struct {
		Error  struct{ Message string }
		Errors []struct{ Message string }
	}
	if json.Unmarshal(text, &problem) == nil {
		if len(problem.Errors) > 0 {
			problem.Error.Message = problem.Errors[0].Message
		}
		if problem.Error.Message != "" {
			f.Reason += ": " + problem.Error.Message
		}
	}
	switch {
	case f.Status == http.StatusTooManyRequests, f.Status == http.StatusRequestTimeout, f.Status >= http.StatusInternalServerError:
		f.Again = true
		f.Seconds = retryAfter(response.Header.Get("Retry-After"))
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

// Try tries until it succeeds, fails for a reason that does not pass, or would have to go on
// for longer than within. Notice is told of each failure that is tried again.
func Try(ctx context.Context, within time.Duration, notice func(sentence string), try func() error) error {
	deadline := time.Now().Add(within)
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := try()
		if err == nil {
			return nil
		}
		f, failed := errors.AsType[*Failure](err)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case failed && !f.Again:
			return err
		}
		wait := jittered(pause)
		if failed {
			wait += time.Duration(f.Seconds) * time.Second
		}
		if time.Now().Add(wait).After(deadline) {
			return fmt.Errorf("gave up after %v: %w", within, err)
		}
		notice("not taken, and will be sent again: " + err.Error())
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
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
