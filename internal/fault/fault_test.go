package fault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestOfFindsTheFaultAndHidesTheRest(t *testing.T) {
	cause := errors.New("relation \"secret\" does not exist")
	missing := New(NotFound, "No such metric.").In("key").Because(cause)
	f, ok := Of(fmt.Errorf("read metric: %w", missing))
	if !ok || f.Code != NotFound || f.Field != "key" || !errors.Is(f, cause) {
		t.Errorf("Of a fault in a chain = %+v, %v", f, ok)
	}
	f, ok = Of(cause)
	if ok || f.Code != Internal || f.Message != "Internal error." || !errors.Is(f, cause) {
		t.Errorf("Of any other error = %+v, %v", f, ok)
	}
	if strings.Contains(f.Message, "secret") {
		t.Error("the caller sees the cause")
	}
}

// A fault may be shared by many goroutines: what names its field or cause is a copy.
func TestInAndBecauseCopy(t *testing.T) {
	shared := New(NotFound, "Nothing here.")
	if in := shared.In("id"); in == shared || shared.Field != "" || in.Field != "id" {
		t.Errorf("In changed the original: %+v", shared)
	}
	if because := shared.Because(errors.New("x")); because == shared || shared.Unwrap() != nil {
		t.Errorf("Because changed the original: %+v", shared)
	}
}

func TestEveryCodeHasItsStatus(t *testing.T) {
	for code, want := range map[Code]int{
		BadUserInput: 400, Unauthenticated: 401, Forbidden: 403, NotFound: 404, TooLarge: 413, Unsupported: 415,
		RateLimited: 429, Internal: 500, Unavailable: 503, Timeout: 504, "UNHEARD_OF": http.StatusInternalServerError,
	} {
		if got := New(code, "").Status(); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	shared := New(RateLimited, "Too much.")
	for wait, want := range map[time.Duration]int{0: 0, time.Millisecond: 1, time.Second: 1, 1001 * time.Millisecond: 2} {
		if got := shared.After(wait).RetryAfter(); got != want {
			t.Errorf("after %v: %d s, want %d", wait, got, want)
		}
	}
	if shared.RetryAfter() != 0 {
		t.Error("After changed the original")
	}
}

func TestErrorIsForTheLog(t *testing.T) {
	got := Input("range.to", "At most %d.", 3).Because(errors.New("the cause")).Error()
	if want := "BAD_USER_INPUT: At most 3. (field range.to): the cause"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestARequestIsKnownByItsID(t *testing.T) {
	if got := Request(context.Background()); got != "" {
		t.Errorf("outside of a request: %q", got)
	}
	if got := Request(WithRequest(context.Background(), "r1")); got != "r1" {
		t.Errorf("got %q, want r1", got)
	}
}
