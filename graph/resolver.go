// Package graph answers the schema's fields. A resolver turns arguments into one call of a
// service and its result into the schema's shape; the rules are the services'.
package graph

import (
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/auditlog"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/definition"
	"github.com/tidemarkhq/tidemark/internal/document"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/journey"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/people"
	"github.com/tidemarkhq/tidemark/internal/quota"
	"github.com/tidemarkhq/tidemark/internal/registry"
	"github.com/tidemarkhq/tidemark/internal/report"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/summary"
	"github.com/tidemarkhq/tidemark/internal/tail"
	"github.com/tidemarkhq/tidemark/internal/ticket"
	"github.com/tidemarkhq/tidemark/internal/timeline"
)

// Resolver holds the services that answer.
type Resolver struct {
	TenantSettings *access.Settings
	Keyring        *access.Keyring
	Witness        *access.Witness // of how keys are used; it may be nil
	Quotas         *quota.Service
	MetricService  *metric.Service
	Definitions    *definition.Service // of metrics that tenants define
	EventReader    *event.Reader
	EventTail      *tail.Service // of events as they are stored
	ArchiveReader  *archive.Reader
	EventAppender  event.Appender // takes events in
	EventWriter    *event.Writer  // stores those that are let in later
	Registry       *registry.Service
	Customers      *customer.Service
	Timelines      *timeline.Service
	Staff          *people.Service // who works with Tidemark
	Documents      *document.Service
	AuditLog       *auditlog.Service
	ReportService  *report.Service
	SummaryService *summary.Service
	Revenue        *revenue.Service
	Tickets        *ticket.Service
	Journeys       *journey.Service // what people do one thing after the other
	CohortService  *cohort.Service
	HealthService  *health.Service

	reports *runner // made with the executor
}
