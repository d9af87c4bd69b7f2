package document

import (
	"context"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Asked is what a request says of its document: the text, its hash, or both, which then
// belong together.
type Asked struct {
	Text    string
	Hash    Hash
	Hashed  bool // whether a hash was sent
	Persist bool // whether the client would like to send the hash alone from now on
}

// Library finds the documents that requests mean.
type Library struct {
	trust       *trust
	kept        *kept
	trustedOnly bool
}

// Options say where a library keeps what.
type Options struct {
	App         *postgres.App
	Redis       *redis.Client // nil: each server knows what it was told itself
	Prefix      string        // of the keys in Redis
	TrustedOnly bool          // whether all tenants take registered documents alone
	Logger      *slog.Logger
}

// NewLibrary makes a library.
func NewLibrary(o Options) *Library {
	return &Library{newTrust(o.App), newKept(o.Redis, o.Prefix, o.Logger), o.TrustedOnly}
}

// Forget has everything about tenants looked up afresh, since it may have changed.
func (l *Library) Forget() { l.trust.forget() }

// Resolve gives the text that a request asks for. Its faults are PERSISTED_QUERY_NOT_FOUND,
// after which a client sends the text; DOCUMENT_NOT_TRUSTED; and those that pass. It notes
// what the decision depends on, so a live query is decided on again.
func (l *Library) Resolve(ctx context.Context, asked Asked) (string, error) {
	text, err := l.resolve(ctx, asked)
	if f, _ := fault.Of(err); err != nil && f.Code.Passing() {
		topic.NoteFailed(ctx)
	}
	return text, err
}

func (l *Library) resolve(ctx context.Context, asked Asked) (string, error) {
	who, known := access.From(ctx)
	if !known || who.Tenant == tenant.None {
		// Nobody's list applies to those who belong to no tenant. What they may ask is
		// little: to be let in.
		return l.orKept(ctx, tenant.None, asked)
	}
	// Whoever manages the list is not held to it: nobody could mend it otherwise.
	if who.May(access.ManageDocuments) {
		return l.any(ctx, who.Tenant, asked)
	}
	mode, err := l.mode(ctx, who.Tenant)
	if err != nil {
		return "", err
	}
	if mode == TrustedOnly {
		return l.registered(ctx, who.Tenant, asked)
	}
	return l.any(ctx, who.Tenant, asked)
}

func (l *Library) mode(ctx context.Context, id tenant.ID) (Mode, error) {
	if l.trustedOnly {
		return TrustedOnly, nil
	}
	topic.Note(ctx, topic.Exactly(id, topic.Gate, ""))
	return l.trust.mode(ctx, id)
}

// registered takes what is on the tenant's list, by its text or by its hash.
func (l *Library) registered(ctx context.Context, id tenant.ID, asked Asked) (string, error) {
	topic.Note(ctx, topic.Exactly(id, topic.Document, ""))
	hash := asked.Hash
	if !asked.Hashed {
		hash = HashOf(asked.Text)
	}
	text, err := l.trust.look(ctx, id, hash)
	if err == nil && text == "" {
		err = errNotTrusted
	}
	return text, err
}

// any takes every text, and what is registered or kept by its hash.
func (l *Library) any(ctx context.Context, id tenant.ID, asked Asked) (string, error) {
	if asked.Text != "" {
		return asked.Text, nil
	}
	if text, err := l.trust.look(ctx, id, asked.Hash); err != nil || text != "" {
		return text, err
	}
	return l.orKept(ctx, id, asked)
}

// errNotFound says what clients look for: some by the code, some by the message.
var errNotFound = fault.New(fault.PersistedQueryNotFound, "PersistedQueryNotFound")

func (l *Library) orKept(ctx context.Context, id tenant.ID, asked Asked) (string, error) {
	if asked.Text != "" {
		return asked.Text, nil
	}
	if text := l.kept.find(ctx, slot{id, asked.Hash}); text != "" {
		return text, nil
	}
	return "", errNotFound
}

// Keep remembers a valid text for a while, among those of the tenant that asks.
func (l *Library) Keep(ctx context.Context, asked Asked) {
	who, _ := access.From(ctx) // those without a tenant share a small space of their own
	l.kept.keep(ctx, slot{who.Tenant, asked.Hash}, asked.Text)
}
