// Package model holds the shapes that the schema gives and no subject has.
package model

import (
	"time"

	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// Node is any type that the schema lists under the interface of this name.
type Node any

// Provenance is any type that the schema lists under the interface of this name.
type Provenance any

// MetricEntity is any type that the schema lists under the union of this name.
type MetricEntity any

// Customer is any type that the schema lists under the union of this name.
type Customer any

// TimelineEntry is any type that the schema lists under the interface of this name.
type TimelineEntry any

// Events is a question about events whose range is definite; its fields answer it.
type Events struct {
	Query     metric.EventQuery
	Range     *metric.Range
	RawSince  *time.Time
	Zone      string
	AsOf      time.Time
	Watermark time.Time
	Exact     bool
}

// ArchivePart is an object of the archive.
type ArchivePart struct {
	ID                    string
	Month                 time.Time
	Path                  string
	State                 ArchiveState
	Events, Bytes         int
	Sha256                string
	FirstAt, LastAt       *time.Time
	ExportedAt            time.Time
	VerifiedAt, DroppedAt *time.Time
	RestoredUntil         *time.Time
}

// ArchivePartConnection is a page of parts.
type ArchivePartConnection struct {
	Edges    []ArchivePartEdge
	Nodes    []ArchivePart
	PageInfo *PageInfo
}

// EventConnection is a page of events, and the question that it answers.
type EventConnection struct {
	Of       *Events
	Edges    []EventEdge
	Nodes    []event.Event
	PageInfo *PageInfo
}

// TrustedDocumentConnection is a page of documents. How many there are on all pages is
// counted where it is asked for.
type TrustedDocumentConnection struct {
	Edges    []TrustedDocumentEdge
	Nodes    []TrustedDocument
	PageInfo *PageInfo
	Retired  bool // of which kind they are
}

// AccountListConnection is a page of the list of accounts. How many there are on all pages is
// counted where it is asked for.
type AccountListConnection struct {
	Search   string
	Edges    []AccountEdge
	Nodes    []customer.Account
	PageInfo *PageInfo
}

// PersonListConnection is the same of persons.
type PersonListConnection struct {
	Search   string
	Edges    []PersonEdge
	Nodes    []customer.Person
	PageInfo *PageInfo
}
