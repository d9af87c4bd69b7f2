package document

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// For how long an answer of the database is believed, and how many are: a change counts
// everywhere within this time, whether or not a server is told of it.
const (
	believedFor   = time.Second
	believedModes = 10_000
	believedBytes = 32 << 20 // of registered documents' texts
)

// trust knows which documents of which tenant may run.
type trust struct {
	app     *postgres.App
	modes   *otter.Cache[tenant.ID, Mode]
	texts   *otter.Cache[slot, string] // of registered documents only, so that guesses push nothing out
	changes atomic.Uint64              // how often something is known to have changed
}

// slot is a document of a tenant.
type slot struct {
	tenant tenant.ID
	hash   Hash
}

func newTrust(app *postgres.App) *trust {
	return &trust{app: app,
		modes: otter.Must(&otter.Options[tenant.ID, Mode]{
			MaximumSize: believedModes, ExpiryCalculator: otter.ExpiryWriting[tenant.ID, Mode](believedFor),
		}),
		texts: otter.Must(&otter.Options[slot, string]{
			MaximumWeight: believedBytes, Weigher: weigh,
			ExpiryCalculator: otter.ExpiryWriting[slot, string](believedFor),
		}),
	}
}

// slotBytes is about what an entry costs beside its text.
const slotBytes = 200

func weigh(_ slot, text string) uint32 { return uint32(slotBytes + len(text)) }

// look gives the text of a document that is registered; else "".
func (t *trust) look(ctx context.Context, id tenant.ID, hash Hash) (string, error) {
	if text, registered := t.texts.GetIfPresent(slot{id, hash}); registered {
		return text, nil
	}
	_, text, err := t.read(ctx, id, hash)
	return text, err
}

// mode gives a tenant's mode alone.
func (t *trust) mode(ctx context.Context, id tenant.ID) (Mode, error) {
	if mode, known := t.modes.GetIfPresent(id); known {
		return mode, nil
	}
	mode, _, err := t.read(ctx, id, Hash{})
	return mode, err
}

func (t *trust) read(ctx context.Context, id tenant.ID, hash Hash) (mode Mode, text string, err error) {
	changes := t.changes.Load()
	err = t.app.ReadOnce(postgres.ForHouse(ctx), id, func(tx pgx.Tx) error {
		row, err := dbsqlc.New().TrustedDocumentLookUp(ctx, tx, hash[:])
		mode = Mode(row.DocumentMode)
		if row.Body != nil {
			text = *row.Body
		}
		return err
	})
	if err != nil {
		return "", "", fmt.Errorf("look up document: %w", err)
	}
	t.modes.Set(id, mode)
	if text != "" {
		t.texts.Set(slot{id, hash}, text)
	}
	if t.changes.Load() != changes { // while it was read: what was read may be the old one
		t.forget()
	}
	return mode, text, nil
}

// forget has everything looked up afresh.
func (t *trust) forget() {
	t.changes.Add(1)
	t.modes.InvalidateAll()
	t.texts.InvalidateAll()
}

var errNotTrusted = fault.New(fault.DocumentNotTrusted, "Only registered documents are taken here, and this is none.")
