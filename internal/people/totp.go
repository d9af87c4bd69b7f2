package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/secret"
)

// One-time passwords by time (RFC 6238), as all authenticator apps make them.
const (
	period     = 30 // seconds of a step
	drift      = 1  // steps that a clock may be ahead or behind
	secretSize = 20 // bytes: the length of SHA-1's hash (RFC 4226, 4)
)

// SecondFactorPlace is where secrets stand, for the rotation of keys.
var SecondFactorPlace = secret.Place{Table: "second_factor", Column: "sealed_secret", Key: []string{"login_id"}, Role: "tidemark_worker", Prefix: "totp/"}

// errCode is the one answer to a code that is wrong, was used, or is of another time.
var errCode = fault.New(fault.Unauthenticated, "The code is wrong, or was used already.").In("code")

// VerifySecondFactor begins the session of a challenge, with a code of the authenticator app
// or a recovery code.
func (s *Service) VerifySecondFactor(ctx context.Context, challengeToken, code string) (Tokens, error) {
	i, err := s.signer.verify(challenge, challengeToken)
	if err != nil {
		return Tokens{}, fault.New(fault.Unauthenticated, "The sign-in took too long. Begin again.").In("challenge").Because(err)
	}
	if err := s.checkCode(ctx, i.login, code); err != nil {
		return Tokens{}, err
	}
	return s.enter(ctx, i.tenant, start{login: i.login, provider: i.provider, secondFactor: true})
}

// checkCode takes a code of a login's second factor, which is good once. Attempts are counted
// for the login, whoever makes them.
func (s *Service) checkCode(ctx context.Context, who uuid.UUID, code string) error {
	account := "second factor " + who.String()
	if err := s.attempts.Take(ctx, account, fault.ClientOf(ctx).Address); err != nil {
		return err
	}
	err := s.access.AsLogin(ctx, who, func(tx pgx.Tx) error {
		factor, err := dbsqlc.New().SecondFactorGet(ctx, tx, who)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && factor.ConfirmedAt == nil {
			return errCode
		}
		if err != nil {
			return fmt.Errorf("find second factor: %w", err)
		}
		if digits, isTOTP := digitsOf(code); isTOTP {
			return s.useStep(ctx, tx, factor, digits)
		}
		return useRecoveryCode(ctx, tx, who, code)
	})
	if errors.Is(err, errCode) {
		return errors.Join(s.failed(ctx, who, "", "second factor"), errCode)
	}
	if err != nil {
		return err
	}
	return s.attempts.Succeeded(ctx, account)
}

// useStep takes the code of a time step, unless that step or a later one was taken: of any
// number at once one succeeds.
func (s *Service) useStep(ctx context.Context, tx pgx.Tx, factor dbsqlc.SecondFactorGetRow, digits string) error {
	step, err := s.stepOf(factor, digits)
	if err != nil {
		return err
	}
	taken, err := dbsqlc.New().SecondFactorUseStep(ctx, tx, dbsqlc.SecondFactorUseStepParams{LoginID: factor.LoginID, Step: step})
	if err != nil {
		return fmt.Errorf("use code: %w", err)
	}
	if taken == 0 {
		return errCode
	}
	return nil
}

// stepOf finds the time step, around now, that a code belongs to.
func (s *Service) stepOf(factor dbsqlc.SecondFactorGetRow, digits string) (int64, error) {
	key, err := s.vault.Open(factor.SealedSecret, SecondFactorPlace.Context(factor.LoginID.String()))
	if err != nil {
		return 0, fmt.Errorf("open second factor: %w", err)
	}
	now, found := s.now().Unix()/period, int64(0)
	for step := now - drift; step <= now+drift; step++ {
		want, err := codeAt(key, step)
		if err != nil {
			return 0, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(digits)) == 1 {
			found = step
		}
	}
	if found == 0 {
		return 0, errCode
	}
	return found, nil
}

func codeAt(key []byte, step int64) (string, error) {
	code, err := hotp.GenerateCodeCustom(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key), uint64(step),
		hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", fmt.Errorf("work out code: %w", err)
	}
	return code, nil
}

// digitsOf reads a code of six figures, as people type them.
func digitsOf(code string) (string, bool) {
	digits := strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	if len(digits) != 6 || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	return digits, true
}

func (s *Service) hasSecondFactor(ctx context.Context, who uuid.UUID) (has bool, err error) {
	err = s.access.AsLogin(ctx, who, func(tx pgx.Tx) error {
		factor, err := dbsqlc.New().SecondFactorGet(ctx, tx, who)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		has = factor.ConfirmedAt != nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("find second factor: %w", err)
	}
	return has, nil
}

// Enrolment is a second factor before its first code. It is shown once.
type Enrolment struct {
	Secret string // base32, to be typed
	URI    string // otpauth://, to be shown as a QR code
}

// EnrolSecondFactor makes a secret for the authenticator app of who asks. It is asked of nobody
// before a first code has confirmed it.
func (s *Service) EnrolSecondFactor(ctx context.Context, password string) (e Enrolment, err error) {
	who, err := s.ownAccount(ctx)
	if err != nil {
		return e, err
	}
	if err := s.checkOwnPassword(ctx, who, password); err != nil {
		return e, err
	}
	random := make([]byte, secretSize)
	if _, err := rand.Read(random); err != nil {
		return e, fmt.Errorf("make second factor: %w", err)
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Tidemark", AccountName: who.email, Secret: random, Period: period})
	if err != nil {
		return e, fmt.Errorf("make second factor: %w", err)
	}
	sealed, err := s.vault.Seal(random, SecondFactorPlace.Context(who.Login.String()))
	if err != nil {
		return e, err
	}
	err = s.access.AsLogin(ctx, who.Login, func(tx pgx.Tx) error {
		made, err := dbsqlc.New().SecondFactorEnrol(ctx, tx, dbsqlc.SecondFactorEnrolParams{LoginID: who.Login, SealedSecret: sealed})
		if err == nil && made == 0 {
			return fault.Input("password", "There is a second factor already. Remove it first.")
		}
		return err
	})
	return Enrolment{key.Secret(), key.URL()}, err
}

// ConfirmSecondFactor puts the second factor into force with a first code, and gives recovery
// codes, which are shown once.
func (s *Service) ConfirmSecondFactor(ctx context.Context, code string) (codes []string, err error) {
	who, err := s.ownAccount(ctx)
	if err != nil {
		return nil, err
	}
	account := "second factor " + who.Login.String()
	if err := s.attempts.Take(ctx, account, fault.ClientOf(ctx).Address); err != nil {
		return nil, err
	}
	digits, _ := digitsOf(code)
	err = s.access.AsLogin(ctx, who.Login, func(tx pgx.Tx) error {
		factor, err := dbsqlc.New().SecondFactorGet(ctx, tx, who.Login)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && factor.ConfirmedAt != nil {
			return errCode
		}
		if err != nil {
			return fmt.Errorf("find second factor: %w", err)
		}
		if err := s.useStep(ctx, tx, factor, digits); err != nil {
			return err
		}
		if err := dbsqlc.New().SecondFactorConfirm(ctx, tx, who.Login); err != nil {
			return fmt.Errorf("confirm second factor: %w", err)
		}
		if err := dbsqlc.New().SessionProveSecondFactor(ctx, tx, who.ID); err != nil {
			return fmt.Errorf("mark session: %w", err)
		}
		if codes, err = renewRecoveryCodes(ctx, tx, who.Login); err != nil {
			return err
		}
		return tell(ctx, tx, who.Login, audit.Entry{Action: audit.SecondFactorOn, Target: loginTarget(who.Login)})
	})
	if err != nil {
		return nil, err
	}
	s.sessions.Forget()
	return codes, s.attempts.Succeeded(ctx, account)
}

// RenewRecoveryCodes replaces the recovery codes of who asks, for a code of their second
// factor.
func (s *Service) RenewRecoveryCodes(ctx context.Context, code string) (codes []string, err error) {
	err = s.withCode(ctx, code, func(tx pgx.Tx, who account) error {
		if codes, err = renewRecoveryCodes(ctx, tx, who.Login); err != nil {
			return err
		}
		return tell(ctx, tx, who.Login, audit.Entry{Action: audit.RecoveryCodesMade, Target: loginTarget(who.Login)})
	})
	return codes, err
}

// RemoveSecondFactor takes the second factor of who asks away, for a last code of it.
func (s *Service) RemoveSecondFactor(ctx context.Context, code string) error {
	err := s.withCode(ctx, code, func(tx pgx.Tx, who account) error {
		if _, err := dbsqlc.New().SecondFactorRemove(ctx, tx, who.Login); err != nil {
			return fmt.Errorf("remove second factor: %w", err)
		}
		if err := dbsqlc.New().RecoveryCodeEndAll(ctx, tx, who.Login); err != nil {
			return fmt.Errorf("end recovery codes: %w", err)
		}
		if err := dbsqlc.New().SessionDisproveSecondFactor(ctx, tx, who.Login); err != nil {
			return fmt.Errorf("mark sessions: %w", err)
		}
		return tell(ctx, tx, who.Login, audit.Entry{Action: audit.SecondFactorOff, Target: loginTarget(who.Login)})
	})
	s.sessions.Forget()
	return err
}

// withCode runs do in a transaction of who asks, once they have given a code.
func (s *Service) withCode(ctx context.Context, code string, do func(tx pgx.Tx, who account) error) error {
	who, err := s.ownAccount(ctx)
	if err != nil {
		return err
	}
	if err := s.checkCode(ctx, who.Login, code); err != nil {
		return err
	}
	return s.access.AsLogin(ctx, who.Login, func(tx pgx.Tx) error { return do(tx, who) })
}

// recoveryCodes is how many there are; each has 120 random bits, so that a plain hash is enough
// to store (ASVS 5.0, 6.5.2: from 112 bits on).
const (
	recoveryCodes = 10
	recoveryBytes = 15
)

func renewRecoveryCodes(ctx context.Context, tx pgx.Tx, who uuid.UUID) (codes []string, err error) {
	var hashes [][]byte
	for range recoveryCodes {
		random := make([]byte, recoveryBytes)
		if _, err := rand.Read(random); err != nil {
			return nil, fmt.Errorf("make recovery codes: %w", err)
		}
		text := strings.ToLower(base32.StdEncoding.EncodeToString(random))
		codes = append(codes, strings.Join([]string{text[:6], text[6:12], text[12:18], text[18:]}, "-"))
		hashes = append(hashes, hashOf(text))
	}
	if err := dbsqlc.New().RecoveryCodeEndAll(ctx, tx, who); err != nil {
		return nil, fmt.Errorf("end recovery codes: %w", err)
	}
	if err := dbsqlc.New().RecoveryCodeAdd(ctx, tx, dbsqlc.RecoveryCodeAddParams{LoginID: who, CodeHashes: hashes}); err != nil {
		return nil, fmt.Errorf("store recovery codes: %w", err)
	}
	return codes, nil
}

// useRecoveryCode takes a recovery code, which is good once.
func useRecoveryCode(ctx context.Context, tx pgx.Tx, who uuid.UUID, code string) error {
	if len(code) > 100 {
		return errCode
	}
	text := strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))
	used, err := dbsqlc.New().RecoveryCodeUse(ctx, tx, dbsqlc.RecoveryCodeUseParams{LoginID: who, CodeHash: hashOf(text)})
	if err != nil {
		return fmt.Errorf("use recovery code: %w", err)
	}
	if used == 0 {
		return errCode
	}
	actor := audit.WithActor(ctx, audit.Actor{Kind: audit.Member, ID: who})
	return tell(actor, tx, who, audit.Entry{Action: audit.RecoveryCodeUsed, Target: loginTarget(who)})
}
