package customer

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// FindPerson finds whose a user id or an anonymous id is; one of the two is given. Nil is
// nobody: an id that nobody has sent.
func (s *Service) FindPerson(ctx context.Context, userID, anonymousID *string) (*Person, error) {
	if (userID == nil) == (anonymousID == nil) {
		return nil, fault.Input("userId", "Either userId or anonymousId is needed.")
	}
	var params dbsqlc.PersonFindParams
	if userID != nil {
		params.DistinctID = *userID
	} else {
		params.Anonymous, params.DistinctID = true, *anonymousID
	}
	// Whoever finds somebody by what they are called learns that they are there.
	who, err := access.Require(ctx, access.ReadPII)
	if err != nil {
		return nil, err
	}
	if !Sendable(params.DistinctID) {
		return nil, nil
	}
	var id int64
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) (err error) {
		id, err = dbsqlc.New().PersonFind(ctx, tx, params)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		note(ctx, who, topic.Person, nil) // whoever comes may be the one
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find person: %w", err)
	}
	found, err := s.Persons(ctx, []int64{id})
	if p, ok := found[id]; ok {
		return &p, err
	}
	return nil, err
}

// Persons finds the persons that identities belong to now.
func (s *Service) Persons(ctx context.Context, identities []int64) (map[int64]Person, error) {
	found := make(map[int64]Person, len(identities))
	err := s.read(ctx, topic.Person, identities, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().PersonListByIdentities(ctx, tx, identities)
		if err != nil {
			return fmt.Errorf("read persons: %w", err)
		}
		for _, r := range rows {
			found[r.IdentityID] = Person{r.PersonID, r.BornAt}
		}
		return nil
	})
	return found, err
}

// maxUserIDs is how many user ids of one person are listed; the identities are all there.
const maxUserIDs = 100

// UserIDs gives the user ids of persons, each person's own first.
func (s *Service) UserIDs(ctx context.Context, persons []int64) (map[int64][]string, error) {
	found := make(map[int64][]string, len(persons))
	err := s.read(ctx, topic.Person, persons, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().PersonUserIDs(ctx, tx, dbsqlc.PersonUserIDsParams{PersonIds: persons, Most: maxUserIDs})
		if err != nil {
			return fmt.Errorf("read user ids: %w", err)
		}
		for _, r := range rows {
			found[r.PersonID] = append(found[r.PersonID], r.DistinctID)
		}
		return nil
	})
	return found, err
}

// PersonTraits gives what is known of persons, by all of their identities.
func (s *Service) PersonTraits(ctx context.Context, persons []int64) (map[int64]Traits, error) {
	byPerson := map[int64][]dbsqlc.ProfileListRow{}
	err := s.read(ctx, topic.Person, persons, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().ProfileListOfPersons(ctx, tx, persons)
		if err != nil {
			return fmt.Errorf("read profiles: %w", err)
		}
		for _, r := range rows {
			byPerson[r.PersonID] = append(byPerson[r.PersonID], dbsqlc.ProfileListRow{
				SubjectID: r.SubjectID, Traits: r.Traits, SaidAt: r.SaidAt, Once: r.Once, OnceAt: r.OnceAt, UpdatedAt: r.UpdatedAt,
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return merged(byPerson)
}

func merged(profiles map[int64][]dbsqlc.ProfileListRow) (map[int64]Traits, error) {
	found := make(map[int64]Traits, len(profiles))
	for id, rows := range profiles {
		traits, err := identity.Merged(rows)
		if err != nil {
			return nil, err
		}
		found[id] = traits
	}
	return found, nil
}

// Identities finds several at once.
func (s *Service) Identities(ctx context.Context, ids []int64) (map[int64]Identity, error) {
	found := make(map[int64]Identity, len(ids))
	err := s.read(ctx, topic.Person, ids, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().IdentityListByIDs(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("read identities: %w", err)
		}
		for _, r := range rows {
			found[r.IdentityID] = toIdentity(dbsqlc.IdentityPageOfPersonsRow(r))
		}
		return nil
	})
	return found, err
}

// IdentityPages gives a page of the identities of each person, the oldest first, after one.
func (s *Service) IdentityPages(ctx context.Context, persons []int64, first int, after int64) (map[int64]Page[Identity], error) {
	if err := CheckFirst(first); err != nil {
		return nil, err
	}
	pages := make(map[int64]Page[Identity], len(persons))
	err := s.read(ctx, topic.Person, persons, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().IdentityPageOfPersons(ctx, tx, dbsqlc.IdentityPageOfPersonsParams{
			PersonIds: persons, AfterID: after, Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read identities of persons: %w", err)
		}
		for _, r := range rows {
			page := pages[r.PersonID]
			page.Add(toIdentity(r), first)
			pages[r.PersonID] = page
		}
		return nil
	})
	return pages, err
}

func toIdentity(r dbsqlc.IdentityPageOfPersonsRow) Identity {
	kind := User
	if r.Anonymous {
		kind = Device
	}
	return Identity{
		ID: r.IdentityID, Person: r.PersonID, Kind: kind, Value: r.DistinctID,
		FirstSeenAt: r.FirstSeenAt, LinkedAt: r.LinkedAt, Detached: r.Detached,
	}
}
