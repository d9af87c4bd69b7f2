package customer

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// begin forgets the person of an erasure in one transaction that holds the tenant's turn:
// ids, traits, memberships and presence. From then on no event comes under their identities,
// and whoever comes under their ids is somebody new.
func (e *Eraser) begin(ctx context.Context, of tenant.ID, erasure uuid.UUID) error {
	return e.worker.InTx(ctx, func(tx pgx.Tx) error {
		queries := dbsqlc.New()
		if err := queries.ErasureTakeTurn(ctx, tx, uuid.UUID(of)); err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		identities, err := queries.ErasureBegin(ctx, tx, dbsqlc.ErasureBeginParams{TenantID: of, ErasureID: erasure})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		left, err := queries.ErasureLeftBehind(ctx, tx, dbsqlc.ErasureLeftBehindParams{TenantID: of, IdentityIds: identities})
		if err != nil {
			return fmt.Errorf("list persons: %w", err)
		}
		if err := forget(ctx, tx, of, identities); err != nil {
			return err
		}
		return queries.ErasureBirths(ctx, tx, dbsqlc.ErasureBirthsParams{TenantID: of, PersonIds: left})
	})
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
		{"places in cohorts", func() error {
			return queries.ErasureDeleteCohortMembers(ctx, tx, dbsqlc.ErasureDeleteCohortMembersParams{TenantID: of, IdentityIds: identities})
		}},
		{"past", func() error {
			return queries.ErasureDeletePast(ctx, tx, dbsqlc.ErasureDeletePastParams{TenantID: of, IdentityIds: identities})
		}},
		{"notes", func() error {
			return queries.ErasureDeleteNotes(ctx, tx, dbsqlc.ErasureDeleteNotesParams{TenantID: of, IdentityIds: identities})
		}},
		{"owners", func() error {
			return queries.ErasureDeleteOwners(ctx, tx, dbsqlc.ErasureDeleteOwnersParams{TenantID: of, IdentityIds: identities})
		}},
		{"tickets of accounts", func() error {
			return queries.ErasureBlankTickets(ctx, tx, dbsqlc.ErasureBlankTicketsParams{TenantID: of, IdentityIds: identities})
		}},
		{"tickets", func() error {
			return queries.ErasureDeleteTickets(ctx, tx, dbsqlc.ErasureDeleteTicketsParams{TenantID: of, IdentityIds: identities})
		}},
		{"presence", func() error { // by the identities' days, so before them
			return queries.ErasureDeletePresence(ctx, tx, dbsqlc.ErasureDeletePresenceParams{TenantID: of, IdentityIds: identities})
		}},
		{"quarantined events", func() error { // by the identities' spellings, so before them
			return queries.ErasureDeleteQuarantined(ctx, tx, dbsqlc.ErasureDeleteQuarantinedParams{TenantID: of, IdentityIds: identities})
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
