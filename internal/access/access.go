// Package access says who is asking and what they may do. A key is shown once, stored
// as its hash, and gives one kind of right: to send, to read, or to manage.
package access

import (
	"context"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Permission is one thing that a caller may do.
type Permission string

// The permissions, as in the schema's enum Permission.
const (
	Ingest Permission = "INGEST" // send events
	Read   Permission = "READ"   // read figures, and subscribe to them
	Manage Permission = "MANAGE" // set up the tenant, and correct or erase its data
)

// Kind is what a key is for.
type Kind string

// The kinds of keys.
const (
	WriteKey Kind = "write" // may only send
	ReadKey  Kind = "read"  // may only read
	// A ManageKey may set up the tenant, correct and erase data, and read it.
	ManageKey Kind = "manage"
)

var granted = map[Kind]map[Permission]bool{
	WriteKey:  {Ingest: true},
	ReadKey:   {Read: true},
	ManageKey: {Read: true, Manage: true},
}

// Principal is who is asking.
type Principal struct {
	Tenant tenant.ID
	Key    uuid.UUID
	Kind   Kind
	Source string // under which the key's message ids are unique
}

// May reports whether the principal has a permission.
func (p Principal) May(do Permission) bool { return granted[p.Kind][do] }

// Scope names everything that what a principal may see depends on: two principals of
// one scope get the same answer to the same question.
func (p Principal) Scope() string { return p.Tenant.String() + "/" + string(p.Kind) }

type principalKey struct{}

// With returns a context that carries who is asking.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// Of returns who is asking; false if nobody is known to.
func Of(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// Require returns who is asking, if they may do this; else a fault.
func Require(ctx context.Context, do Permission) (Principal, error) {
	p, ok := Of(ctx)
	if !ok {
		return Principal{}, fault.New(fault.Unauthenticated, "A key is needed.")
	}
	if !p.May(do) {
		return Principal{}, fault.Newf(fault.Forbidden, "A %s key may not do this: it needs the permission %s.", p.Kind, do)
	}
	return p, nil
}
