package app

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/access"
)

// authenticate says who sends an Authorization header, and ends what they begin once they may
// no longer.
func authenticate(keys *access.Authenticator, watcher *access.Watcher) func(context.Context, string) (context.Context, string, error) {
	return func(ctx context.Context, authorization string) (context.Context, string, error) {
		who, recheck, err := identify(ctx, keys, access.Bearer(authorization))
		if err != nil {
			return nil, "", err
		}
		return access.With(watcher.Watch(ctx, who, recheck), who), who.Scope(), nil
	}
}

// identify tells what is borne by its looks: a key has a prefix and no dot, a token dots.
func identify(ctx context.Context, keys *access.Authenticator, bearer string) (access.Principal, access.Recheck, error) {
	if access.IsToken(bearer) {
		who, err := keys.Token(ctx, bearer)
		return who, keys.RecheckToken(bearer), err
	}
	who, err := keys.Key(ctx, bearer)
	return who, keys.Recheck(bearer), err
}
