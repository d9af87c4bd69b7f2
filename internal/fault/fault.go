// Package fault carries an error to its two audiences: the caller gets a code
// and a message, the log gets the cause. Whatever is not a fault reads
// "Internal error." outside.
package fault

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"
)

// Code says what kind of thing went wrong. It is what clients switch on, in
// extensions.code of a GraphQL error and in "code" of an HTTP one.
type Code string

// The codes and the HTTP status that each has outside GraphQL.
const (
	BadUserInput    Code = "BAD_USER_INPUT"    // 400: a value is out of shape or range; Field names it
	Unauthenticated Code = "UNAUTHENTICATED"   // 401: no key, or not one of ours
	Forbidden       Code = "FORBIDDEN"         // 403: the key may not do this
	NotFound        Code = "NOT_FOUND"         // 404: no such thing, or not this tenant's
	TooLarge        Code = "PAYLOAD_TOO_LARGE" // 413: over a documented limit
	Unsupported     Code = "UNSUPPORTED_MEDIA" // 415: not a content type that is taken here
	RateLimited     Code = "RATE_LIMITED"      // 429: too much in too short a time; RetryAfter says when to try again
	Unavailable     Code = "UNAVAILABLE"       // 503: try again later
	Timeout         Code = "TIMEOUT"           // 504: gave up at the deadline
	Internal        Code = "INTERNAL"          // 500: ours to mend
)

var statuses = map[Code]int{
	BadUserInput:    http.StatusBadRequest,
	Unauthenticated: http.StatusUnauthorized,
	Forbidden:       http.StatusForbidden,
	NotFound:        http.StatusNotFound,
	TooLarge:        http.StatusRequestEntityTooLarge,
	Unsupported:     http.StatusUnsupportedMediaType,
	RateLimited:     http.StatusTooManyRequests,
	Unavailable:     http.StatusServiceUnavailable,
	Timeout:         http.StatusGatewayTimeout,
	Internal:        http.StatusInternalServerError,
}

// Error is an error that a caller may see.
type Error struct {
	Code    Code
	Message string // for the caller: a sentence, without secrets, SQL or echoes of long input
	Field   string // the argument or property at fault, such as "range.from"; empty if none
	cause   error  // for the log
	after   time.Duration
}

// New makes a fault: fault.New(fault.NotFound, "No such metric.").
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Newf is New with a format.
func Newf(code Code, format string, args ...any) *Error {
	return New(code, fmt.Sprintf(format, args...))
}

// Input is a BAD_USER_INPUT that names its field.
func Input(field, format string, args ...any) *Error {
	return Newf(BadUserInput, format, args...).In(field)
}

// In returns a copy that names the field at fault.
func (e *Error) In(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Because returns a copy that keeps the cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// After returns a copy that says when to try again.
func (e *Error) After(wait time.Duration) *Error {
	c := *e
	c.after = wait
	return &c
}

// RetryAfter is after how many seconds to try again, as in the header of this name (RFC 9110,
// 10.2.3): whole ones, rounded up so that nobody comes too early. 0: the fault does not say.
func (e *Error) RetryAfter() int { return int(math.Ceil(e.after.Seconds())) }

// Error implements error, for the log: it includes the cause.
func (e *Error) Error() string {
	text := string(e.Code) + ": " + e.Message
	if e.Field != "" {
		text += " (field " + e.Field + ")"
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Status is the HTTP status of the fault's code.
func (e *Error) Status() int {
	if s, ok := statuses[e.Code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Of finds the fault in err's chain. Anything else becomes INTERNAL with err as
// its cause; ok tells which it was.
func Of(err error) (f *Error, ok bool) {
	if errors.As(err, &f) {
		return f, true
	}
	return New(Internal, "Internal error.").Because(err), false
}
