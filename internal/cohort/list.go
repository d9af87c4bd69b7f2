package cohort

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Evaluation is one time that a cohort was found, or is to be.
type Evaluation struct {
	ID          int64
	Version     int // of the condition
	Reason      Reason
	State       State
	RequestedAt time.Time
	Leaves      int
	LeavesDone  int
	At          *time.Time // the instant whose data it was found from; nil: it was not
	FinishedAt  *time.Time
	Exact       *bool
	Size        *int
	Entered     *int
	Left        *int
	Problem     *string // why the last attempt failed
}

// Progress is how much of it is done, from 0 to 1.
func (e Evaluation) Progress() float64 { return float64(e.LeavesDone) / float64(max(e.Leaves, 1)) }

// State is how far an evaluation is.
type State string

// The states, as in the schema's enum CohortEvaluationState.
const (
	Queued  State = "QUEUED"
	Running State = "RUNNING"
	Done    State = "DONE"
	Failed  State = "FAILED"
)

// AllStates lists the states in the order of the schema.
func AllStates() []State { return []State{Queued, Running, Done, Failed} }

// Reason is why a cohort is found.
type Reason string

// The reasons, as in the schema's enum CohortEvaluationReason.
const (
	Created Reason = "CREATED"
	Changed Reason = "CHANGED"
	Asked   Reason = "ASKED"
	Data    Reason = "DATA" // what it is found from has changed, or time has moved its windows
)

// AllReasons lists the reasons in the order of the schema.
func AllReasons() []Reason { return []Reason{Created, Changed, Asked, Data} }

// Member is somebody in a cohort.
type Member struct {
	customer.Person
	EnteredAt time.Time
	LeftAt    *time.Time // nil: still in it
}

// MemberPlace is where a page of members begins, and the instant that it is of; nil: now.
type MemberPlace struct {
	After int64
	At    Instant
}

// Instant is an instant that can be compared; zero: none.
type Instant struct{ Micros int64 }

func (i Instant) time() *time.Time {
	if i.Micros == 0 {
		return nil
	}
	at := time.UnixMicro(i.Micros).UTC()
	return &at
}

// Change is that somebody entered a cohort, or left it.
type Change struct {
	ChangePlace
	customer.Person
}

// ChangePlace is where a change stands in the history of its cohort, the latest first.
type ChangePlace struct {
	At       Instant
	Entered  bool
	Identity int64
}

// Time is the instant of the change.
func (c Change) Time() time.Time { return *c.At.time() }

func (s *Service) read(ctx context.Context, do access.Permission, first int, fn func(tx pgx.Tx, who access.Principal) error) error {
	who, err := access.RequireUnembedded(ctx, do)
	if err != nil {
		return err
	}
	if who.Rows != nil {
		return metric.ErrCohorts
	}
	if err := customer.CheckFirst(first); err != nil {
		return err
	}
	return s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error { return fn(tx, who) })
}

// ByIDs finds cohorts by their numbers.
func (s *Service) ByIDs(ctx context.Context, ids []int64) (found map[int64]Cohort, err error) {
	err = s.read(ctx, access.ReadMetrics, 1, func(tx pgx.Tx, who access.Principal) error {
		note(ctx, who.Tenant, ids...)
		found, err = byIDs(ctx, tx, ids)
		return err
	})
	return found, err
}

func byIDs(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]Cohort, error) {
	rows, err := dbsqlc.New().CohortListByIDs(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("read cohorts: %w", err)
	}
	found := make(map[int64]Cohort, len(rows))
	for _, r := range rows {
		if found[r.CohortID], err = toCohort(r); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Find finds a cohort.
func (s *Service) Find(ctx context.Context, id int64) (Cohort, error) {
	found, err := s.ByIDs(ctx, []int64{id})
	if err != nil {
		return Cohort{}, err
	}
	c, ok := found[id]
	if !ok {
		return c, ErrNone
	}
	return c, nil
}

// List gives a page of the cohorts, the latest made first, from the one before a number on; 0:
// from the latest.
func (s *Service) List(ctx context.Context, first int, before int64) (page customer.Page[Cohort], err error) {
	err = s.read(ctx, access.ReadMetrics, first, func(tx pgx.Tx, who access.Principal) error {
		noteAll(ctx, who.Tenant)
		rows, err := dbsqlc.New().CohortPage(ctx, tx, dbsqlc.CohortPageParams{BeforeID: orEnd(before), Most: int64(first) + 1})
		if err != nil {
			return fmt.Errorf("read cohorts: %w", err)
		}
		page.More = len(rows) > first
		for _, r := range rows[:min(first, len(rows))] {
			c, err := toCohort(dbsqlc.CohortListByIDsRow(r))
			if err != nil {
				return err
			}
			page.Items = append(page.Items, c)
		}
		return nil
	})
	return page, err
}

func orEnd(before int64) int64 {
	if before == 0 {
		return math.MaxInt64
	}
	return before
}

// UsedBy finds the cohorts that ask for some others.
func (s *Service) UsedBy(ctx context.Context, ids []int64) (found map[int64][]Cohort, err error) {
	found = map[int64][]Cohort{}
	err = s.read(ctx, access.ReadMetrics, 1, func(tx pgx.Tx, who access.Principal) error {
		noteAll(ctx, who.Tenant)
		rows, err := dbsqlc.New().CohortUsers(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("read cohorts: %w", err)
		}
		for _, r := range rows {
			if err := keep(found, r); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// keep puts a cohort to those that were found for the same.
func keep(found map[int64][]Cohort, r dbsqlc.CohortUsersRow) error {
	c, err := toCohort(dbsqlc.CohortListByIDsRow{
		CohortID: r.CohortID, Kind: r.Kind, Name: r.Name, Description: r.Description, Condition: r.Condition, Uses: r.Uses, Version: r.Version,
		CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy, ChangedAt: r.ChangedAt, FoundBy: r.FoundBy, EvaluatedAt: r.EvaluatedAt, Size: r.Size,
	})
	found[r.OfID] = append(found[r.OfID], c)
	return err
}

// OfPersons finds the cohorts that persons are in now.
func (s *Service) OfPersons(ctx context.Context, persons []int64) (found map[int64][]Cohort, err error) {
	found = map[int64][]Cohort{}
	err = s.read(ctx, access.Read, 1, func(tx pgx.Tx, who access.Principal) error {
		note(ctx, who.Tenant)
		noteAll(ctx, who.Tenant)
		rows, err := dbsqlc.New().CohortsOfPersons(ctx, tx, persons)
		if err != nil {
			return fmt.Errorf("read cohorts of persons: %w", err)
		}
		for _, r := range rows {
			if err := keep(found, dbsqlc.CohortUsersRow(r)); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// pages fills in the pages of several cohorts of rows that come cohort by cohort.
func pages[Row, Item any](rows []Row, first int, of func(Row) (int64, Item)) map[int64]customer.Page[Item] {
	found := map[int64]customer.Page[Item]{}
	for _, r := range rows {
		id, item := of(r)
		page := found[id]
		page.Add(item, first)
		found[id] = page
	}
	return found
}

// Evaluations gives pages of the evaluations of cohorts, the latest first.
func (s *Service) Evaluations(ctx context.Context, ids []int64, first int, before int64) (found map[int64]customer.Page[Evaluation], err error) {
	err = s.read(ctx, access.ReadMetrics, first, func(tx pgx.Tx, who access.Principal) error {
		note(ctx, who.Tenant, ids...)
		rows, err := dbsqlc.New().CohortEvaluationPage(ctx, tx, dbsqlc.CohortEvaluationPageParams{CohortIds: ids, BeforeID: orEnd(before), Most: int64(first) + 1})
		if err != nil {
			return fmt.Errorf("read evaluations: %w", err)
		}
		found = pages(rows, first, toEvaluation)
		return nil
	})
	return found, err
}

func toEvaluation(r dbsqlc.CohortEvaluationPageRow) (int64, Evaluation) {
	e := Evaluation{
		ID: r.EvaluationID, Version: int(r.Version), Reason: Reason(r.Reason), State: State(r.State), RequestedAt: r.RequestedAt.UTC(),
		Leaves: int(r.Leaves), LeavesDone: int(r.LeavesDone), At: r.At, FinishedAt: r.FinishedAt, Problem: r.Error,
	}
	if r.Exact.Valid {
		size, entered, left := int(r.Size.Int64), int(r.Entered.Int64), int(r.Departed.Int64)
		e.Exact, e.Size, e.Entered, e.Left = &r.Exact.Bool, &size, &entered, &left
	}
	return r.OfID, e
}

// Members gives pages of who is in cohorts, or was at an instant, in the order of their numbers.
func (s *Service) Members(ctx context.Context, ids []int64, first int, place MemberPlace) (found map[int64]customer.Page[Member], err error) {
	err = s.read(ctx, access.Read, first, func(tx pgx.Tx, who access.Principal) error {
		note(ctx, who.Tenant, ids...)
		rows, err := dbsqlc.New().CohortMemberPage(ctx, tx, dbsqlc.CohortMemberPageParams{
			CohortIds: ids, AfterID: place.After, Most: int64(first) + 1, At: place.At.time(),
		})
		if err != nil {
			return fmt.Errorf("read members: %w", err)
		}
		found = pages(rows, first, func(r dbsqlc.CohortMemberPageRow) (int64, Member) {
			m := Member{Person: customer.Person{ID: r.PersonID, FirstSeenAt: r.BornAt}, EnteredAt: r.EnteredAt.UTC()}
			if left := r.LeftAt.UTC(); left.Unix() != 0 { // the epoch stands for never
				m.LeftAt = &left
			}
			return r.OfID, m
		})
		return nil
	})
	return found, err
}

// lastChange stands after every change.
var lastChange = ChangePlace{Instant{calendar.Never.UnixMicro()}, true, math.MaxInt64}

// Changes gives pages of who entered cohorts and who left, the latest first, after a place; zero:
// from the latest.
func (s *Service) Changes(ctx context.Context, ids []int64, first int, after ChangePlace) (found map[int64]customer.Page[Change], err error) {
	if after == (ChangePlace{}) {
		after = lastChange
	}
	err = s.read(ctx, access.Read, first, func(tx pgx.Tx, who access.Principal) error {
		note(ctx, who.Tenant, ids...)
		rows, err := dbsqlc.New().CohortChangePage(ctx, tx, dbsqlc.CohortChangePageParams{
			CohortIds: ids, BeforeAt: *after.At.time(), BeforeEntered: after.Entered, BeforeID: after.Identity, Most: int64(first) + 1,
		})
		if err != nil {
			return fmt.Errorf("read changes: %w", err)
		}
		found = pages(rows, first, func(r dbsqlc.CohortChangePageRow) (int64, Change) {
			return r.OfID, Change{
				ChangePlace{Instant{r.At.UnixMicro()}, r.Entered, r.IdentityID}, customer.Person{ID: r.PersonID, FirstSeenAt: r.BornAt},
			}
		})
		return nil
	})
	return found, err
}

// Preview is who would be in a cohort.
type Preview struct {
	Size  int
	Known int // how many people the tenant knows
	Exact bool
	At    time.Time
	Some  []int64 // the first of them
}

// Share is which part of those who are known it is; nil where nobody is.
func (p Preview) Share() *float64 {
	if p.Known == 0 {
		return nil
	}
	share := float64(p.Size) / float64(p.Known)
	return &share
}

// maxShown is how many people a preview names.
const maxShown = 10

// Preview finds who meets a condition, and saves nothing.
func (s *Service) Preview(ctx context.Context, c Condition) (p Preview, err error) {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return p, err
	}
	if err := c.Check("condition"); err != nil {
		return p, err
	}
	for _, subject := range []topic.Subject{topic.Day, topic.Person, topic.Account, topic.Revenue, topic.Health, topic.Cohort, topic.Terms} {
		topic.Note(ctx, topic.All(who.Tenant, subject))
	}
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		all, err := list(ctx, tx)
		if err != nil {
			return err
		}
		f, err := newFinding(ctx, tx)
		if err != nil {
			return err
		}
		if err := (change{tx, who, all, f.settings.Currency}).fits(0, &c, "condition"); err != nil {
			return err
		}
		found, err := f.find(ctx, &c)
		if f.moves != nil {
			topic.NoteUntil(ctx, *f.moves)
		}
		p = Preview{Size: len(found), Known: len(f.known), Exact: f.exact, At: f.now(), Some: found[:min(len(found), maxShown)]}
		return err
	})
	return p, err
}
