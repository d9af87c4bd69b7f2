package customer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Accounts finds several by number.
func (s *Service) Accounts(ctx context.Context, ids []int64) (map[int64]Account, error) {
	found := make(map[int64]Account, len(ids))
	err := s.read(ctx, topic.Account, ids, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().AccountListByIDs(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("read accounts: %w", err)
		}
		for _, r := range rows {
			found[r.AccountID] = Account{r.AccountID, r.GroupType, r.GroupID, r.FirstSeenAt}
		}
		return nil
	})
	return found, err
}

// AccountsOf finds accounts by what senders call them. Where one is not there, the
// answer is read from all: it may come.
func (s *Service) AccountsOf(ctx context.Context, groups []identity.Group) (map[identity.Group]Account, error) {
	var params dbsqlc.AccountListByGroupsParams
	for _, g := range groups {
		if !Sendable(g.Type) || !Sendable(g.ID) {
			continue
		}
		params.GroupTypes = append(params.GroupTypes, g.Type)
		params.GroupIds = append(params.GroupIds, g.ID)
	}
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	var ids []int64
	found := make(map[identity.Group]Account, len(groups))
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().AccountListByGroups(ctx, tx, params)
		if err != nil {
			return fmt.Errorf("find accounts: %w", err)
		}
		for _, r := range rows {
			found[identity.Group{Type: r.GroupType, ID: r.GroupID}] = Account{r.AccountID, r.GroupType, r.GroupID, r.FirstSeenAt}
			ids = append(ids, r.AccountID)
		}
		return nil
	})
	if len(found) < len(groups) {
		ids = nil
	}
	note(ctx, who, topic.Account, ids)
	return found, err
}

// AccountTraits gives what is known of accounts.
func (s *Service) AccountTraits(ctx context.Context, accounts []int64) (map[int64]Traits, error) {
	profiles := map[int64][]dbsqlc.ProfileListRow{}
	err := s.read(ctx, topic.Account, accounts, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().ProfileList(ctx, tx, dbsqlc.ProfileListParams{Subject: identity.OfAccount, SubjectIds: accounts})
		if err != nil {
			return fmt.Errorf("read profiles of accounts: %w", err)
		}
		for _, r := range rows {
			profiles[r.SubjectID] = []dbsqlc.ProfileListRow{r}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return merged(profiles)
}

// AccountPages gives a page of the accounts of each person, after one.
func (s *Service) AccountPages(ctx context.Context, persons []int64, first int, after int64) (map[int64]Page[Account], error) {
	if err := CheckFirst(first); err != nil {
		return nil, err
	}
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	pages, accounts := make(map[int64]Page[Account], len(persons)), []int64{}
	err = s.read(ctx, topic.Person, persons, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().AccountPageOfPersons(ctx, tx, dbsqlc.AccountPageOfPersonsParams{
			PersonIds: persons, AfterID: after, Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read accounts of persons: %w", err)
		}
		for _, r := range rows {
			page := pages[r.OfID]
			page.Add(Account{r.AccountID, r.GroupType, r.GroupID, r.FirstSeenAt}, first)
			pages[r.OfID] = page
			accounts = append(accounts, r.AccountID)
		}
		if len(accounts) > 0 { // what they are may change without the person
			note(ctx, who, topic.Account, accounts)
		}
		return nil
	})
	return pages, err
}

// Member is a person who belongs to an account.
type Member struct {
	Person
	Place int64 // where they stand in the list
}

// MemberPages gives a page of the members of each account, after a place.
func (s *Service) MemberPages(ctx context.Context, accounts []int64, first int, after int64) (map[int64]Page[Member], error) {
	if err := CheckFirst(first); err != nil {
		return nil, err
	}
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	pages := make(map[int64]Page[Member], len(accounts))
	err = s.read(ctx, topic.Account, accounts, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().MemberPageOfAccounts(ctx, tx, dbsqlc.MemberPageOfAccountsParams{
			AccountIds: accounts, AfterID: after, Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read members of accounts: %w", err)
		}
		var persons []int64
		for _, r := range rows {
			page := pages[r.OfID]
			page.Add(Member{Person{r.PersonID, r.BornAt}, r.IdentityID}, first)
			pages[r.OfID] = page
			persons = append(persons, r.PersonID)
		}
		if len(persons) > 0 { // who they are may change without the account
			note(ctx, who, topic.Person, persons)
		}
		return nil
	})
	return pages, err
}
