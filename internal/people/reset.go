package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/mail"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// resetFor is how long the link to a new password is good.
const resetFor = 30 * time.Minute

// RequestPasswordReset has a link to a new password sent, if somebody has this address. That is
// found out later, by [Service.SendResets], so that the answer, and its time, are the same.
func (s *Service) RequestPasswordReset(ctx context.Context, email string) error {
	email = normalEmail(email)
	if mail.CheckAddress(email) != nil {
		return fault.Input("email", "This is not an e-mail address.")
	}
	// Counted apart from sign-ins: whoever asks for mail for others locks nobody out.
	if err := s.attempts.Take(ctx, "reset "+email, fault.ClientOf(ctx).Address); err != nil {
		return err
	}
	err := s.access.InTx(ctx, func(tx pgx.Tx) error { return dbsqlc.New().PasswordResetRequest(ctx, tx, email) })
	if err != nil {
		return fmt.Errorf("request reset: %w", err)
	}
	return nil
}

// resetsAtOnce is how many requests one transaction answers.
const resetsAtOnce = 50

// SendResets answers the requests that wait.
func (s *Service) SendResets(ctx context.Context) error {
	for ctx.Err() == nil {
		done := 0
		err := s.access.InTx(ctx, func(tx pgx.Tx) error {
			waiting, err := dbsqlc.New().PasswordResetTake(ctx, tx, resetsAtOnce)
			if err != nil {
				return fmt.Errorf("take requests: %w", err)
			}
			var ids []uuid.UUID
			for _, request := range waiting {
				ids = append(ids, request.RequestID)
				if err := s.sendReset(ctx, tx, request.Email); err != nil {
					return err
				}
			}
			done = len(waiting)
			return dbsqlc.New().PasswordResetDone(ctx, tx, ids)
		})
		if err != nil {
			return fmt.Errorf("send resets: %w", err)
		}
		if done < resetsAtOnce {
			return nil
		}
	}
	return ctx.Err()
}

// sendReset puts the mail of a request, if somebody has the address.
func (s *Service) sendReset(ctx context.Context, tx pgx.Tx, email string) error {
	who, err := dbsqlc.New().LoginByEmail(ctx, tx, email)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find login: %w", err)
	}
	token, hash, err := newToken(resetPrefix, who.LoginID)
	if err != nil {
		return err
	}
	queries := dbsqlc.New()
	if err := queries.LoginEnter(ctx, tx, who.LoginID.String()); err != nil {
		return fmt.Errorf("name login: %w", err)
	}
	err = queries.PasswordResetCreate(ctx, tx, dbsqlc.PasswordResetCreateParams{LoginID: who.LoginID, TokenHash: hash, ExpiresAt: s.now().Add(resetFor)})
	if err != nil {
		return fmt.Errorf("create reset: %w", err)
	}
	return s.outbox.Put(ctx, tx, resetMail(who.Email, s.link("reset-password", "token", token)))
}

var errReset = fault.New(fault.NotFound, "This link is not, or no longer, good. Ask for another one.").In("token")

// ResetPassword gives a login another password, for the token of a mail, and ends all of their
// sessions. A second factor stays: a mailbox alone opens nothing that has one.
func (s *Service) ResetPassword(ctx context.Context, token, password string) error {
	login, hash, ok := parseToken(resetPrefix, token)
	if !ok {
		return errReset
	}
	var who dbsqlc.LoginGetRow
	err := s.access.AsLogin(ctx, login, func(tx pgx.Tx) error {
		open, err := dbsqlc.New().PasswordResetIsOpen(ctx, tx, dbsqlc.PasswordResetIsOpenParams{LoginID: login, TokenHash: hash})
		if err == nil && !open {
			return errReset
		}
		if err != nil {
			return fmt.Errorf("find reset: %w", err)
		}
		who, err = dbsqlc.New().LoginGet(ctx, tx, login)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.policy.check("password", password, who.Email, who.Name); err != nil {
		return err
	}
	actor := audit.WithActor(ctx, audit.Actor{Kind: audit.Nobody})
	return s.setPassword(actor, login, password, uuid.Nil, audit.PasswordReset, func(tx pgx.Tx) error {
		used, err := dbsqlc.New().PasswordResetUse(ctx, tx, dbsqlc.PasswordResetUseParams{LoginID: login, TokenHash: hash})
		if err != nil {
			return fmt.Errorf("use reset: %w", err)
		}
		if used == 0 {
			return errReset
		}
		return nil
	})
}
