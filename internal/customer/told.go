package customer

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// TraitChanges gives what was said of each of several persons or accounts before a moment, the
// latest first. Whoever calls it says what the answer was read from.
func TraitChanges(ctx context.Context, tx pgx.Tx, of identity.Subject, ids []int64, most int, before Moment) (map[int64][]Change, error) {
	p := dbsqlc.TraitChangePageOfPersonsParams{
		PersonIds: ids, BeforeAt: before.At, BeforeName: before.Name, BeforeKey: before.By, Most: int64(most),
	}
	var rows []dbsqlc.TraitChangePageOfPersonsRow
	var err error
	if of == identity.OfAccount {
		found, wrong := dbsqlc.New().TraitChangePageOfAccounts(ctx, tx, dbsqlc.TraitChangePageOfAccountsParams{
			AccountIds: ids, BeforeAt: p.BeforeAt, BeforeName: p.BeforeName, BeforeKey: p.BeforeKey, Most: p.Most,
		})
		rows, err = turned(found, func(r dbsqlc.TraitChangePageOfAccountsRow) dbsqlc.TraitChangePageOfPersonsRow {
			return dbsqlc.TraitChangePageOfPersonsRow(r)
		}), wrong
	} else {
		rows, err = dbsqlc.New().TraitChangePageOfPersons(ctx, tx, p)
	}
	changes := make(map[int64][]Change, len(ids))
	for _, r := range rows {
		changes[r.OfID] = append(changes[r.OfID], Change{Moment{r.SaidAt.UTC(), r.Name, r.MessageKey}, r.Value})
	}
	return changes, err
}

// NotesOf gives the notes of each of several persons or accounts since an instant and before a
// spot, the latest first; as TraitChanges does.
func NotesOf(ctx context.Context, tx pgx.Tx, of identity.Subject, ids []int64, most int, since time.Time, before NoteSpot) (map[int64][]Note, error) {
	p := dbsqlc.CustomerNotePageOfAccountsParams{AccountIds: ids, BeforeAt: before.At, BeforeID: before.ID, Since: since, Most: int64(most)}
	read := notesOfPersons
	if of == identity.OfAccount {
		read = dbsqlc.New().CustomerNotePageOfAccounts
	}
	rows, err := read(ctx, tx, p)
	notes := make(map[int64][]Note, len(ids))
	for _, r := range rows {
		notes[r.OfID] = append(notes[r.OfID], toNote(noteRow(r)))
	}
	return notes, err
}

func notesOfPersons(ctx context.Context, tx dbsqlc.DBTX, p dbsqlc.CustomerNotePageOfAccountsParams) ([]dbsqlc.CustomerNotePageOfAccountsRow, error) {
	rows, err := dbsqlc.New().CustomerNotePageOfPersons(ctx, tx, dbsqlc.CustomerNotePageOfPersonsParams{
		PersonIds: p.AccountIds, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Since: p.Since, Most: p.Most,
	})
	return turned(rows, func(r dbsqlc.CustomerNotePageOfPersonsRow) dbsqlc.CustomerNotePageOfAccountsRow {
		return dbsqlc.CustomerNotePageOfAccountsRow(r)
	}), err
}

func noteRow(r dbsqlc.CustomerNotePageOfAccountsRow) dbsqlc.CustomerNoteListByIDsRow {
	return dbsqlc.CustomerNoteListByIDsRow{
		NoteID: r.NoteID, Subject: r.Subject, SubjectID: r.SubjectID, Body: r.Body,
		CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy, ChangedAt: r.ChangedAt,
	}
}

// MergesByID finds several merges.
func (s *Service) MergesByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Merge, error) {
	found := make(map[uuid.UUID]Merge, len(ids))
	err := s.readMerges(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().PersonMergeListByIDs(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("read merges by id: %w", err)
		}
		for _, r := range rows {
			found[r.MergeID] = toMerge(dbsqlc.PersonMergeGetRow(r))
		}
		return nil
	})
	return found, err
}
