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
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Merge is two users that somebody has said are one person.
type Merge struct {
	Place
	From, Into int64 // the users, as identities
	Reason     string
	UndoneAt   *time.Time // nil: it holds
}

// Place is where a merge stands in the list of them.
type Place struct {
	MadeAt time.Time
	ID     uuid.UUID
}

func toMerge(r dbsqlc.PersonMergeGetRow) Merge {
	return Merge{Place: Place{r.MadeAt.UTC(), r.MergeID}, From: r.FromID, Into: r.IntoID, Reason: r.Reason, UndoneAt: r.UndoneAt}
}

// Undo takes a merge back, whatever was merged after it: everybody is grouped anew by the
// merges that hold, and the figures are as if this one had never been.
func (s *Service) Undo(ctx context.Context, id uuid.UUID) (Merge, error) {
	var undone Merge
	err := s.correct(ctx, func(tx pgx.Tx, who access.Principal) error {
		row, err := dbsqlc.New().PersonMergeUndo(ctx, tx, dbsqlc.PersonMergeUndoParams{MergeID: id, UndoneBy: who.By()})
		if errors.Is(err, pgx.ErrNoRows) {
			if _, err := dbsqlc.New().PersonMergeGet(ctx, tx, id); errors.Is(err, pgx.ErrNoRows) {
				return errNobody.In("id")
			}
			return fault.Input("id", "This merge is undone already.")
		}
		if err != nil {
			return fmt.Errorf("undo merge: %w", err)
		}
		undone = toMerge(dbsqlc.PersonMergeGetRow(row))
		whole, err := dbsqlc.New().PersonRoot(ctx, tx, row.FromID)
		if err != nil {
			return fmt.Errorf("find person: %w", err)
		}
		if err := stays(ctx, tx, "id", whole.IdentityID); err != nil {
			return err
		}
		if err := regroup(ctx, tx, whole.IdentityID); err != nil {
			return err
		}
		return record(ctx, tx, who, correction{kind: dbsqlc.CorrectionKindUNDOMERGE, identities: []int64{row.FromID, row.IntoID}}, audit.Entry{
			Action: audit.MergeUndone, Target: audit.Target{Type: "merge", ID: id.String()}, Before: twoOf(row.FromID, row.IntoID),
		})
	})
	return undone, err
}

// FindMerge finds a merge.
func (s *Service) FindMerge(ctx context.Context, id uuid.UUID) (Merge, error) {
	var row dbsqlc.PersonMergeGetRow
	err := s.readMerges(ctx, func(tx pgx.Tx) (err error) {
		row, err = dbsqlc.New().PersonMergeGet(ctx, tx, id)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Merge{}, errNobody.In("id")
	}
	return toMerge(row), err
}

// lastPlace stands after every merge.
var lastPlace = Place{calendar.Never, uuid.Max}

// Merges gives a page of the merges, undone ones included, the latest first; before nil, from
// the latest.
func (s *Service) Merges(ctx context.Context, first int, before *Place) (Page[Merge], error) {
	var page Page[Merge]
	if err := CheckFirst(first); err != nil {
		return page, err
	}
	if before == nil {
		before = &lastPlace
	}
	err := s.readMerges(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().PersonMergePage(ctx, tx, dbsqlc.PersonMergePageParams{
			BeforeAt: before.MadeAt, BeforeID: before.ID, Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read merges: %w", err)
		}
		for _, r := range rows {
			page.Add(toMerge(dbsqlc.PersonMergeGetRow(r)), first)
		}
		return nil
	})
	return page, err
}

func (s *Service) readMerges(ctx context.Context, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.ReadPII)
	if err != nil {
		return err
	}
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.PersonMerge, ""))
	return s.app.Read(ctx, who.Tenant, fn)
}
