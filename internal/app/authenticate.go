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

// authenticate reads an Authorization header, for what lasts: it calls end when whoever asks may
// no longer do so, until ctx ends.
func (a *authority) authenticate(ctx context.Context, authorization string, end func(cause error)) (context.Context, string, error) {
	bearer := access.Bearer(authorization)
	who, err := a.identify(ctx, bearer)
	if err != nil {
		return nil, "", err
	}
	a.watcher.Watch(ctx, who, a.recheck(bearer), end)
	return access.With(ctx, who), who.Scope(), nil
}

// recognize is authenticate for what is over in a moment.
func (a *authority) recognize(ctx context.Context, authorization string) (context.Context, string, error) {
	who, err := a.identify(ctx, access.Bearer(authorization))
	if err != nil {
		return nil, "", err
	}
	return access.With(ctx, who), who.Scope(), nil
}

// identify tells signed tokens and keys apart by their form, and asks whom they belong to.
func (a *authority) identify(ctx context.Context, bearer string) (access.Principal, error) {
	switch {
	case access.IsEmbedToken(bearer):
		return a.keys.Token(ctx, bearer)
	case people.IsToken(bearer):
		return a.sessions.Token(ctx, bearer)
	}
	return a.keys.Key(ctx, bearer)
}

// recheck is how to ask again whom it belongs to.
func (a *authority) recheck(bearer string) access.Recheck {
	switch {
	case access.IsEmbedToken(bearer):
		return a.keys.RecheckToken(bearer)
	case people.IsToken(bearer):
		return a.sessions.Recheck(bearer)
	}
	return a.keys.Recheck(bearer)
}
