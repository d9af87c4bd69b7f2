package ticket

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Ticket is how a ticket stands, by what was said last. What is not known is nil.
type Ticket struct {
	ID                 int64
	Source, ExternalID string
	Identity           *int64 // of who asked
	Account            *int64
	Subject, URL       *string
	Status             Status
	Priority           *Priority
	Channel            *string
	Rating             *Rating
	OpenedAt           time.Time
	FirstRepliedAt     *time.Time
	SolvedAt           *time.Time
	UpdatedAt          time.Time
}

// SecondsToFirstReply is how long whoever asked waited for a word.
func (t Ticket) SecondsToFirstReply() *int { return t.seconds(t.FirstRepliedAt) }

// SecondsToSolve is how long it took until it was solved.
func (t Ticket) SecondsToSolve() *int { return t.seconds(t.SolvedAt) }

// seconds are whole ones, and at most as many as the schema's numbers go.
func (t Ticket) seconds(until *time.Time) *int {
	if until == nil {
		return nil
	}
	return new(int(min(until.Sub(t.OpenedAt)/time.Second, math.MaxInt32)))
}

func toTicket(r dbsqlc.TicketListByIDsRow) Ticket {
	t := Ticket{
		ID: r.TicketID, Source: r.Source, ExternalID: r.ExternalID, Identity: number(r.IdentityID), Account: number(r.AccountID),
		Subject: r.Subject, URL: r.Url, Status: Status(r.Status), Priority: (*Priority)(r.Priority), Channel: r.Channel, Rating: (*Rating)(r.Rating),
		OpenedAt: r.OpenedAt.UTC(), FirstRepliedAt: utc(r.FirstRepliedAt), SolvedAt: utc(r.SolvedAt), UpdatedAt: r.UpdatedAt.UTC(),
	}
	if r.Forgotten {
		t.Subject, t.URL = nil, nil
	}
	return t
}

func number(n pgtype.Int8) *int64 {
	if !n.Valid {
		return nil
	}
	return &n.Int64
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}

// read opens what the tenant that asks has of tickets, and notes that the answer depends on it.
// Whoever sees some rows alone is refused by the database: tickets have no rows of their own to
// be narrowed to.
func (s *Service) read(ctx context.Context, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return err
	}
	topic.Note(ctx, topic.All(who.Tenant, topic.Ticket))
	if err := s.app.Read(ctx, who.Tenant, fn); err != nil {
		return fmt.Errorf("read tickets: %w", err)
	}
	return nil
}

// ByIDs finds several tickets.
func (s *Service) ByIDs(ctx context.Context, ids []int64) (found map[int64]Ticket, err error) {
	err = s.read(ctx, func(tx pgx.Tx) error {
		found, err = byIDs(ctx, tx, ids)
		return err
	})
	return found, err
}

func byIDs(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]Ticket, error) {
	rows, err := dbsqlc.New().TicketListByIDs(ctx, tx, ids)
	found := make(map[int64]Ticket, len(rows))
	for _, r := range rows {
		found[r.TicketID] = toTicket(r)
	}
	return found, err
}

// Place is where a page of tickets begins, and which statuses it is of: before the zero instant,
// from the latest.
type Place struct {
	At       time.Time
	ID       int64
	Statuses Statuses
}

// Statuses are some of all, to be compared.
type Statuses uint8

// SomeStatuses makes them of a list; nil is all.
func SomeStatuses(list []Status) (some Statuses) {
	for i, status := range statuses {
		for _, one := range list {
			if one == status {
				some |= 1 << i
			}
		}
	}
	if list == nil {
		some = 1<<len(statuses) - 1
	}
	return some
}

func (s Statuses) texts() []string {
	list := []string{}
	for i, status := range statuses {
		if s&(1<<i) != 0 {
			list = append(list, string(status))
		}
	}
	return list
}

// AccountPages gives a page of the tickets of each account, the latest opened first.
func (s *Service) AccountPages(ctx context.Context, accounts []int64, first int, from Place) (map[int64]customer.Page[Ticket], error) {
	return s.pages(ctx, identity.OfAccount, accounts, first, from)
}

// PersonPages is AccountPages of persons, under any of their ids.
func (s *Service) PersonPages(ctx context.Context, persons []int64, first int, from Place) (map[int64]customer.Page[Ticket], error) {
	return s.pages(ctx, identity.OfPerson, persons, first, from)
}

func (s *Service) pages(ctx context.Context, of identity.Subject, ids []int64, first int, from Place) (map[int64]customer.Page[Ticket], error) {
	if err := customer.CheckFirst(first); err != nil {
		return nil, err
	}
	if from.At.IsZero() {
		from.At = calendar.Never
	}
	pages := make(map[int64]customer.Page[Ticket], len(ids))
	err := s.of(ctx, of, ids, func(tx pgx.Tx) error {
		places, err := placesOf(ctx, tx, of, ids, first, from)
		if err != nil {
			return err
		}
		tickets := make([]int64, len(places))
		for i, p := range places {
			tickets[i] = p.TicketID
		}
		found, err := byIDs(ctx, tx, tickets)
		for _, p := range places {
			page := pages[p.OfID]
			page.Add(found[p.TicketID], first)
			pages[p.OfID] = page
		}
		return err
	})
	return pages, err
}

// placesOf finds the tickets of each. One more than is asked for tells whether more follow.
func placesOf(ctx context.Context, tx pgx.Tx, of identity.Subject, ids []int64, first int, from Place) (places []dbsqlc.TicketPageOfAccountsRow, err error) {
	p := dbsqlc.TicketPageOfAccountsParams{AccountIds: ids, Statuses: from.Statuses.texts(), BeforeAt: from.At, BeforeID: from.ID, Most: int64(first) + 1}
	if of == identity.OfAccount {
		return dbsqlc.New().TicketPageOfAccounts(ctx, tx, p)
	}
	rows, err := dbsqlc.New().TicketPageOfPersons(ctx, tx, dbsqlc.TicketPageOfPersonsParams{
		PersonIds: ids, Statuses: p.Statuses, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Most: p.Most,
	})
	for _, r := range rows {
		places = append(places, dbsqlc.TicketPageOfAccountsRow(r))
	}
	return places, err
}

// of reads what customers have of tickets: who they are matters as well.
func (s *Service) of(ctx context.Context, of identity.Subject, ids []int64, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return err
	}
	subject := topic.Person
	if of == identity.OfAccount {
		subject = topic.Account
	}
	customer.Watch(ctx, who, subject, ids)
	return s.read(ctx, fn)
}

// OpenOfAccounts counts the tickets of accounts that are neither solved nor closed.
func (s *Service) OpenOfAccounts(ctx context.Context, accounts []int64) (map[int64]int, error) {
	counts := make(map[int64]int, len(accounts))
	err := s.of(ctx, identity.OfAccount, accounts, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().TicketOpenCountOfAccounts(ctx, tx, accounts)
		for _, r := range rows {
			counts[r.OfID] = int(r.N)
		}
		return err
	})
	return counts, err
}

// OpenOfPersons is OpenOfAccounts of persons.
func (s *Service) OpenOfPersons(ctx context.Context, persons []int64) (map[int64]int, error) {
	counts := make(map[int64]int, len(persons))
	err := s.of(ctx, identity.OfPerson, persons, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().TicketOpenCountOfPersons(ctx, tx, persons)
		for _, r := range rows {
			counts[r.OfID] = int(r.N)
		}
		return err
	})
	return counts, err
}
