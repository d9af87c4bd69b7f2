package document

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// maxPage is how many documents one page may have.
const maxPage = 500

// Service manages what a tenant has registered.
type Service struct {
	app   *postgres.App
	check Check
}

// NewService makes the service; check holds documents against the schema.
func NewService(app *postgres.App, check Check) *Service { return &Service{app, check} }

// Status is what became of a document that was to be registered.
type Status string

// The statuses.
const (
	Registered Status = "REGISTERED" // it may run from now on
	Known      Status = "KNOWN"      // it might before
	Refused    Status = "REFUSED"    // it can't be registered; the others are
)

// Outcome is what became of one draft. Field and Reason are of a refused one.
type Outcome struct {
	Hash          Hash
	Status        Status
	Field, Reason string
	Document      *Document // nil if it was refused
}

// Register takes documents in, each for itself: one that is refused keeps no other out. The
// outcomes are in the order of the drafts. Errors are BAD_USER_INPUT where there are none or
// too many, and those that pass.
func (s *Service) Register(ctx context.Context, drafts []Draft) ([]Outcome, error) {
	who, err := access.Require(ctx, access.ManageDocuments)
	if err != nil {
		return nil, err
	}
	if len(drafts) < 1 || len(drafts) > MaxAtOnce {
		return nil, fault.Input("documents", "Between 1 and %d documents are taken at a time.", MaxAtOnce)
	}
	outcomes := make([]Outcome, len(drafts))
	var rows []dbsqlc.TrustedDocumentRegisterParams
	for i, draft := range drafts {
		outcomes[i] = Outcome{Hash: HashOf(draft.Body), Status: Known}
		named, problem := draft.check(ctx, s.check)
		if problem != nil {
			outcomes[i].Status, outcomes[i].Field, outcomes[i].Reason = Refused, problem.Field, problem.Message
			continue
		}
		hash := outcomes[i].Hash
		rows = append(rows, dbsqlc.TrustedDocumentRegisterParams{Hash: hash[:], Name: named.Name, Body: named.Body, CreatedBy: who.By()})
	}
	if len(rows) == 0 {
		return outcomes, nil
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		if err := register(ctx, tx, rows, outcomes); err != nil {
			return err
		}
		return noteRegistered(ctx, tx, who.Tenant, outcomes)
	})
	if err != nil {
		return nil, fmt.Errorf("register documents: %w", err)
	}
	return outcomes, nil
}

// register writes what may be written, within the tenant's bound.
func register(ctx context.Context, tx pgx.Tx, rows []dbsqlc.TrustedDocumentRegisterParams, outcomes []Outcome) error {
	if err := dbsqlc.New().TrustedDocumentTakeTurn(ctx, tx); err != nil {
		return err
	}
	made, err := insert(ctx, tx, rows)
	if err != nil {
		return err
	}
	total, err := dbsqlc.New().TrustedDocumentCount(ctx, tx)
	if err != nil {
		return err
	}
	if total > MaxRegistered && len(made) > 0 {
		return fault.Newf(fault.BadUserInput, "A tenant has at most %d documents, those retired in the last %d days included.", MaxRegistered, RetiredFor).In("documents")
	}
	hashes := make([][]byte, len(rows))
	for i := range rows {
		hashes[i] = rows[i].Hash
	}
	found, err := dbsqlc.New().TrustedDocumentListByHashes(ctx, tx, hashes)
	if err != nil {
		return err
	}
	tell(outcomes, made, found)
	return nil
}

// insert gives the hashes that are new, or back.
func insert(ctx context.Context, tx pgx.Tx, rows []dbsqlc.TrustedDocumentRegisterParams) (map[Hash]bool, error) {
	made := map[Hash]bool{}
	var problems []error
	dbsqlc.New().TrustedDocumentRegister(ctx, tx, rows).QueryRow(func(_ int, hash []byte, err error) {
		switch {
		case err == nil:
			made[Hash(hash)] = true
		case !errors.Is(err, pgx.ErrNoRows): // none: it was there
			problems = append(problems, err)
		}
	})
	return made, errors.Join(problems...)
}

// tell completes the outcomes. Of a text that comes twice the first is the one registered.
func tell(outcomes []Outcome, made map[Hash]bool, found []dbsqlc.TrustedDocumentListByHashesRow) {
	documents := make(map[Hash]*Document, len(found))
	for _, row := range found {
		d := documentOf(dbsqlc.TrustedDocumentPageRow(row))
		documents[d.Hash] = &d
	}
	for i := range outcomes {
		o := &outcomes[i]
		if o.Status == Refused {
			continue
		}
		o.Document = documents[o.Hash]
		if made[o.Hash] {
			o.Status = Registered
			delete(made, o.Hash)
		}
	}
}

var errNone = fault.New(fault.NotFound, "There is no such document.").In("id")

// target is what a document is called in the audit log.
func target(hash Hash) audit.Target { return audit.Target{Type: "document", ID: hash.String()} }

// noteRegistered leaves one entry for all documents that a call has put on the list.
func noteRegistered(ctx context.Context, tx pgx.Tx, who tenant.ID, outcomes []Outcome) error {
	var hashes []string
	for _, o := range outcomes {
		if o.Status == Registered {
			hashes = append(hashes, o.Hash.String())
		}
	}
	if len(hashes) == 0 {
		return nil
	}
	return audit.Write(ctx, tx, audit.Entry{
		Action: audit.DocumentRegistered, Target: audit.Target{Type: "tenant", ID: who.String()}, After: map[string]any{"documents": hashes},
	})
}

// Retire ends a document's trust, and gives it as it is then. One that is retired stays so.
func (s *Service) Retire(ctx context.Context, hash Hash) (d Document, err error) {
	who, err := access.Require(ctx, access.ManageDocuments)
	if err != nil {
		return d, err
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		retired, err := dbsqlc.New().TrustedDocumentRetire(ctx, tx, hash[:])
		if err != nil {
			return err
		}
		if d, err = get(ctx, tx, hash); err != nil || retired == 0 {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.DocumentRemoved, Target: target(hash), Before: map[string]any{"name": d.Name}})
	})
	if err != nil {
		return d, fmt.Errorf("retire document: %w", err)
	}
	return d, nil
}

// Find gives a document of the tenant that asks, by its hash.
func (s *Service) Find(ctx context.Context, hash Hash) (d Document, err error) {
	err = s.read(ctx, func(tx pgx.Tx) error {
		d, err = get(ctx, tx, hash)
		return err
	})
	return d, err
}

func get(ctx context.Context, tx pgx.Tx, hash Hash) (Document, error) {
	row, err := dbsqlc.New().TrustedDocumentGet(ctx, tx, hash[:])
	if errors.Is(err, pgx.ErrNoRows) {
		return Document{}, errNone
	}
	if err != nil {
		return Document{}, err
	}
	return documentOf(dbsqlc.TrustedDocumentPageRow(row)), nil
}

// Position is where a document stands among its tenant's: by when it was registered.
type Position struct {
	At   time.Time
	Hash Hash
}

// Page is a part of the list of documents.
type Page struct {
	Documents []Document
	More      bool // whether older ones follow
}

// Page lists documents, the newest first: those that are retired, or those that are not.
func (s *Service) Page(ctx context.Context, first int, after *Position, retired bool) (page Page, err error) {
	if first < 1 || first > maxPage {
		return page, fault.Input("first", "Between 1 and %d are allowed.", maxPage)
	}
	before := Position{At: endOfTime}
	if after != nil {
		before = *after
	}
	err = s.read(ctx, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().TrustedDocumentPage(ctx, tx, dbsqlc.TrustedDocumentPageParams{
			Retired: retired, BeforeAt: before.At, BeforeHash: before.Hash[:], Most: int64(first) + 1, // one more tells whether more follow
		})
		page.More = len(rows) > first
		for _, row := range rows[:min(len(rows), first)] {
			page.Documents = append(page.Documents, documentOf(row))
		}
		return err
	})
	return page, err
}

// endOfTime is after every document; PostgreSQL can compare with it.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Count counts the documents that are retired, or those that are not.
func (s *Service) Count(ctx context.Context, retired bool) (n int64, err error) {
	err = s.read(ctx, func(tx pgx.Tx) error {
		n, err = dbsqlc.New().TrustedDocumentCountOf(ctx, tx, retired)
		return err
	})
	return n, err
}

func (s *Service) read(ctx context.Context, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.ManageDocuments)
	if err != nil {
		return err
	}
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Document, ""))
	if err := s.app.Read(ctx, who.Tenant, fn); err != nil {
		return fmt.Errorf("read documents: %w", err)
	}
	return nil
}

// SetMode says which documents the callers of the tenant that asks may run.
func (s *Service) SetMode(ctx context.Context, mode Mode) error {
	who, err := access.Require(ctx, access.ManageDocuments)
	if err != nil {
		return err
	}
	if mode != Open && mode != TrustedOnly {
		return fault.Input("mode", "There is no such mode.")
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		before, err := dbsqlc.New().TenantSetDocumentMode(ctx, tx, dbsqlc.DocumentMode(mode))
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.DocumentsEnforced, Target: audit.Target{Type: "tenant", ID: who.Tenant.String()},
			Before: map[string]any{"mode": before}, After: map[string]any{"mode": mode},
		})
	})
	if err != nil {
		return fmt.Errorf("set document mode: %w", err)
	}
	return nil
}

// forgetAtOnce is how many rows one transaction of the worker takes away.
const forgetAtOnce = 1_000

// Forget takes away what was retired long ago, in steps.
func Forget(ctx context.Context, worker *postgres.Worker) error {
	for {
		var forgotten int64
		err := worker.InTx(ctx, func(tx pgx.Tx) (err error) {
			forgotten, err = dbsqlc.New().TrustedDocumentForget(ctx, tx, dbsqlc.TrustedDocumentForgetParams{Days: RetiredFor, Most: forgetAtOnce})
			return err
		})
		if err != nil {
			return fmt.Errorf("forget retired documents: %w", err)
		}
		if forgotten < forgetAtOnce {
			return nil
		}
	}
}
