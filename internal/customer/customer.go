// Package customer answers who somebody is: persons with all their ids and traits, and the
// accounts they belong to. It also corrects that, and erases: each correction commits together
// with a line that says who made it and why, and all but an erasure can be taken back.
package customer

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Person is a group of identities, named by the one at its root.
type Person struct {
	ID          int64
	FirstSeenAt *time.Time // nil: never active
}

// Identity is one id that senders use.
type Identity struct {
	ID          int64
	Person      int64 // whose it is now
	Kind        IdentityKind
	Value       string
	FirstSeenAt *time.Time // nil: never active
	LinkedAt    *time.Time // nil: not linked to a user
	Detached    bool
}

// IdentityKind tells what an id is of.
type IdentityKind string

// The kinds of identities.
const (
	User   IdentityKind = "USER"
	Device IdentityKind = "DEVICE"
)

// Account is whom users belong to: what senders call a group.
type Account struct {
	ID          int64
	GroupType   string
	GroupID     string
	FirstSeenAt time.Time
}

// Traits are what is known of a person or an account.
type Traits map[string]json.RawMessage

// Change is one thing that was said of a person or an account.
type Change struct {
	Moment
	Value json.RawMessage
}

// Moment is where a change stands in its history.
type Moment struct {
	At   time.Time
	Name string
	By   uuid.UUID // the event's message key
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	More  bool // whether others follow
}

// maxPage is how many items one page may have.
const maxPage = 100

// CheckFirst lets a page have a reasonable size.
func CheckFirst(first int) error {
	if first < 1 || first > maxPage {
		return fault.Input("first", "Between 1 and %d are allowed.", maxPage)
	}
	return nil
}

// Add puts an item on a page that has room for so many.
func (p *Page[T]) Add(item T, first int) {
	if len(p.Items) == first {
		p.More = true
		return
	}
	p.Items = append(p.Items, item)
}

// Service answers questions about people and accounts, and corrects who is who.
type Service struct{ app *postgres.App }

// NewService makes the service.
func NewService(app *postgres.App) *Service { return &Service{app} }

// read runs fn for the tenant that asks, and notes what it reads.
func (s *Service) read(ctx context.Context, of topic.Subject, ids []int64, fn func(tx pgx.Tx) error) error {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return err
	}
	note(ctx, who, of, ids)
	return s.app.Read(ctx, who.Tenant, fn)
}

// maxNoted is how many persons or accounts an answer watches one by one; beyond it, all.
const maxNoted = 50

// note says that an answer was read from these; from all, where there are none or many, or
// where it depends on traits who is seen.
func note(ctx context.Context, who access.Principal, of topic.Subject, ids []int64) {
	if who.Rows != nil {
		topic.Note(ctx, topic.All(who.Tenant, topic.Person))
		topic.Note(ctx, topic.All(who.Tenant, topic.Account))
		return
	}
	if len(ids) == 0 || len(ids) > maxNoted {
		topic.Note(ctx, topic.All(who.Tenant, of))
		return
	}
	for _, id := range ids {
		topic.Note(ctx, topic.Exactly(who.Tenant, of, fmt.Sprint(id)))
	}
}

// Sendable reports whether an id can be one that was sent: what cannot be kept was not.
func Sendable(id string) bool { return utf8.ValidString(id) && !strings.ContainsRune(id, 0) }

func newID() (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return id, fmt.Errorf("make id: %w", err)
	}
	return id, nil
}

// Watch says that an answer was read from these persons or accounts.
func Watch(ctx context.Context, who access.Principal, of topic.Subject, ids []int64) {
	note(ctx, who, of, ids)
}
