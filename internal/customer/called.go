package customer

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Called is what somebody is called, by their traits; nil is not known.
type Called struct{ Name, Email, Domain *string }

func (c Called) with(kind, spelling string) Called {
	switch kind {
	case "NAME":
		c.Name = &spelling
	case "EMAIL":
		c.Email = &spelling
	case "DOMAIN":
		c.Domain = &spelling
	}
	return c
}

// AccountsCalled tells what accounts are called.
func (s *Service) AccountsCalled(ctx context.Context, accounts []int64) (map[int64]Called, error) {
	found := make(map[int64]Called, len(accounts))
	err := s.read(ctx, topic.Account, accounts, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().CustomerWordListOfAccounts(ctx, tx, accounts)
		if err != nil {
			return fmt.Errorf("read names of accounts: %w", err)
		}
		for _, r := range rows {
			found[r.SubjectID] = found[r.SubjectID].with(r.Kind, r.Spelling)
		}
		return nil
	})
	return found, err
}

// PersonsCalled tells what persons are called, by what was said last under any of their ids.
func (s *Service) PersonsCalled(ctx context.Context, persons []int64) (map[int64]Called, error) {
	found := make(map[int64]Called, len(persons))
	err := s.read(ctx, topic.Person, persons, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().CustomerWordListOfPersons(ctx, tx, persons)
		if err != nil {
			return fmt.Errorf("read names of persons: %w", err)
		}
		for _, r := range rows {
			found[r.PersonID] = found[r.PersonID].with(r.Kind, r.Spelling)
		}
		return nil
	})
	return found, err
}

// AccountsSeen tells when accounts were last seen.
func (s *Service) AccountsSeen(ctx context.Context, accounts []int64) (map[int64]time.Time, error) {
	return s.seen(ctx, topic.Account, accounts, func(tx pgx.Tx, seen map[int64]time.Time) error {
		rows, err := dbsqlc.New().AccountLastSeen(ctx, tx, accounts)
		for _, r := range rows {
			seen[r.AccountID] = r.At.UTC()
		}
		return err
	})
}

// PersonsSeen tells in which quarter hour persons were last there.
func (s *Service) PersonsSeen(ctx context.Context, persons []int64) (map[int64]time.Time, error) {
	return s.seen(ctx, topic.Person, persons, func(tx pgx.Tx, seen map[int64]time.Time) error {
		rows, err := dbsqlc.New().PersonLastSeen(ctx, tx, persons)
		for _, r := range rows {
			seen[r.PersonID] = r.At.UTC()
		}
		return err
	})
}

func (s *Service) seen(ctx context.Context, of topic.Subject, ids []int64, read func(tx pgx.Tx, seen map[int64]time.Time) error) (map[int64]time.Time, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	topic.Note(ctx, topic.All(who.Tenant, topic.Day)) // somebody may come on any
	seen := make(map[int64]time.Time, len(ids))
	err = s.read(ctx, of, ids, func(tx pgx.Tx) error {
		if err := read(tx, seen); err != nil {
			return fmt.Errorf("read when %ss were last seen: %w", of, err)
		}
		return nil
	})
	return seen, err
}
