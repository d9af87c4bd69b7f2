// Package summary keeps what each metric was in each day, week and month that is over. Every
// period is summarized once, as soon as its tenant's clocks say that it has ended, and each one
// that was missed is made up once. Where something that was counted in it changes later, the
// figure is found anew, and what it was, what it is and why are kept: so what was ever said can
// be said again.
package summary

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/job"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Cause is why a figure was restated.
type Cause string

// The causes, as in the schema's enum RestatementCause.
const (
	LateEvents Cause = "LATE_EVENTS" // events of the period, or from before it, came later
	Identity   Cause = "IDENTITY"    // who is who turned out to be otherwise
	Erasure    Cause = "ERASURE"     // somebody was erased
	Redefined  Cause = "DEFINITION"  // the metric is defined otherwise, or money is of another currency
	Revenue    Cause = "REVENUE"     // subscriptions, trials or rates were changed
	OtherData  Cause = "DATA"        // what is counted was changed in another way
)

// Summary is a figure of a period that is over, as it was known for some time.
type Summary struct {
	ID                uuid.UUID
	Metric            string // its key
	Period            Period
	Start             calendar.Date
	From, To          time.Time // the period's instants, half-open
	Zone              string
	Version           int // 1, and one more for each restatement
	Value             *float64
	Unit              metric.Unit
	Currency          *string
	DefinitionVersion int
	Exact             bool
	DataVersion       int64
	FoundAt           time.Time  // what was counted before is in it
	RecordedAt        time.Time  // from when on it was known
	SupersededAt      *time.Time // nil: it holds

	// Of a restatement.
	Was        *float64
	Causes     []Cause
	LateEvents int
	Because    []string // what is behind it, where that is known, such as merge:ID
}

// Restatement is how a figure came to be another one.
type Restatement struct{ Summary }

// Change is by how much it moved; nil where one of the two is of nothing.
func (r Restatement) Change() *float64 {
	if r.Was == nil || r.Value == nil {
		return nil
	}
	change := *r.Value - *r.Was
	return &change
}

// Summarizer finds the figures. It reads as the tenant whom they are of, and keeps them as the
// worker: nobody who serves a tenant can change what was said.
type Summarizer struct {
	worker  *postgres.Worker
	metrics *metric.Service
	logger  *slog.Logger
}

// NewSummarizer makes a summarizer.
func NewSummarizer(worker *postgres.Worker, metrics *metric.Service, logger *slog.Logger) *Summarizer {
	return &Summarizer{worker, metrics, logger}
}

// planEvery is how often it is looked what is to be summarized: so long after midnight, at most,
// a day waits.
const planEvery = time.Minute

// planArgs are for looking what is to be summarized.
type planArgs struct{}

// Kind implements [job.Args].
func (planArgs) Kind() string { return "plan_summaries" }

// tenantArgs are for summarizing what there is of a tenant. Those of another day are of another
// job: what was given up one day is tried again the next.
type tenantArgs struct {
	ID  string `json:"tenant"`
	Day string `json:"day"` // the latest that is over
}

// Kind implements [job.Args].
func (tenantArgs) Kind() string { return "summarize_tenant" }

// Serve has a queue plan and do the work.
func (s *Summarizer) Serve(q *job.Queue) {
	job.Handle(q, func(ctx context.Context, _ planArgs) error {
		now, err := s.clock(ctx)
		if err != nil {
			return err
		}
		due, err := s.Due(ctx, now)
		if err != nil {
			return err
		}
		return q.Put(ctx, due...)
	})
	job.Handle(q, func(ctx context.Context, a tenantArgs) error {
		id, err := tenant.Parse(a.ID)
		if err != nil {
			return err
		}
		now, err := s.clock(ctx)
		if err != nil {
			return err
		}
		return s.Summarize(ctx, id, now)
	})
	q.Every(planEvery, planArgs{})
}

func (s *Summarizer) clock(ctx context.Context) (now time.Time, err error) {
	err = s.worker.InTx(ctx, func(tx pgx.Tx) error {
		now, err = dbsqlc.New().EventClock(ctx, tx)
		return err
	})
	if err != nil {
		return now, fmt.Errorf("read clock: %w", err)
	}
	return now.UTC(), nil
}

// number reads what may be of nothing.
func number(n pgtype.Float8) *float64 {
	if !n.Valid {
		return nil
	}
	return &n.Float64
}
