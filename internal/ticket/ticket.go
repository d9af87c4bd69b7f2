// Package ticket keeps tickets of support as they stood last, by their source's own id. The
// latest state by its own time is what is known, so that repeated, shuffled and late states give
// the same; a batch's tickets, with the people and accounts that they name, commit together, and
// only then is it answered.
package ticket

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/intake"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// Item is how a ticket stands since an instant.
type Item struct {
	ID             string     `json:"id"`
	Source         *string    `json:"source"`
	Subject        *string    `json:"subject"`
	URL            *string    `json:"url"`
	Status         Status     `json:"status"`
	Priority       *Priority  `json:"priority"`
	Channel        *string    `json:"channel"`
	Rating         *Rating    `json:"rating"`
	UserID         *string    `json:"userId"`
	GroupID        *string    `json:"groupId"`
	GroupType      *string    `json:"groupType"`
	OpenedAt       time.Time  `json:"openedAt"`
	FirstRepliedAt *time.Time `json:"firstRepliedAt"`
	SolvedAt       *time.Time `json:"solvedAt"`
	UpdatedAt      time.Time  `json:"updatedAt"`
}

// Status is how a ticket stands, as in the schema's enum TicketStatus.
type Status string

// The statuses.
const (
	Open    Status = "OPEN"
	Pending Status = "PENDING" // of whoever asked
	OnHold  Status = "ON_HOLD" // of somebody else
	Solved  Status = "SOLVED"
	Closed  Status = "CLOSED"
)

var statuses = []Status{Open, Pending, OnHold, Solved, Closed}

// AllStatuses lists every status.
func AllStatuses() []Status { return append([]Status(nil), statuses...) }

// Priority is how much a ticket presses, as in the schema's enum TicketPriority.
type Priority string

// The priorities.
const (
	Low    Priority = "LOW"
	Normal Priority = "NORMAL"
	High   Priority = "HIGH"
	Urgent Priority = "URGENT"
)

// Rating is what whoever asked thinks of the answer, as in the schema's enum TicketRating.
type Rating string

// The ratings.
const (
	Good Rating = "GOOD"
	Bad  Rating = "BAD"
)

// Service takes in what is known of tickets, and tells of it.
type Service struct{ app *postgres.App }

// NewService makes the service.
func NewService(app *postgres.App) *Service { return &Service{app} }

// MaxItems is how many items one batch may have.
const MaxItems = intake.MaxItems

// Given is an item as it came: it may not have been readable at all.
type Given = intake.Given[Item]

// Verdict is what became of an item. Field and Reason are empty unless it was not taken.
type Verdict struct {
	ID     string // as its sender calls it
	Status event.Status
	Field  string
	Reason string
}

func (v *Verdict) refuse(status event.Status, why *fault.Error) {
	v.Status, v.Field, v.Reason = status, why.Field, why.Message
}

// Record stores how tickets stand, all of it or nothing; each item gets a verdict, and those that
// are not fit keep no other from being taken.
func (s *Service) Record(ctx context.Context, who access.Principal, given []Given) ([]Verdict, error) {
	var b *batch
	err := intake.Store(ctx, s.app, who, "tickets", len(given), func(tx pgx.Tx) error {
		b = newBatch(who.Source, given)
		return b.store(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return b.verdicts, nil
}
