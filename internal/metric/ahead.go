package metric

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// maxGuesses is of how many tenants the settings are remembered.
const maxGuesses = 10_000

// openFor is open for questions. What they need is read beside the tenant's settings, in one
// round trip, as far as it can be guessed: by the settings as they were last, and the time of
// this machine. What was guessed wrong is read by whoever finds it missing, from the same
// snapshot; so a guess changes what an answer costs, and never what it says.
func (s *Service) openFor(ctx context.Context, questions []*Question, fn func(*round) error) error {
	who, err := access.Require(ctx, access.ReadMetrics)
	if err != nil {
		return err
	}
	last, known := s.guesses.GetIfPresent(who.Tenant)
	if known && inOneTrip(questions) {
		err := s.app.ReadOnce(ctx, who.Tenant, func(tx pgx.Tx) error {
			return s.answerFor(ctx, &round{house: house{tx: tx, who: who}, once: true}, last, questions, fn)
		})
		// A reader may ask twice, after which its transaction is over.
		if !errors.Is(err, errAnother) && !errors.Is(err, pgx.ErrTxClosed) {
			return err
		}
	}
	return s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		return s.answerFor(ctx, &round{house: house{tx: tx, who: who}}, last, questions, fn)
	})
}

// inOneTrip reports whether questions can be answered by what is read first. Pages of entities
// are not guessed, and a breakdown asks again once it knows its groups, unless those add up.
func inOneTrip(questions []*Question) bool {
	return len(questions) > 0 && !slices.ContainsFunc(questions, func(q *Question) bool {
		return q.asksAgain() || len(cohortsOf(q.Filter, q.By)) > 0 || q.unsettled() || q.moves() || slices.ContainsFunc(q.Of.Needs, func(c Column) bool { return c.Reader.Clock })
	})
}

func (q *Question) asksAgain() bool {
	return len(q.Lists) > 0 || q.By != nil && (!q.Of.adds() || q.Interval != "")
}

// moves reports whether what is compared with depends on the instant, as it does while a range
// runs: then it cannot be guessed.
func (q *Question) moves() bool {
	over := q.To != nil && q.To.Before(time.Now())
	return !over && q.shifts()
}

// errAnother is why a round that has one trip begins again: it takes another one.
var errAnother = errors.New("another round trip is needed")

// answerFor reads the settings, beside what is guessed to be needed, and has fn go on.
func (s *Service) answerFor(ctx context.Context, r *round, last guess, questions []*Question, fn func(*round) error) error {
	r.tables = map[string]*Table{}
	r.guess(topic.Unrecorded(ctx), last, questions)
	err := r.read(ctx, func(db dbsqlc.DBTX) (err error) {
		r.settings, err = dbsqlc.New().TenantGet(ctx, db)
		return err
	})
	defer func() {
		if r.settings.Zone != "" {
			s.learn(r, last)
		}
	}()
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, "There is no such tenant.")
	}
	if err != nil {
		return fmt.Errorf("read tenant: %w", err)
	}
	topic.Note(ctx, topic.Exactly(r.who.Tenant, topic.Terms, ""))
	r.settings.Watermark = topic.Stamp(ctx, r.settings.Watermark)
	return fn(r)
}

// guess is what was last seen of a tenant; zero: it was not seen yet. It is not changed.
type guess struct {
	settings dbsqlc.TenantGetRow
	stale    map[calendar.Date]bool
}

// learn remembers what was seen, if it is not as it was.
func (s *Service) learn(r *round, last guess) {
	settings := r.settings
	settings.Watermark = time.Time{}
	if !reflect.DeepEqual(last.settings, settings) || !maps.Equal(last.stale, r.stale) {
		s.guesses.Set(r.who.Tenant, guess{settings, r.stale})
	}
}

// guess wants what the questions probably need first.
func (r *round) guess(ctx context.Context, last guess, questions []*Question) {
	if last.settings.Zone == "" {
		return
	}
	r.guessing = true
	defer func() { r.guessing, r.listed = false, nil }()
	r.stale = last.stale
	h := r.house
	h.settings = last.settings
	h.settings.Watermark = time.Now().UTC()
	for _, q := range questions {
		if q.unsettled() || q.moves() { // its definition is to be found first, or its range
			continue
		}
		if made, err := h.inquire(ctx, q); err == nil {
			_, _ = made.next(ctx, r) // wants, and cannot be done yet
		}
	}
}
