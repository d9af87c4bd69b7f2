package customer

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// SetOwner says who looks after a person or an account: a member's login; nil is nobody. It
// gives whom it was said of as they are now.
func (s *Service) SetOwner(ctx context.Context, of Subject, owner *uuid.UUID) (now Subject, err error) {
	err = s.care(ctx, func(tx pgx.Tx, who access.Principal) error {
		if now, err = present(ctx, tx, "of", of); err != nil {
			return err
		}
		p := dbsqlc.CustomerOwnerSetParams{Subject: now.Kind, SubjectID: now.ID, SetBy: who.By()}
		after := map[string]*uuid.UUID{"owner": owner}
		if owner != nil {
			belongs, err := dbsqlc.New().CustomerOwnerAllowed(ctx, tx, *owner)
			if err != nil {
				return fmt.Errorf("find member: %w", err)
			}
			if !belongs {
				return errNobody.In("owner")
			}
			p.LoginID = uuid.NullUUID{UUID: *owner, Valid: true}
		}
		if err := dbsqlc.New().CustomerOwnerSet(ctx, tx, p); err != nil {
			return fmt.Errorf("set owner: %w", err)
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.OwnerSet, Target: now.target(), After: after})
	})
	return now, err
}

// AccountOwners tells the logins of those who look after accounts.
func (s *Service) AccountOwners(ctx context.Context, accounts []int64) (map[int64]uuid.UUID, error) {
	owners := make(map[int64]uuid.UUID, len(accounts))
	err := s.read(ctx, topic.Account, accounts, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().CustomerOwnerListOfAccounts(ctx, tx, accounts)
		if err != nil {
			return fmt.Errorf("read owners of accounts: %w", err)
		}
		for _, r := range rows {
			if r.LoginID.Valid {
				owners[r.SubjectID] = r.LoginID.UUID
			}
		}
		return nil
	})
	return owners, err
}

// PersonOwners is AccountOwners of persons.
func (s *Service) PersonOwners(ctx context.Context, persons []int64) (map[int64]uuid.UUID, error) {
	owners := make(map[int64]uuid.UUID, len(persons))
	err := s.read(ctx, topic.Person, persons, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().CustomerOwnerListOfPersons(ctx, tx, persons)
		if err != nil {
			return fmt.Errorf("read owners of persons: %w", err)
		}
		for _, r := range rows {
			if r.LoginID.Valid {
				owners[r.PersonID] = r.LoginID.UUID
			}
		}
		return nil
	})
	return owners, err
}
