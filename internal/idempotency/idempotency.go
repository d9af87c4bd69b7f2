// Package idempotency has a request that comes again with its key answered as it was before,
// instead of done again. Keys belong to their caller: those of others are other keys, even
// where they read the same.
//
// A claim on the key is written before the request is done, and its answer after it. Between
// the two no transaction can stand, since what the request does commits on its own. So there
// is one gap: a process that dies after the effect and before the answer leaves a claim whose
// lease ends, and whoever comes then does the request again.
package idempotency

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// The times of a key.
const (
	// Lease is longer than any request may take, so a claim that has outlived it is nobody's.
	Lease        = 45 * time.Second
	KeptFor      = 24              // hours for which an answer is kept, at least
	settleWithin = 5 * time.Second // of writing the answer down
	tryAgain     = time.Second     // what a client is told to wait for the one before it
)

// maxAnswer is the size of an answer that is kept, in bytes: no more is sealed. A larger one
// is given once.
const maxAnswer = 64 << 10

// Keys keeps the answers of a database's tenants.
type Keys struct {
	app    *postgres.App
	vault  *secret.Vault
	logger *slog.Logger
	lease  time.Duration
}

// New makes the keeper. Answers are sealed by the vault: some show a key or a token.
func New(app *postgres.App, vault *secret.Vault, logger *slog.Logger) *Keys {
	return &Keys{app, vault, logger, Lease}
}

// slotOf is where a caller's key stands among its tenant's. It keeps neither the caller nor the key, which may be anything. Whoever looks as
// somebody else is another caller than they.
func slotOf(who access.Principal, key string) uuid.UUID {
	caller := string(who.Kind) + "/" + who.By().String() + "/" + who.Impersonator.String()
	sum := sha256.Sum256([]byte(caller + "\x00" + key))
	return uuid.UUID(sum[:16])
}

// Sealed is where answers stand, each sealed for its row: in another one it does not open.
var Sealed = secret.Place{
	Table: "idempotency_key", Column: "sealed_answer", Key: []string{"tenant_id", "slot"},
	Role: postgres.WorkerRole, Prefix: "idempotency/",
}

// claim is the right to do a request.
type claim struct {
	tenant tenant.ID
	slot   uuid.UUID
	id     uuid.UUID
}

func (c claim) sealing() []byte { return Sealed.Context(c.tenant.String(), c.slot.String()) }

// Once does a request, or gives the answer that it had, and says so. What do returns is kept
// if do says that it lasts; otherwise the key is free again. Faults: IDEMPOTENCY_KEY_REUSED
// where the key came with another fingerprint, IDEMPOTENCY_KEY_IN_FLIGHT where the request is
// being done, PAYLOAD_TOO_LARGE where it was done and its answer was not kept.
func (k *Keys) Once(ctx context.Context, key string, fingerprint [sha256.Size]byte, do func() (answer []byte, lasting bool)) (answer []byte, replayed bool, err error) {
	who, ok := access.From(ctx)
	if !ok || who.Tenant == tenant.None {
		return nil, false, fault.Input("Idempotency-Key", "An idempotency key belongs to a tenant, and this request to none. Send it without.")
	}
	c := claim{tenant: who.Tenant, slot: slotOf(who, key)}
	if c.id, err = uuid.NewRandom(); err != nil {
		return nil, false, fmt.Errorf("make claim: %w", err)
	}
	earlier, err := k.take(ctx, c, fingerprint)
	if err != nil {
		return nil, false, fmt.Errorf("claim idempotency key: %w", err)
	}
	if earlier != nil {
		answer, err = k.open(c, earlier)
		return answer, err == nil, err
	}
	answer, lasting := do()
	k.settle(ctx, c, answer, lasting)
	return answer, false, nil
}

// take claims the key, or gives the row of whoever has it answered.
func (k *Keys) take(ctx context.Context, c claim, fingerprint [sha256.Size]byte) (earlier *dbsqlc.IdempotencyKeyGetRow, err error) {
	err = k.app.InTenant(postgres.ForHouse(ctx), c.tenant, func(tx pgx.Tx) error {
		_, err := dbsqlc.New().IdempotencyKeyClaim(ctx, tx, dbsqlc.IdempotencyKeyClaimParams{
			Slot: c.slot, Fingerprint: fingerprint[:], ClaimID: c.id, LeaseSeconds: k.lease.Seconds(),
		})
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		row, err := dbsqlc.New().IdempotencyKeyGet(ctx, tx, c.slot)
		switch {
		case errors.Is(err, pgx.ErrNoRows): // forgotten a moment ago
			return errInFlight
		case err != nil:
			return err
		case [sha256.Size]byte(row.Fingerprint) != fingerprint:
			return errReused
		case !row.Answered:
			return errInFlight
		}
		earlier = &row
		return nil
	})
	return earlier, err
}

var (
	errReused   = fault.New(fault.IdempotencyKeyReused, "This idempotency key came with another request before, or with other rights.").In("Idempotency-Key")
	errInFlight = fault.New(fault.IdempotencyKeyInFlight, "The first request with this idempotency key is not answered yet.").In("Idempotency-Key").After(tryAgain)
	errTooLarge = fault.New(fault.TooLarge, "This was done before, and its answer was too large to be kept.").In("Idempotency-Key")
)

func (k *Keys) open(c claim, row *dbsqlc.IdempotencyKeyGetRow) ([]byte, error) {
	if row.SealedAnswer == nil {
		return nil, errTooLarge
	}
	answer, err := k.vault.Open(row.SealedAnswer, c.sealing())
	if err != nil {
		return nil, fmt.Errorf("open stored answer: %w", err)
	}
	return answer, nil
}

// settle writes down what has become of a claim, also for a client that has left. What can't
// be written is in the log: the client has its answer, and the claim ends with its lease.
func (k *Keys) settle(ctx context.Context, c claim, answer []byte, lasting bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	err := k.write(ctx, c, answer, lasting)
	if f, _ := fault.Of(err); err != nil && f.Code == fault.Unavailable { // a connection that broke: another may not
		err = k.write(ctx, c, answer, lasting)
	}
	if err != nil {
		k.logger.ErrorContext(ctx, "the answer of an idempotency key is not kept", "error", err, "request", fault.Request(ctx))
	}
}

func (k *Keys) write(ctx context.Context, c claim, answer []byte, lasting bool) error {
	var sealed []byte
	if lasting && len(answer) <= maxAnswer {
		var err error
		if sealed, err = k.vault.Seal(answer, c.sealing()); err != nil {
			return fmt.Errorf("seal answer: %w", err)
		}
	}
	return k.app.InTenant(postgres.ForHouse(ctx), c.tenant, func(tx pgx.Tx) (err error) {
		var mine int64
		if lasting {
			mine, err = dbsqlc.New().IdempotencyKeyAnswer(ctx, tx, dbsqlc.IdempotencyKeyAnswerParams{SealedAnswer: sealed, Slot: c.slot, ClaimID: c.id})
		} else {
			mine, err = dbsqlc.New().IdempotencyKeyRelease(ctx, tx, dbsqlc.IdempotencyKeyReleaseParams{Slot: c.slot, ClaimID: c.id})
		}
		if err == nil && mine == 0 {
			k.logger.WarnContext(ctx, "a claim on an idempotency key was settled before", "request", fault.Request(ctx))
		}
		return err
	})
}

// forgetAtOnce is how many rows one transaction of the worker takes away.
const forgetAtOnce = 5_000

// Forget takes away the keys that are old enough, in steps.
func Forget(ctx context.Context, worker *postgres.Worker) error {
	for {
		var forgotten int64
		err := worker.InTx(ctx, func(tx pgx.Tx) (err error) {
			forgotten, err = dbsqlc.New().IdempotencyKeyForget(ctx, tx, dbsqlc.IdempotencyKeyForgetParams{Hours: KeptFor, Most: forgetAtOnce})
			return err
		})
		if err != nil {
			return fmt.Errorf("forget idempotency keys: %w", err)
		}
		if forgotten < forgetAtOnce {
			return nil
		}
	}
}
