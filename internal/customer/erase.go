package customer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Erasure says that a person was erased, and how far. It has nothing of the person.
type Erasure struct {
	ID          uuid.UUID
	RequestedAt time.Time
	Reason      string
	Identities  int        // how many ids the person had
	Events      int        // how many events have been taken out
	FinishedAt  *time.Time // nil: the database may have some yet
}

// maxErased is how many identities are erased at once: more are no person's.
const maxErased = 5_000

// Erase forgets the person that an identity belongs to: ids, traits, memberships and presence
// at once, so that whoever comes under these ids is somebody new; their events, and what they
// counted for, soon after, by an [Eraser].
func (s *Service) Erase(ctx context.Context, id int64, reason string) (Erasure, error) {
	who, err := access.Require(ctx, access.Manage)
	if err != nil {
		return Erasure{}, err
	}
	if err := checkReason(reason); err != nil {
		return Erasure{}, err
	}
	var row dbsqlc.ErasureInsertRow
	err = s.worker.InTx(ctx, func(tx pgx.Tx) error {
		if err := dbsqlc.New().ErasureTakeTurn(ctx, tx, uuid.UUID(who.Tenant)); err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		identities, err := whole(ctx, tx, who.Tenant, id)
		if err != nil {
			return err
		}
		if row, err = recordErasure(ctx, tx, who, identities, reason); err != nil {
			return err
		}
		return forget(ctx, tx, who.Tenant, identities)
	})
	return toErasure(dbsqlc.ErasureGetRow(row)), err
}

// whole lists the identities of the person that one belongs to.
func whole(ctx context.Context, tx pgx.Tx, of tenant.ID, id int64) ([]int64, error) {
	identities, err := dbsqlc.New().ErasureIdentities(ctx, tx, dbsqlc.ErasureIdentitiesParams{TenantID: of, IdentityID: id})
	switch {
	case err != nil:
		return nil, fmt.Errorf("list identities: %w", err)
	case len(identities) == 0:
		return nil, fault.New(fault.NotFound, "There is nothing with this id.").In("id")
	case len(identities) > maxErased:
		return nil, fault.Input("id", "This person has %d ids; at most %d are erased at once.", len(identities), maxErased)
	}
	return identities, nil
}

func recordErasure(ctx context.Context, tx pgx.Tx, who access.Principal, identities []int64, reason string) (row dbsqlc.ErasureInsertRow, err error) {
	id, err := newID()
	if err != nil {
		return row, err
	}
	row, err = dbsqlc.New().ErasureInsert(ctx, tx, dbsqlc.ErasureInsertParams{
		TenantID: who.Tenant, ErasureID: id, RequestedBy: uuid.NullUUID{UUID: who.Key, Valid: true}, Reason: &reason, IdentityIds: identities,
	})
	if err != nil {
		return row, fmt.Errorf("record erasure: %w", err)
	}
	err = dbsqlc.New().ErasureCorrectionInsert(ctx, tx, dbsqlc.ErasureCorrectionInsertParams{
		TenantID: who.Tenant, CorrectionID: id, IdentityIds: identities, Reason: reason, MadeBy: who.Key,
	})
	if err != nil {
		return row, fmt.Errorf("note correction: %w", err)
	}
	return row, nil
}

// forget takes out everything of identities but their events, and the history of their traits,
// which nobody can reach any more and which may be long.
func forget(ctx context.Context, tx pgx.Tx, of tenant.ID, identities []int64) error {
	queries := dbsqlc.New()
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"reasons", func() error {
			return queries.ErasureBlankReasons(ctx, tx, dbsqlc.ErasureBlankReasonsParams{TenantID: of, IdentityIds: identities})
		}},
		{"merges", func() error {
			return queries.ErasureDeleteMerges(ctx, tx, dbsqlc.ErasureDeleteMergesParams{TenantID: of, IdentityIds: identities})
		}},
		{"links", func() error {
			return queries.ErasureUnlink(ctx, tx, dbsqlc.ErasureUnlinkParams{TenantID: of, IdentityIds: identities})
		}},
		{"memberships", func() error {
			return queries.ErasureDeleteMemberships(ctx, tx, dbsqlc.ErasureDeleteMembershipsParams{TenantID: of, IdentityIds: identities})
		}},
		{"profiles", func() error {
			return queries.ErasureDeleteProfiles(ctx, tx, dbsqlc.ErasureDeleteProfilesParams{TenantID: of, IdentityIds: identities})
		}},
		{"presence", func() error { // by the identities' days, so before them
			return queries.ErasureDeletePresence(ctx, tx, dbsqlc.ErasureDeletePresenceParams{TenantID: of, IdentityIds: identities})
		}},
		{"identities", func() error {
			return queries.ErasureDeleteIdentities(ctx, tx, dbsqlc.ErasureDeleteIdentitiesParams{TenantID: of, IdentityIds: identities})
		}},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("erase %s: %w", step.what, err)
		}
	}
	return nil
}

// FindErasure tells how far an erasure is.
func (s *Service) FindErasure(ctx context.Context, id uuid.UUID) (Erasure, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return Erasure{}, err
	}
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Erasure, id.String()))
	var row dbsqlc.ErasureGetRow
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) (err error) {
		row, err = dbsqlc.New().ErasureGet(ctx, tx, id)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Erasure{}, fault.New(fault.NotFound, "There is nothing with this id.").In("id")
	}
	return toErasure(row), err
}

func toErasure(r dbsqlc.ErasureGetRow) Erasure {
	e := Erasure{
		ID: r.ErasureID, RequestedAt: r.RequestedAt.UTC(), Identities: len(r.IdentityIds), Events: int(r.EventsErased),
		FinishedAt: r.DatabaseDoneAt,
	}
	if r.Reason != nil {
		e.Reason = *r.Reason
	}
	return e
}
