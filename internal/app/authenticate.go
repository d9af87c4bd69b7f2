package app

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/people"
)

// authority finds out who asks, by whatever they bring.
type authority struct {
	keys     *access.Authenticator
	sessions *people.Sessions
	watcher  *access.Watcher
}

// forget drops what is believed of anybody.
func (a *authority) forget() {
	a.keys.Forget()
	a.sessions.Forget()
}

// authenticate reads an Authorization header. The context that it returns ends when whoever
// asks may no longer do so: it is for what lasts.
func (a *authority) authenticate(ctx context.Context, authorization string) (context.Context, string, error) {
	who, recheck, err := a.identify(ctx, access.Bearer(authorization))
	if err != nil {
		return nil, "", err
	}
	return access.With(a.watcher.Watch(ctx, who, recheck), who), who.Scope(), nil
}

// recognize is authenticate for what is over in a moment.
func (a *authority) recognize(ctx context.Context, authorization string) (context.Context, string, error) {
	who, _, err := a.identify(ctx, access.Bearer(authorization))
	if err != nil {
		return nil, "", err
	}
	return access.With(ctx, who), who.Scope(), nil
}

// identify tells signed tokens and keys apart by their form, and asks whom they belong to.
func (a *authority) identify(ctx context.Context, bearer string) (access.Principal, access.Recheck, error) {
	if access.IsEmbedToken(bearer) {
		who, err := a.keys.Token(ctx, bearer)
		return who, a.keys.RecheckToken(bearer), err
	}
	if people.IsToken(bearer) {
		who, err := a.sessions.Token(ctx, bearer)
		return who, a.sessions.Recheck(bearer), err
	}
	who, err := a.keys.Key(ctx, bearer)
	return who, a.keys.Recheck(bearer), err
}
