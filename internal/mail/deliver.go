package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/secret"
)

const (
	takenAtOnce  = 10
	lease        = takenAtOnce*sendWithin + time.Minute // longer than their delivery takes
	firstWait    = 10 * time.Second                     // before a mail is tried again; it doubles
	longestWait  = time.Hour
	mostAttempts = 60                 // some two days; then it is given up
	keptFor      = 7 * 24 * time.Hour // what was given up, for people to look at
)

// Deliverer delivers what waits in the outbox.
type Deliverer struct {
	worker *postgres.Worker
	vault  *secret.Vault
	sender Sender
	logger *slog.Logger
}

// NewDeliverer makes a deliverer.
func NewDeliverer(worker *postgres.Worker, vault *secret.Vault, sender Sender, logger *slog.Logger) *Deliverer {
	return &Deliverer{worker, vault, sender, logger}
}

// Deliver delivers what is due. A mail that can't be delivered is tried again later, and keeps
// no other from being sent.
func (d *Deliverer) Deliver(ctx context.Context) error {
	for ctx.Err() == nil {
		var taken []dbsqlc.MailTakeRow
		err := d.worker.InTx(ctx, func(tx pgx.Tx) (err error) {
			taken, err = dbsqlc.New().MailTake(ctx, tx, dbsqlc.MailTakeParams{LeaseSeconds: lease.Seconds(), Most: takenAtOnce})
			return err
		})
		if err != nil {
			return fmt.Errorf("take mail: %w", err)
		}
		for _, m := range taken {
			if err := d.one(ctx, m); err != nil {
				return err
			}
		}
		if len(taken) < takenAtOnce {
			return nil
		}
	}
	return ctx.Err()
}

// one delivers a mail, and notes what became of it.
func (d *Deliverer) one(ctx context.Context, row dbsqlc.MailTakeRow) error {
	failed := d.send(ctx, row)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := d.worker.InTx(ctx, func(tx pgx.Tx) error {
		switch {
		case failed == nil:
			return dbsqlc.New().MailSent(ctx, tx, row.MailID)
		case row.Attempts >= mostAttempts:
			return dbsqlc.New().MailGiveUp(ctx, tx, row.MailID)
		}
		return dbsqlc.New().MailRetry(ctx, tx, dbsqlc.MailRetryParams{MailID: row.MailID, WaitSeconds: waitAfter(int(row.Attempts)).Seconds()})
	})
	if failed != nil {
		d.logger.WarnContext(ctx, "a mail could not be sent", "mail", row.MailID, "attempts", row.Attempts,
			"given_up", row.Attempts >= mostAttempts, "error", failed)
	}
	if err != nil {
		return fmt.Errorf("note mail: %w", err)
	}
	return nil
}

func (d *Deliverer) send(ctx context.Context, row dbsqlc.MailTakeRow) error {
	plain, err := d.vault.Open(row.SealedMail, Place.Context(row.MailID.String()))
	if err != nil {
		return err
	}
	var m Message
	if err := json.Unmarshal(plain, &m); err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	return d.sender.Send(ctx, row.MailID, m)
}

// waitAfter is how long a mail waits after so many attempts.
func waitAfter(attempts int) time.Duration {
	wait := firstWait
	for range attempts - 1 {
		if wait *= 2; wait >= longestWait {
			return longestWait
		}
	}
	return wait
}

// Forget drops what was given up long ago.
func (d *Deliverer) Forget(ctx context.Context) error {
	err := d.worker.InTx(ctx, func(tx pgx.Tx) error {
		before := time.Now().Add(-keptFor)
		_, err := dbsqlc.New().MailForget(ctx, tx, &before)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget mail: %w", err)
	}
	return nil
}

// messageID names a mail for good, so that one that was sent twice is known as one.
func messageID(id uuid.UUID, from string) string {
	_, host, _ := cutLast(from, '@')
	return id.String() + "@" + host
}
