// Package loader gathers what the fields of one execution look up one by one into one
// statement each. Loaders live as long as an execution: a live query gets new ones every
// time, and so never sees what an earlier answer had read.
package loader

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/graph-gophers/dataloader/v7"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/definition"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/people"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/summary"
	"github.com/tidemarkhq/tidemark/internal/ticket"
	"github.com/tidemarkhq/tidemark/internal/timeline"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

const (
	wait = time.Millisecond // for others to join: it is paid on every level of a query
	most = 500              // keys in one batch

	// Timeout is that of one batch, or of what is read in the place of several.
	Timeout = 10 * time.Second
)

// Loaders are those of one execution. What is not found is nil, or an empty page.
type Loaders struct {
	// Figures answers questions for metrics together. Questions are told apart by where they
	// are in memory: what equal ones have in common is read once all the same.
	Figures *Batched[*metric.Question, metric.Answer]

	Metric         *Batched[string, *metric.Definition] // by its key
	MetricVersions *Batched[VersionsKey, []definition.Version]

	Event       *Batched[event.Position, *event.Event]
	ArchivePart *Batched[archive.Position, *archive.Part]
	APIKey      *Batched[uuid.UUID, *access.APIKey]

	Person        *Batched[int64, *customer.Person] // by any identity of theirs
	Identity      *Batched[int64, *customer.Identity]
	Account       *Batched[int64, *customer.Account]
	AccountOf     *Batched[identity.Group, *customer.Account]
	UserIDs       *Batched[int64, *[]string]
	PersonTraits  *Batched[int64, *customer.Traits]
	AccountTraits *Batched[int64, *customer.Traits]

	Identities     *Batched[PageKey[int64], customer.Page[customer.Identity]] // of a person
	Accounts       *Batched[PageKey[int64], customer.Page[customer.Account]]  // of a person
	Members        *Batched[PageKey[int64], customer.Page[customer.Member]]   // of an account
	SummaryHistory *Batched[summary.Place, *[]summary.Summary]
	PersonHistory  *Batched[PageKey[customer.Moment], customer.Page[customer.Change]]
	AccountHistory *Batched[PageKey[customer.Moment], customer.Page[customer.Change]]

	AccountCalled *Batched[int64, *customer.Called]
	PersonCalled  *Batched[int64, *customer.Called]
	AccountSeen   *Batched[int64, *time.Time]
	PersonSeen    *Batched[int64, *time.Time]
	AccountOwner  *Batched[int64, *uuid.UUID]
	PersonOwner   *Batched[int64, *uuid.UUID]
	Member        *Batched[uuid.UUID, *people.Member]
	Note          *Batched[uuid.UUID, *customer.Note]
	Merge         *Batched[uuid.UUID, *customer.Merge]
	AccountNotes  *Batched[PageKey[customer.NoteSpot], customer.Page[customer.Note]]
	PersonNotes   *Batched[PageKey[customer.NoteSpot], customer.Page[customer.Note]]
	Timeline      *Batched[TimelineKey, *timeline.Page]
	Usage         *Batched[UsageKey, *timeline.Usage]

	Plan          *Batched[int64, *revenue.Plan]
	PlanOf        *Batched[int64, *int64] // of an account
	Invoices      *Batched[PageKey[int64], customer.Page[revenue.Invoice]]
	Movements     *Batched[PageKey[revenue.Place], customer.Page[revenue.Moved]]
	Subscription  *Batched[int64, *revenue.Subscription]
	Invoice       *Batched[int64, *revenue.Invoice]
	Payment       *Batched[int64, *revenue.Payment]
	Movement      *Batched[int64, *revenue.Moved]
	ExchangeRate  *Batched[int64, *revenue.ExchangeRate]
	MRR           *Batched[int64, *[]metric.Money]                              // of an account
	Subscriptions *Batched[PageKey[int64], customer.Page[revenue.Subscription]] // of an account

	Health       *Batched[int64, *health.Standing] // of an account
	HealthTrend  *Batched[TrendKey, *health.Trend]
	HealthChange *Batched[int64, *health.Change]

	Ticket             *Batched[int64, *ticket.Ticket]
	AccountTickets     *Batched[PageKey[ticket.Place], customer.Page[ticket.Ticket]]
	PersonTickets      *Batched[PageKey[ticket.Place], customer.Page[ticket.Ticket]]
	AccountOpenTickets *Batched[int64, *int]
	PersonOpenTickets  *Batched[int64, *int]

	Cohort            *Batched[int64, *cohort.Cohort]
	CohortUsers       *Batched[int64, *[]cohort.Cohort] // those that ask for it
	CohortsOf         *Batched[int64, *[]cohort.Cohort] // of a person
	CohortEvaluations *Batched[PageKey[int64], customer.Page[cohort.Evaluation]]
	CohortMembers     *Batched[PageKey[cohort.MemberPlace], customer.Page[cohort.Member]]
	CohortChanges     *Batched[PageKey[cohort.ChangePlace], customer.Page[cohort.Change]]
}

type loadersKey struct{}

// Services are what loaders read from.
type Services struct {
	Events  *event.Reader
	Parts   *archive.Reader
	People  *customer.Service
	Keys    *access.Keyring
	Metrics *metric.Service

	Summaries   *summary.Service
	Revenue     *revenue.Service
	Definitions *definition.Service
	Staff       *people.Service
	Timelines   *timeline.Service
	Cohorts     *cohort.Service
	Health      *health.Service
	Tickets     *ticket.Service
}

// With returns a context with fresh loaders. They are made when the first is asked for.
func With(ctx context.Context, from Services) context.Context {
	return context.WithValue(ctx, loadersKey{}, sync.OnceValue(func() *Loaders { return fresh(from) }))
}

func fresh(from Services) *Loaders {
	return &Loaders{
		Figures:            figures(from.Metrics),
		Metric:             metricsByKey(from.Metrics),
		MetricVersions:     versions(from.Definitions),
		Event:              single(from.Events.ByPositions),
		ArchivePart:        single(from.Parts.ByPositions),
		APIKey:             single(from.Keys.ByIDs),
		Person:             single(from.People.Persons),
		Identity:           single(from.People.Identities),
		Account:            single(from.People.Accounts),
		AccountOf:          single(from.People.AccountsOf),
		UserIDs:            single(from.People.UserIDs),
		PersonTraits:       single(from.People.PersonTraits),
		AccountTraits:      single(from.People.AccountTraits),
		Identities:         paged(from.People.IdentityPages),
		Accounts:           paged(from.People.AccountPages),
		Members:            paged(from.People.MemberPages),
		SummaryHistory:     single(from.Summaries.Histories),
		PersonHistory:      paged(from.People.PersonHistories),
		AccountHistory:     paged(from.People.AccountHistories),
		AccountCalled:      single(from.People.AccountsCalled),
		PersonCalled:       single(from.People.PersonsCalled),
		AccountSeen:        single(from.People.AccountsSeen),
		PersonSeen:         single(from.People.PersonsSeen),
		AccountOwner:       single(from.People.AccountOwners),
		PersonOwner:        single(from.People.PersonOwners),
		Member:             single(from.Staff.Colleagues),
		Note:               single(from.People.NotesByID),
		Merge:              single(from.People.MergesByID),
		AccountNotes:       paged(from.People.AccountNotes),
		PersonNotes:        paged(from.People.PersonNotes),
		Timeline:           timelines(from.Timelines),
		Usage:              usages(from.Timelines),
		Plan:               single(from.Revenue.PlansByID),
		PlanOf:             single(from.Revenue.PlanOf),
		Invoices:           paged(from.Revenue.InvoicePages),
		Movements:          paged(from.Revenue.MovementPages),
		Subscription:       single(from.Revenue.SubscriptionsByID),
		Invoice:            single(from.Revenue.InvoicesByID),
		Payment:            single(from.Revenue.PaymentsByID),
		Movement:           single(from.Revenue.MovementsByID),
		ExchangeRate:       single(from.Revenue.RatesByID),
		MRR:                single(from.Revenue.MRR),
		Subscriptions:      paged(from.Revenue.SubscriptionPages),
		Ticket:             single(from.Tickets.ByIDs),
		AccountTickets:     paged(from.Tickets.AccountPages),
		PersonTickets:      paged(from.Tickets.PersonPages),
		AccountOpenTickets: single(from.Tickets.OpenOfAccounts),
		PersonOpenTickets:  single(from.Tickets.OpenOfPersons),
		Health:             single(from.Health.Of),
		HealthTrend:        trends(from.Health),
		HealthChange:       single(from.Health.ChangesByID),
		Cohort:             single(from.Cohorts.ByIDs),
		CohortUsers:        single(from.Cohorts.UsedBy),
		CohortsOf:          single(from.Cohorts.OfPersons),
		CohortEvaluations:  paged(from.Cohorts.Evaluations),
		CohortMembers:      paged(from.Cohorts.Members),
		CohortChanges:      paged(from.Cohorts.Changes),
	}
}

// From gives the execution's loaders.
func From(ctx context.Context) *Loaders {
	return ctx.Value(loadersKey{}).(func() *Loaders)()
}

// Forget lets everybody be looked up again, after a correction.
func (l *Loaders) Forget() {
	l.Person.ClearAll()
	l.Identity.ClearAll()
	l.UserIDs.ClearAll()
	l.PersonTraits.ClearAll()
	l.Identities.ClearAll()
	l.Accounts.ClearAll()
	l.Members.ClearAll()
	l.PersonHistory.ClearAll()
	l.PersonCalled.ClearAll()
	l.PersonSeen.ClearAll()
	l.Merge.ClearAll()
	l.Ticket.ClearAll()
	l.PersonTickets.ClearAll()
	l.PersonOpenTickets.ClearAll()
	l.ForgetCare()
}

// ForgetCare lets what is noted of customers, and who looks after them, be looked up again.
func (l *Loaders) ForgetCare() {
	l.AccountOwner.ClearAll()
	l.PersonOwner.ClearAll()
	l.Note.ClearAll()
	l.AccountNotes.ClearAll()
	l.PersonNotes.ClearAll()
	l.Timeline.ClearAll()
	l.Usage.ClearAll()
}

// ForgetHealth lets scores be looked up again.
func (l *Loaders) ForgetHealth() {
	l.Health.ClearAll()
	l.HealthTrend.ClearAll()
	l.HealthChange.ClearAll()
	l.Timeline.ClearAll()
}

// figures answers questions for metrics together, and tells what each was read from: a figure of
// last year is none the older for an event of today.
func figures(metrics *metric.Service) *Batched[*metric.Question, metric.Answer] {
	return &Batched[*metric.Question, metric.Answer]{batch: func(ctx context.Context, questions []*metric.Question) []*dataloader.Result[told[metric.Answer]] {
		ctx, cancel := within(ctx)
		defer cancel()
		ctx, _ = topic.Shared(ctx) // as each is told apart
		results := make([]*dataloader.Result[told[metric.Answer]], len(questions))
		for i, answer := range metrics.Answer(ctx, questions) {
			results[i] = &dataloader.Result[told[metric.Answer]]{Data: told[metric.Answer]{answer, answer.From}, Error: answer.Err}
		}
		return results
	}}
}

// single loads things by their keys.
func single[K comparable, V any](find func(context.Context, []K) (map[K]V, error)) *Batched[K, *V] {
	return batched(func(ctx context.Context, keys []K) []*dataloader.Result[*V] {
		found, err := find(ctx, keys)
		results := make([]*dataloader.Result[*V], len(keys))
		for i, key := range keys {
			results[i] = &dataloader.Result[*V]{Error: err}
			if v, ok := found[key]; ok && err == nil {
				results[i].Data = &v
			}
		}
		return results
	})
}
