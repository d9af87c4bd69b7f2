package patience_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemarkhq/tidemark/internal/patience"
)

func answer(status int, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestWhatIsTriedAgain(t *testing.T) {
	for status, again := range map[int]bool{400: false, 401: false, 403: false, 404: false, 408: true, 409: false, 413: false, 422: false, 429: true, 500: true, 503: true} {
		if f := patience.FailureOf(answer(status), nil); f.Again != again || f.Status != status {
			t.Errorf("%d: %+v", status, f)
		}
	}
	for text, seconds := range map[string]int{"3": 3, "-1": 0, "x": 0, "": 0, "999999999": 86_400} {
		if f := patience.FailureOf(answer(503, "Retry-After", text), nil); f.Seconds != seconds {
			t.Errorf("Retry-After %q is %d s", text, f.Seconds)
		}
	}
	for body, reason := range map[string]string{
		`{"error":{"message":"No key."}}`: ": No key.", `{"errors":[{"message":"Not now."}]}`: ": Not now.", `<html>`: "", `{}`: "", "": "",
	} {
		if f := patience.FailureOf(answer(403), []byte(body)); f.Error() != "the server answers Forbidden"+reason {
			t.Errorf("%s: %s", body, f)
		}
	}
}

func TestItGoesOnUntilItSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, start := 0, time.Now()
		var said []string
		err := patience.Try(t.Context(), time.Minute, func(s string) { said = append(said, s) }, func() error {
			switch tries++; tries {
			case 1:
				return errors.New("connection refused")
			case 2:
				return &patience.Failure{Reason: "too busy", Again: true, Seconds: 10}
			}
			return nil
		})
		if err != nil || tries != 3 || len(said) != 2 || !strings.Contains(said[1], "too busy") {
			t.Errorf("%d tries, %v, %q", tries, err, said)
		}
		if took := time.Since(start); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("it took %v, and was asked to wait 10 s", took)
		}
	})
}

func TestItGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, tries := time.Now(), 0
		down := errors.New("connection refused")
		err := patience.Try(t.Context(), time.Minute, func(string) {}, func() error { tries++; return down })
		if !errors.Is(err, down) || time.Since(start) > time.Minute || tries < 5 {
			t.Errorf("%d tries in %v: %v", tries, time.Since(start), err)
		}
		final := &patience.Failure{Reason: "no"}
		if err := patience.Try(t.Context(), time.Minute, func(string) {}, func() error { return final }); err != final {
			t.Errorf("what is final is tried again: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start = time.Now()
		if err := patience.Try(ctx, time.Hour, func(string) {}, func() error { return down }); !errors.Is(err, context.Canceled) || time.Since(start) > time.Second {
			t.Errorf("told to stop, it ends after %v with %v", time.Since(start), err)
		}
	})
}
