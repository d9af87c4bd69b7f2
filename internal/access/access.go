// Package access says who is asking and what they may do. Who asks is a [Principal]: a
// member of a tenant who has signed in, or a key. What they may do is a set of permissions,
// from the member's role or the key, and is looked at again whenever either changes.
package access

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Kind is what somebody asks with.
type Kind string

// The kinds of principals.
const (
	WriteKey Kind = "write" // a key that may only send
	ReadKey  Kind = "read"  // a key that may only read
	// A ManageKey may set up the tenant, correct and erase data, and read it.
	ManageKey Kind = "manage"
	// A PublishKey may only send, and only by the paths for events: it stands in pages that
	// anybody reads.
	PublishKey Kind = "publish"
	// An EmbedKey opens nothing itself: it signs tokens, whose bearers are of its kind.
	EmbedKey Kind = "embed"
	// A MemberKind is somebody who has signed in.
	MemberKind Kind = "member"
	// A ShareKind is another tenant, to which a report is shown.
	ShareKind Kind = "share"
	// A HouseKind is nobody: what is worked out for a tenant before anybody asks.
	HouseKind Kind = "house"
)

// Principal is who is asking.
type Principal struct {
	Tenant tenant.ID
	Kind   Kind
	// ID is that of the key, or of the session.
	ID uuid.UUID
	// Login is who has signed in; none of a key.
	Login uuid.UUID
	// Role is the member's; none of a key.
	Role uuid.UUID
	// Builtin is the role's name if every tenant has it.
	Builtin Builtin
	// Impersonator is the login of whoever looks as this member; none usually.
	Impersonator uuid.UUID

	Permissions Permissions
	// Rows are the rows that the principal is restricted to; nil: all.
	Rows *Rows
	// Narrow names what the principal is restricted to besides; empty: nothing.
	Narrow string
	// Embed names the only metrics and reports that an embed token shows; nil: all.
	Embed *Embed
	// Expires is when this must be proved afresh; zero: never.
	Expires time.Time

	Source string // of a key: under which its message ids are unique
}

// House is who works out for a tenant what is kept for it: all of it.
func House(id tenant.ID) Principal {
	return Principal{Tenant: id, Kind: HouseKind, Permissions: Of(permissions...)}
}

// May reports whether the principal has a permission.
func (p Principal) May(do Permission) bool { return p.Permissions.Has(do) }

// Scope names everything that what a principal may see depends on: two principals of
// one scope get the same answer to the same question, unless it is about themselves.
func (p Principal) Scope() string {
	return p.Tenant.String() + "/" + p.Permissions.String() + "/" + p.Rows.Key() + "/" + p.Narrow
}

// Self names the principal alone, for what is answered about themselves.
func (p Principal) Self() string {
	return p.Scope() + "/" + string(p.Kind) + "/" + p.ID.String() + "/" + p.Login.String() + "/" + p.Role.String()
}

type principalKey struct{}

// With returns a context that carries who is asking. Whatever is changed under it, they did;
// and what is read is narrowed to the rows that they may see, whether the reader thinks of it
// or not.
func With(ctx context.Context, p Principal) context.Context {
	ctx = postgres.WithRows(ctx, p.Rows.narrowing())
	return context.WithValue(audit.WithActor(ctx, p.actor()), principalKey{}, p)
}

func (p Principal) actor() audit.Actor {
	kind := audit.Key
	if p.Kind == MemberKind {
		kind = audit.Member
	}
	return audit.Actor{Kind: kind, ID: p.By(), Impersonator: p.Impersonator}
}

// From returns who is asking; false if nobody has said.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// Authenticated returns who is asking, or an UNAUTHENTICATED fault.
func Authenticated(ctx context.Context) (Principal, error) {
	p, ok := From(ctx)
	if !ok {
		return Principal{}, fault.New(fault.Unauthenticated, "Sign in, or send a key.")
	}
	return p, nil
}

// Require returns who is asking, if they may do this; else a fault.
func Require(ctx context.Context, do Permission) (Principal, error) {
	p, err := Authenticated(ctx)
	if err != nil {
		return Principal{}, err
	}
	if !p.May(do) {
		return Principal{}, Lacking(do)
	}
	return p, nil
}

// RequireUnembedded is Require for what an embed token cannot name: it shows that to nobody.
func RequireUnembedded(ctx context.Context, do Permission) (Principal, error) {
	p, err := Require(ctx, do)
	if err == nil && p.Embed != nil {
		return Principal{}, Lacking(do)
	}
	return p, err
}

// Lacking is the FORBIDDEN fault of who lacks a permission. It is the same for all who do,
// since its text may be in an answer that they share.
func Lacking(do Permission) *fault.Error {
	return fault.Newf(fault.Forbidden, "You may not do this: it needs the permission %s.", do)
}

// By names whom to hold to account: the key, or the login of who has signed in.
func (p Principal) By() uuid.UUID {
	if p.Login != uuid.Nil {
		return p.Login
	}
	return p.ID
}
