package customer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Note is something that was noted of a person or an account.
type Note struct {
	ID        uuid.UUID
	Of        Subject
	Text      string
	By        uuid.UUID // a member's login, or a key
	CreatedAt time.Time
	ChangedAt *time.Time // nil: never
}

// Subject is a person, by an identity of theirs, or an account.
type Subject struct {
	Kind identity.Subject
	ID   int64
}

// topic is that of whoever reads of the subject.
func (s Subject) topic() topic.Subject {
	if s.Kind == identity.OfAccount {
		return topic.Account
	}
	return topic.Person
}

func (s Subject) target() audit.Target {
	return audit.Target{Type: string(s.Kind), ID: fmt.Sprint(s.ID)}
}

// maxNote is how many characters a note may have.
const maxNote = 10_000

func checkNote(text string) error {
	if n := utf8.RuneCountInString(text); n < 1 || n > maxNote || strings.TrimSpace(text) == "" {
		return fault.Input("text", "A note has 1 to 10,000 characters.")
	}
	if !Sendable(text) {
		return fault.Input("text", "The note has a character that cannot be kept.")
	}
	return nil
}

// care runs a change of what is noted of customers, or of who looks after them.
func (s *Service) care(ctx context.Context, fn func(tx pgx.Tx, who access.Principal) error) error {
	who, err := access.Require(ctx, access.EditCustomers)
	if err != nil {
		return err
	}
	return s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error { return fn(tx, who) })
}

// present finds the subject as it is now: of a person the root.
func present(ctx context.Context, tx pgx.Tx, field string, of Subject) (Subject, error) {
	if of.Kind == identity.OfAccount {
		there, err := dbsqlc.New().AccountExists(ctx, tx, of.ID)
		if err == nil && !there {
			err = errNobody.In(field)
		}
		return of, err
	}
	root, err := dbsqlc.New().PersonOf(ctx, tx, of.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		err = errNobody.In(field)
	}
	return Subject{of.Kind, root}, err
}

// AddNote writes a note on a person or an account.
func (s *Service) AddNote(ctx context.Context, to Subject, text string) (note Note, err error) {
	if err := checkNote(text); err != nil {
		return note, err
	}
	err = s.care(ctx, func(tx pgx.Tx, who access.Principal) error {
		of, err := present(ctx, tx, "to", to)
		if err != nil {
			return err
		}
		id, err := newID()
		if err != nil {
			return err
		}
		row, err := dbsqlc.New().CustomerNoteInsert(ctx, tx, dbsqlc.CustomerNoteInsertParams{
			NoteID: id, Subject: of.Kind, SubjectID: of.ID, Body: text, CreatedBy: who.By(),
		})
		if err != nil {
			return fmt.Errorf("insert note: %w", err)
		}
		note = toNote(dbsqlc.CustomerNoteListByIDsRow(row))
		return recordNote(ctx, tx, audit.NoteAdded, note)
	})
	return note, err
}

// recordNote writes into the audit log what was done with a note, and nothing of what it says:
// the log forgets nothing.
func recordNote(ctx context.Context, tx pgx.Tx, action audit.Action, n Note) error {
	return audit.Write(ctx, tx, audit.Entry{
		Action: action, Target: audit.Target{Type: "note", ID: n.ID.String()},
		After: map[string]string{"subject": string(n.Of.Kind), "id": fmt.Sprint(n.Of.ID)},
	})
}

// ChangeNote writes a note anew.
func (s *Service) ChangeNote(ctx context.Context, id uuid.UUID, text string) (note Note, err error) {
	if err := checkNote(text); err != nil {
		return note, err
	}
	err = s.care(ctx, func(tx pgx.Tx, _ access.Principal) error {
		if err := noteStays(ctx, tx, id); err != nil {
			return err
		}
		row, err := dbsqlc.New().CustomerNoteChange(ctx, tx, dbsqlc.CustomerNoteChangeParams{NoteID: id, Body: text})
		if err != nil {
			return fmt.Errorf("change note: %w", err)
		}
		note = toNote(dbsqlc.CustomerNoteListByIDsRow(row))
		return recordNote(ctx, tx, audit.NoteChanged, note)
	})
	return note, err
}

// RemoveNote takes a note away, with what it said.
func (s *Service) RemoveNote(ctx context.Context, id uuid.UUID) error {
	return s.care(ctx, func(tx pgx.Tx, _ access.Principal) error {
		if err := noteStays(ctx, tx, id); err != nil {
			return err
		}
		row, err := dbsqlc.New().CustomerNoteRemove(ctx, tx, id)
		if err != nil {
			return fmt.Errorf("remove note: %w", err)
		}
		return recordNote(ctx, tx, audit.NoteRemoved, toNote(dbsqlc.CustomerNoteListByIDsRow(row)))
	})
}

// noteStays fails where there is no such note, or it is of somebody who is being erased.
func noteStays(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	rows, err := dbsqlc.New().CustomerNoteListByIDs(ctx, tx, []uuid.UUID{id})
	if err != nil {
		return fmt.Errorf("find note: %w", err)
	}
	if len(rows) == 0 {
		return errNobody.In("id")
	}
	return nil
}

func toNote(r dbsqlc.CustomerNoteListByIDsRow) Note {
	return Note{r.NoteID, Subject{r.Subject, r.SubjectID}, r.Body, r.CreatedBy, r.CreatedAt.UTC(), r.ChangedAt}
}

// NotesByID finds several notes.
func (s *Service) NotesByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Note, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	found := make(map[uuid.UUID]Note, len(ids))
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().CustomerNoteListByIDs(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("read notes: %w", err)
		}
		for _, r := range rows {
			n := toNote(r)
			found[n.ID] = n
			note(ctx, who, n.Of.topic(), []int64{n.Of.ID})
		}
		return nil
	})
	return found, err
}

// NoteSpot is where a note stands in a list.
type NoteSpot struct {
	At time.Time
	ID uuid.UUID
}

// AccountNotes gives a page of the notes of each account, the latest first; before the zero spot,
// from the latest.
func (s *Service) AccountNotes(ctx context.Context, accounts []int64, first int, before NoteSpot) (map[int64]Page[Note], error) {
	return s.notes(ctx, identity.OfAccount, accounts, first, before)
}

// PersonNotes is AccountNotes of persons.
func (s *Service) PersonNotes(ctx context.Context, persons []int64, first int, before NoteSpot) (map[int64]Page[Note], error) {
	return s.notes(ctx, identity.OfPerson, persons, first, before)
}

func (s *Service) notes(ctx context.Context, of identity.Subject, ids []int64, first int, before NoteSpot) (map[int64]Page[Note], error) {
	if err := CheckFirst(first); err != nil {
		return nil, err
	}
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	if before == (NoteSpot{}) {
		before.At = endOfTime.At
	}
	subject := Subject{Kind: of}.topic()
	pages := make(map[int64]Page[Note], len(ids))
	err = s.read(ctx, subject, ids, func(tx pgx.Tx) error {
		notes, err := NotesOf(ctx, tx, of, ids, first+1, beginningOfTime, before)
		if err != nil {
			return fmt.Errorf("read notes of %ss: %w", subject, err)
		}
		for id, list := range notes {
			page := Page[Note]{Items: list[:min(first, len(list))], More: len(list) > first}
			for _, n := range page.Items {
				if n.Of.ID != id { // it was written before a merge
					note(ctx, who, subject, []int64{n.Of.ID})
				}
			}
			pages[id] = page
		}
		return nil
	})
	return pages, err
}

// beginningOfTime stands before everything that is kept.
var beginningOfTime = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
