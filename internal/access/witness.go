package access

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Misuse is a way to use a key that it is not for.
type Misuse string

// The ways. They stand in the audit.
const (
	Revoked     Misuse = "REVOKED"
	Expired     Misuse = "EXPIRED"
	WrongPlace  Misuse = "WRONG_PLACE"  // for what its kind is not for
	WrongOrigin Misuse = "WRONG_ORIGIN" // from a page that it is not for
)

// How often something is told again, how much waits to be written, and for how long others
// may join.
const (
	useEvery      = time.Minute
	misuseEvery   = time.Hour
	rememberedUse = 10_000
	waitingUse    = 5_000
	waitingMisuse = 500
	gatherUses    = 200 * time.Millisecond
	writeWithin   = 10 * time.Second
)

// Witness keeps when each key was last used, to the minute, and puts what a key is not for
// into the audit, once an hour for each key and way. Whoever authenticates never waits for
// it: it writes behind them, and where it can't keep up it forgets.
type Witness struct {
	access *postgres.Access
	logger *slog.Logger
	wake   chan struct{}
	lately *otter.Cache[uuid.UUID, struct{}] // whose use was noted
	told   *otter.Cache[misused, struct{}]   // which misuse was

	mu      sync.Mutex
	uses    map[tenant.ID]*uses
	waiting int // uses in them
	misuses []misuse
}

// uses are those of a tenant, as they are written.
type uses = dbsqlc.APIKeyUseNoteParams

// misused names what is told once an hour.
type misused struct {
	key uuid.UUID
	as  Misuse
}

type misuse struct {
	misused
	who     Principal
	client  fault.Client
	request string
}

// NewWitness makes one; Run does the writing.
func NewWitness(access *postgres.Access, logger *slog.Logger) *Witness {
	return &Witness{
		access: access, logger: logger, wake: make(chan struct{}, 1), uses: map[tenant.ID]*uses{},
		lately: otter.Must(&otter.Options[uuid.UUID, struct{}]{
			MaximumSize: rememberedUse, ExpiryCalculator: otter.ExpiryWriting[uuid.UUID, struct{}](useEvery),
		}),
		told: otter.Must(&otter.Options[misused, struct{}]{
			MaximumSize: rememberedUse, ExpiryCalculator: otter.ExpiryWriting[misused, struct{}](misuseEvery),
		}),
	}
}

// Used tells that a key was used. It does not wait.
func (w *Witness) Used(ctx context.Context, who Principal) {
	if w == nil {
		return
	}
	if _, again := w.lately.GetIfPresent(who.ID); again {
		return
	}
	if _, first := w.lately.SetIfAbsent(who.ID, struct{}{}); !first {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting >= waitingUse {
		return
	}
	u := w.uses[who.Tenant]
	if u == nil {
		u = &uses{}
		w.uses[who.Tenant] = u
	}
	u.ApiKeyIds, u.UsedAts = append(u.ApiKeyIds, who.ID), append(u.UsedAts, time.Now())
	u.Networks = append(u.Networks, networkOf(fault.ClientOf(ctx).Address))
	w.waiting++
	w.poke()
}

// networkOf is the network of an address, as far as it is kept: which provider or company,
// and not who there.
func networkOf(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	bits := 48
	if address.Is4() {
		bits = 24
	}
	network, err := address.Prefix(bits)
	if err != nil || !address.IsValid() {
		return ""
	}
	return network.String()
}

// Misused tells that a key was used for what it is not for. It does not wait.
func (w *Witness) Misused(ctx context.Context, who Principal, as Misuse) {
	if w == nil {
		return
	}
	what := misused{who.ID, as}
	if _, again := w.told.GetIfPresent(what); again {
		return
	}
	if _, first := w.told.SetIfAbsent(what, struct{}{}); !first {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.misuses) < waitingMisuse {
		w.misuses = append(w.misuses, misuse{what, who, fault.ClientOf(ctx), fault.Request(ctx)})
		w.poke()
	}
}

// poke wakes Run. The caller holds mu.
func (w *Witness) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run writes what it is told of until ctx ends, and then what is left.
func (w *Witness) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			w.write(ctx)
			return nil
		case <-w.wake:
			gather := time.NewTimer(gatherUses)
			select {
			case <-ctx.Done():
			case <-gather.C:
			}
			gather.Stop()
			w.write(ctx)
		}
	}
}

func (w *Witness) write(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeWithin)
	defer cancel()
	w.mu.Lock()
	noted, misuses := w.uses, w.misuses
	w.uses, w.waiting, w.misuses = map[tenant.ID]*uses{}, 0, nil
	w.mu.Unlock()
	for id, u := range noted {
		if err := w.writeUses(ctx, id, *u); err != nil {
			w.logger.WarnContext(ctx, "the last use of keys was not kept", "keys", len(u.ApiKeyIds), "error", err)
		}
	}
	for _, m := range misuses {
		if err := w.writeMisuse(ctx, m); err != nil {
			w.told.Invalidate(m.misused) // so that the next is told
			w.logger.WarnContext(ctx, "a misuse of a key was not kept", "key", m.key, "as", string(m.as), "error", err)
		}
	}
}

func (w *Witness) writeUses(ctx context.Context, id tenant.ID, u uses) error {
	return w.access.InTenant(ctx, id, func(tx pgx.Tx) error { return dbsqlc.New().APIKeyUseNote(ctx, tx, u) })
}

// writeMisuse puts it into the audit, if no server has within the hour.
func (w *Witness) writeMisuse(ctx context.Context, m misuse) error {
	ctx = audit.WithActor(fault.WithRequest(fault.WithClient(ctx, m.client), m.request), m.who.actor())
	return w.access.InTenant(ctx, m.who.Tenant, func(tx pgx.Tx) error {
		first, err := dbsqlc.New().APIKeyMisuseNote(ctx, tx, dbsqlc.APIKeyMisuseNoteParams{ApiKeyID: m.key, Reason: string(m.as)})
		if err != nil || first == 0 {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.KeyMisused, Target: keyTarget(m.key), After: map[string]any{"as": m.as, "kind": m.who.Kind},
		})
	})
}

func keyTarget(id uuid.UUID) audit.Target { return audit.Target{Type: "key", ID: id.String()} }
