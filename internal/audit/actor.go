package audit

import (
	"context"
	"os/user"

	"github.com/google/uuid"
)

// ActorKind is what somebody acts as, as in the schema's enum AuditActorKind.
type ActorKind string

// The kinds of actors.
const (
	Member   ActorKind = "MEMBER"   // somebody who has signed in
	Key      ActorKind = "KEY"      // a program with a key
	Operator ActorKind = "OPERATOR" // somebody at the command line
	System   ActorKind = "SYSTEM"   // Tidemark itself
	Nobody   ActorKind = "NOBODY"   // who has not said who they are, or not truly
)

// Actor is who does something.
type Actor struct {
	Kind ActorKind
	// ID is the login of a member, and that of a key; none of the others.
	ID uuid.UUID
	// Name is for people to read; it may be empty.
	Name string
	// Impersonator is the login of whoever looks as this member; none usually.
	Impersonator uuid.UUID
}

type actorKey struct{}

// WithActor returns a context that carries who acts.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf is who acts; the system, where nobody was named.
func ActorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Kind: System}
}

// AtCommandLine is whoever runs the program, under the name that the machine has for them.
func AtCommandLine() Actor {
	a := Actor{Kind: Operator}
	if u, err := user.Current(); err == nil {
		a.Name = u.Username
	}
	return a
}
