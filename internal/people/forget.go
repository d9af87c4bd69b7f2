package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// rememberFor is how long what is over is kept: a stolen token is known for one so long.
const rememberFor = 30 * 24 * time.Hour

// Forget drops what has long been over: sessions, tokens, codes and requests. It is the
// worker's, since nobody else may delete.
func Forget(ctx context.Context, worker *postgres.Worker) error {
	before, queries := time.Now().Add(-rememberFor), dbsqlc.New()
	var problems []error
	for what, forget := range map[string]func(context.Context, dbsqlc.DBTX, time.Time) (int64, error){
		"sessions": queries.SessionForget, "refresh tokens": queries.RefreshTokenForget, "sign-in codes": queries.SignInCodeForget,
		"password resets": queries.PasswordResetForget, "requests of resets": queries.PasswordResetRequestForget,
	} {
		err := worker.InTx(ctx, func(tx pgx.Tx) error {
			_, err := forget(ctx, tx, before)
			return err
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("forget %s: %w", what, err))
		}
	}
	return errors.Join(problems...)
}
