package health

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Standing is what an account comes to now.
type Standing struct {
	Account    int64
	Score      *Tenths // what holds; nil: nothing is known that counts
	Calculated *Tenths // what the data come to
	Inputs     []Contribution
	ChangedAt  time.Time // since when it is so
	Override   *Override // nil: the calculated score holds
}

// Band is what the score stands for; nil: it is none.
func (s Standing) Band() *Band { return bandOf(s.Score) }

// Override is a score that somebody said, instead of what was calculated.
type Override struct {
	Score     Tenths
	Reason    string
	SetAt     time.Time
	SetBy     uuid.UUID // the key, or the login
	ExpiresAt time.Time
}

func scoreOf(number int32) *Tenths {
	if number < 0 {
		return nil
	}
	score := Tenths(number)
	return &score
}

// Of tells what accounts come to. Those that were not calculated yet are not among them.
func (s *Service) Of(ctx context.Context, accounts []int64) (map[int64]Standing, error) {
	standings := make(map[int64]Standing, len(accounts))
	err := s.read(ctx, accounts, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().HealthScoreList(ctx, tx, accounts)
		if err != nil {
			return fmt.Errorf("read health of accounts: %w", err)
		}
		for _, r := range rows {
			if standings[r.AccountID], err = standingOf(r); err != nil {
				return err
			}
		}
		return nil
	})
	return standings, err
}

// read runs fn for the tenant that asks, and notes that it reads the health of accounts; none are
// all.
func (s *Service) read(ctx context.Context, accounts []int64, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return err
	}
	customer.Watch(ctx, who, topic.Health, accounts)
	return s.app.Read(ctx, who.Tenant, fn)
}

func standingOf(r dbsqlc.HealthScoreListRow) (Standing, error) {
	st := Standing{Account: r.AccountID, Score: scoreOf(r.Score), Calculated: scoreOf(r.Calculated), ChangedAt: r.ChangedAt.UTC()}
	if err := json.Unmarshal(r.Inputs, &st.Inputs); err != nil {
		return st, fmt.Errorf("read contributions: %w", err)
	}
	if r.OverrideID.Valid {
		st.Override = &Override{Tenths(r.OverrideScore), r.Reason, r.SetAt.UTC(), r.SetBy.UUID, r.ExpiresAt.UTC()}
	}
	return st, nil
}

// Trend is what an account came to on days, as parallel lists: Scores[i] at the end of Days[i], or
// now; nil where it came to nothing.
type Trend struct {
	Days   []calendar.Date
	Scores []*Tenths
}

const maxTrend = 366

// Trends tell what accounts came to on the last days of the tenant's zone, today included.
func (s *Service) Trends(ctx context.Context, accounts []int64, days int) (map[int64]Trend, error) {
	if days < 1 || days > maxTrend {
		return nil, fault.Input("days", "Between 1 and %d days are allowed.", maxTrend)
	}
	trends := make(map[int64]Trend, len(accounts))
	err := s.read(ctx, accounts, func(tx pgx.Tx) error {
		survey, err := daysOf(ctx, tx)
		if err != nil {
			return err
		}
		noteDay(ctx, survey)
		first := survey.today - calendar.Date(days-1)
		rows, err := dbsqlc.New().HealthDays(ctx, tx, dbsqlc.HealthDaysParams{AccountIds: accounts, FirstDay: first})
		if err != nil {
			return fmt.Errorf("read trends of health: %w", err)
		}
		steps := map[int64][]dbsqlc.HealthDaysRow{}
		for _, r := range rows {
			steps[r.AccountID] = append(steps[r.AccountID], r)
		}
		for _, id := range accounts {
			trends[id] = trendOf(steps[id], first, survey.today)
		}
		return nil
	})
	return trends, err
}

// trendOf fills in the days on which nothing changed. The steps are in order.
func trendOf(steps []dbsqlc.HealthDaysRow, first, last calendar.Date) (t Trend) {
	var score *Tenths
	for day := first; day <= last; day++ {
		for len(steps) > 0 && steps[0].Day <= day {
			score, steps = scoreOf(steps[0].Score), steps[1:]
		}
		t.Days, t.Scores = append(t.Days, day), append(t.Scores, score)
	}
	return t
}
