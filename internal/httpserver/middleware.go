package httpserver

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// withRequestID names each request. The caller's own names are not taken: they would let
// a caller write into the log.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.NewString()
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(fault.WithRequest(r.Context(), id)))
	})
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(data []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController find the connection, for flushing and hijacking.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// withLog writes a line for each request; without its query, which may hold secrets.
func withLog(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w}
		next.ServeHTTP(rec, r)
		logger.Log(r.Context(), levelOf(rec.status), "request",
			"method", r.Method, "path", r.URL.Path, "status", rec.status,
			"took", time.Since(start), "request", fault.Request(r.Context()))
	})
}

func levelOf(status int) slog.Level {
	switch {
	case status >= 500:
		return slog.LevelWarn
	case status >= 400:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

func withRecovery(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			panicked := recover()
			if panicked == nil {
				return
			}
			if err, ok := panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(panicked)
			}
			logger.ErrorContext(r.Context(), "a handler panicked", "panic", panicked,
				"request", fault.Request(r.Context()), "stack", string(debug.Stack()))
			writeError(w, r, fault.New(fault.Internal, "Internal error."))
		}()
		next.ServeHTTP(w, r)
	})
}
