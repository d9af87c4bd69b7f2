package testkit

import (
	"context"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Statements counts the named queries that a server runs, by name.
type Statements struct {
	mu     sync.Mutex
	counts map[string]int
}

// TraceQueryStart implements [pgx.QueryTracer].
func (s *Statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.note(data.SQL)
	return ctx
}

func (s *Statements) note(sql string) {
	if rest, named := strings.CutPrefix(sql, "-- name: "); named {
		name, _, _ := strings.Cut(rest, " ")
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.counts == nil {
			s.counts = map[string]int{}
		}
		s.counts[name]++
	}
}

// TraceBatchStart implements [pgx.BatchTracer].
func (*Statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery implements [pgx.BatchTracer].
func (s *Statements) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	s.note(data.SQL)
}

// TraceBatchEnd implements [pgx.BatchTracer].
func (*Statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TraceQueryEnd implements [pgx.QueryTracer].
func (*Statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// ofTheCaller are the queries that find out who asks and what they may, and are remembered for
// a second, and those that keep house: how often they run depends on the clock.
var ofTheCaller = []string{"APIKeyAuthenticate", "APIKeyEnter", "APIKeyOfTokenEnter", "TenantAdmits", "TrustedDocumentLookUp", "TenantLimitGet", "APIKeyUseNote", "APIKeyMisuseNote", "PasswordResetTake", "DataRevisionList"}

// TakeForAnswers is Take without the queries that find out who asks.
func (s *Statements) TakeForAnswers() map[string]int {
	counts := s.Take()
	for _, name := range ofTheCaller {
		delete(counts, name)
	}
	return counts
}

// Take returns the counts since the last call.
func (s *Statements) Take() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := s.counts
	s.counts = nil
	return counts
}
