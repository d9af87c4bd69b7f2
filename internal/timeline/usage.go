package timeline

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// UsageAsk is a question for usage; zero instants are those that are usual.
type UsageAsk struct {
	Of       identity.Subject
	From, To time.Time
	First    int
}

const (
	usualDays = 30
	mostDays  = 92
)

// settle fills in what was not said.
func (a UsageAsk) settle(now time.Time) (UsageAsk, error) {
	if err := customer.CheckFirst(a.First); err != nil {
		return a, err
	}
	if a.To.IsZero() {
		a.To = now
	}
	if a.From.IsZero() {
		a.From = a.To.AddDate(0, 0, -usualDays)
	}
	if !a.From.Before(a.To) || a.To.Sub(a.From) > (mostDays*24+1)*time.Hour {
		return a, fault.Input("range", "It has to begin before it ends, and %d days are the most.", mostDays)
	}
	return a, nil
}

// Usages tells how often customers did what in a range.
func (s *Service) Usages(ctx context.Context, ids []int64, ask UsageAsk) (map[int64]Usage, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	of := topic.Person
	if ask.Of == identity.OfAccount {
		of = topic.Account
	}
	customer.Watch(ctx, who, of, ids)
	topic.Note(ctx, topic.All(who.Tenant, topic.Day))
	if ask.To.IsZero() {
		topic.NoteMoving(ctx)
	}
	usages := make(map[int64]Usage, len(ids))
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		now, err := dbsqlc.New().EventClock(ctx, tx)
		if err != nil {
			return fmt.Errorf("read clock: %w", err)
		}
		if ask, err = ask.settle(now); err != nil {
			return err
		}
		rows, err := dbsqlc.New().CustomerUsageList(ctx, tx, dbsqlc.CustomerUsageListParams{
			Subject: ask.Of, Ids: ids, Since: ask.From, Before: ask.To, Looks: int32(max(leastLooks, allLooks/max(len(ids), 1))),
		})
		if err != nil {
			return fmt.Errorf("count usage: %w", err)
		}
		for _, r := range rows {
			usages[r.OfID.Int64] = usages[r.OfID.Int64].with(r, ask)
		}
		return nil
	})
	return usages, err
}

// with takes in a row: one without a type says how far back was looked.
func (u Usage) with(r dbsqlc.CustomerUsageListRow, ask UsageAsk) Usage {
	if u.To.IsZero() {
		u = Usage{Types: []string{}, Counts: []int{}, LastAt: []time.Time{}, From: ask.From.UTC(), To: ask.To.UTC(), Complete: true}
	}
	if r.Reached != nil && r.Reached.After(ask.From) {
		u.From, u.Complete = r.Reached.UTC(), false
	}
	if r.Type != nil && len(u.Types) < ask.First {
		u.Types, u.Counts, u.LastAt = append(u.Types, *r.Type), append(u.Counts, int(r.N.Int64)), append(u.LastAt, r.LastAt.UTC())
	}
	return u
}
