package ticket

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Standing is how an account stands with support.
type Standing struct {
	Open      int // neither solved nor closed
	Good, Bad int // rated so
}

// Standings tells how all accounts stand with support; those that never asked are left out. Ratings
// count by when something was said of the ticket last. Whoever calls it says what the answer was
// read from: topic.Ticket.
func Standings(ctx context.Context, tx pgx.Tx, ratedFrom, ratedTo time.Time) (map[int64]Standing, error) {
	rows, err := dbsqlc.New().TicketStanding(ctx, tx, dbsqlc.TicketStandingParams{RatedFrom: ratedFrom, RatedTo: ratedTo})
	if err != nil {
		return nil, fmt.Errorf("read tickets of accounts: %w", err)
	}
	found := make(map[int64]Standing, len(rows))
	for _, r := range rows {
		found[r.AccountID] = Standing{int(r.Open), int(r.Good), int(r.Bad)}
	}
	return found, nil
}

// Moment is what happened to a ticket, as timelines tell it, as in the schema's enum TicketMoment.
type Moment string

// The moments.
const (
	WasOpened Moment = "OPENED"
	WasSolved Moment = "SOLVED"
)

// Happened is a moment of a customer's ticket. Its key tells it from all others of its instant.
type Happened struct {
	Of, Ticket int64
	At         time.Time
	Moment     Moment
	Key        int64
}

// Span is which moments: since an instant, and before an instant and a key.
type Span struct {
	Since, Before time.Time
	Key           int64
	Most          int64
}

// Moments gives what happened to the tickets of each of several customers, the latest first and of
// one instant the greatest key first. Whoever calls it says what the answer was read from.
func Moments(ctx context.Context, tx pgx.Tx, of identity.Subject, ids []int64, span Span) (list []Happened, err error) {
	p := dbsqlc.TicketMomentsOfAccountsParams{AccountIds: ids, Since: span.Since, BeforeAt: span.Before, BeforeKey: span.Key, Most: span.Most}
	read := momentsOfPersons
	if of == identity.OfAccount {
		read = dbsqlc.New().TicketMomentsOfAccounts
	}
	rows, err := read(ctx, tx, p)
	for _, r := range rows {
		h := Happened{r.OfID, r.TicketID, r.At.UTC(), WasOpened, r.Key}
		if r.Solved {
			h.Moment = WasSolved
		}
		list = append(list, h)
	}
	return list, err
}

func momentsOfPersons(ctx context.Context, tx dbsqlc.DBTX, p dbsqlc.TicketMomentsOfAccountsParams) (list []dbsqlc.TicketMomentsOfAccountsRow, err error) {
	rows, err := dbsqlc.New().TicketMomentsOfPersons(ctx, tx, dbsqlc.TicketMomentsOfPersonsParams{
		PersonIds: p.AccountIds, Since: p.Since, BeforeAt: p.BeforeAt, BeforeKey: p.BeforeKey, Most: p.Most,
	})
	for _, r := range rows {
		list = append(list, dbsqlc.TicketMomentsOfAccountsRow(r))
	}
	return list, err
}
