package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/idempotency"
	"github.com/tidemarkhq/tidemark/internal/mail"
	"github.com/tidemarkhq/tidemark/internal/people"
	"github.com/tidemarkhq/tidemark/internal/rotation"
	"github.com/tidemarkhq/tidemark/internal/secret"
)

// SealedPlaces are all columns that hold sealed bytes. Whoever adds one names it here, or a
// rotation would leave it behind: a test looks through the catalog for columns sealed_….
func SealedPlaces() []secret.Place {
	return []secret.Place{idempotency.Sealed, access.EmbedSecrets, mail.Place, people.SecondFactorPlace, people.ProviderPlace}
}

// RotateSecrets wraps every stored secret anew under the current secret key.
func RotateSecrets(ctx context.Context, config Config, report func(done, total int)) (rotation.Result, error) {
	vault, err := config.Vault()
	if err != nil {
		return rotation.Result{}, err
	}
	places, roles := SealedPlaces(), []string(nil)
	for _, p := range places {
		if !slices.Contains(roles, p.Role) {
			roles = append(roles, p.Role)
		}
	}
	if err := config.Preflight(ctx, Needs{Roles: roles}); err != nil {
		return rotation.Result{}, fmt.Errorf("the configuration can't work:\n%w", err)
	}
	return rotation.Run(ctx, config.DatabaseURL, vault, places, report)
}
