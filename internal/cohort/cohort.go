// Package cohort keeps conditions that people meet, and who meets them. A cohort is found from one
// snapshot, by persons as they are grouped then; whoever is late with what they found changes
// nothing, and no evaluation that was asked for is forgotten.
package cohort

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Kind says whether a cohort is found again.
type Kind string

// The kinds, as in the schema's enum CohortKind.
const (
	Dynamic Kind = "DYNAMIC" // when asked for, and when its members may be others
	Static  Kind = "STATIC"  // once: it keeps its members
)

// AllKinds lists the kinds in the order of the schema.
func AllKinds() []Kind { return []Kind{Dynamic, Static} }

// Cohort is a condition that is kept under a name, with who meets it.
type Cohort struct {
	ID          int64
	Kind        Kind
	Name        string
	Description string
	Condition   Condition
	Version     int // of the condition
	CreatedAt   time.Time
	CreatedBy   uuid.UUID // the key, or the login
	ChangedAt   time.Time
	EvaluatedAt *time.Time // nil: not yet
	Size        *int       // as it was found then
	uses        []int64
}

// Draft is a cohort to be saved.
type Draft struct {
	Kind        Kind
	Name        string
	Description string
	Condition   Condition
}

// The bounds of cohorts.
const (
	maxCohorts     = 200 // of a tenant
	maxName        = 100 // characters
	maxDescription = 1_000
)

// Service saves cohorts, and tells of them.
type Service struct{ app *postgres.App }

// NewService makes the service.
func NewService(app *postgres.App) *Service { return &Service{app} }

// ErrNone is the answer to the number of a cohort that there is not.
var ErrNone = fault.New(fault.NotFound, "There is nothing with this id.").In("id")

func toCohort(r dbsqlc.CohortListByIDsRow) (Cohort, error) {
	condition, err := read(r.Condition)
	c := Cohort{
		ID: r.CohortID, Kind: Kind(r.Kind), Name: r.Name, Description: r.Description, Condition: condition, Version: int(r.Version),
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, ChangedAt: r.ChangedAt.UTC(), EvaluatedAt: r.EvaluatedAt, uses: r.Uses,
	}
	if r.Size.Valid {
		size := int(r.Size.Int64)
		c.Size = &size
	}
	return c, err
}

// note says that an answer depends on some cohorts, and on who is who.
func note(ctx context.Context, of tenant.ID, ids ...int64) {
	topic.Note(ctx, topic.All(of, topic.Grouping))
	for _, id := range ids {
		topic.Note(ctx, topic.Exactly(of, topic.Cohort, fmt.Sprint(id)))
	}
}

// noteAll says that an answer depends on all cohorts, those included that there will be.
func noteAll(ctx context.Context, of tenant.ID) { topic.Note(ctx, topic.All(of, topic.Cohort)) }

// MembersNow gives who is in some cohorts, as persons are grouped now: of each their numbers in
// order. It reads in the caller's transaction, and notes that the answer depends on them. Of a
// cohort that there is not there is no entry.
func MembersNow(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64][]int64, error) {
	if who, ok := access.From(ctx); ok {
		note(ctx, who.Tenant, ids...)
	}
	known, err := dbsqlc.New().CohortKnown(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("find cohorts: %w", err)
	}
	members := make(map[int64][]int64, len(known))
	for _, id := range known {
		members[id] = []int64{}
	}
	rows, err := dbsqlc.New().CohortMembersNow(ctx, tx, known)
	if err != nil {
		return nil, fmt.Errorf("read members of cohorts: %w", err)
	}
	for _, r := range rows {
		members[r.CohortID] = append(members[r.CohortID], r.PersonID)
	}
	return members, nil
}
