package customer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
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

// Erase has the person erased that an identity belongs to. Nobody can find them from now on;
// an [Eraser] does the rest, since what serves tenants takes nothing away.
func (s *Service) Erase(ctx context.Context, id int64, reason string) (Erasure, error) {
	if err := checkReason(reason); err != nil {
		return Erasure{}, err
	}
	var row dbsqlc.ErasureInsertRow
	err := s.correct(ctx, func(tx pgx.Tx, who access.Principal) error {
		identities, err := whole(ctx, tx, id)
		if err != nil {
			return err
		}
		number, err := newID()
		if err != nil {
			return err
		}
		row, err = dbsqlc.New().ErasureInsert(ctx, tx, dbsqlc.ErasureInsertParams{
			ErasureID: number, RequestedBy: uuid.NullUUID{UUID: who.By(), Valid: true}, Reason: &reason, IdentityIds: identities,
		})
		if err != nil {
			return fmt.Errorf("record erasure: %w", err)
		}
		return record(ctx, tx, who, correction{dbsqlc.CorrectionKindERASE, identities, reason}, audit.Entry{
			Action: audit.PersonErased, Target: audit.Target{Type: "erasure", ID: number.String()},
			Before: map[string]int{"identityCount": len(identities)},
		})
	})
	return toErasure(dbsqlc.ErasureGetRow(row)), err
}

// whole lists the identities of the person that one belongs to.
func whole(ctx context.Context, tx pgx.Tx, id int64) ([]int64, error) {
	identities, err := dbsqlc.New().ErasureIdentities(ctx, tx, id)
	switch {
	case err != nil:
		return nil, fmt.Errorf("list identities: %w", err)
	case len(identities) == 0:
		return nil, errNobody.In("id")
	case len(identities) > maxErased:
		return nil, fault.Input("id", "This person has %d ids; at most %d are erased at once.", len(identities), maxErased)
	}
	return identities, stays(ctx, tx, "id", identities...)
}

var errNobody = fault.New(fault.NotFound, "There is nothing with this id.")

// stays fails where somebody is being erased: they can't be found any more.
func stays(ctx context.Context, tx pgx.Tx, field string, identities ...int64) error {
	begun, err := dbsqlc.New().ErasureIsBegun(ctx, tx, identities)
	if err != nil {
		return fmt.Errorf("look for erasure: %w", err)
	}
	if begun {
		return errNobody.In(field)
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
		return Erasure{}, errNobody.In("id")
	}
	return toErasure(row), err
}

func toErasure(r dbsqlc.ErasureGetRow) Erasure {
	e := Erasure{
		ID: r.ErasureID, RequestedAt: r.RequestedAt.UTC(), Identities: len(r.IdentityIds), Events: int(r.EventsErased),
		FinishedAt: r.FinishedAt,
	}
	if r.Reason != nil {
		e.Reason = *r.Reason
	}
	return e
}
