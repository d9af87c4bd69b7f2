// Package metric answers what a figure is for any range, zone and interval, exactly and
// as of now. Closed days that nothing has touched since they were materialized come from
// their view, and everything else from the rollups that were written with the events; so
// a refresh changes what an answer costs, and never what it says.
//
// A metric is worked out of columns, and columns are read by readers: each reader fills a
// grid of buckets and groups by a fixed number of statements, for whatever metrics need of
// it. So however many figures a request asks for, each distinct need is read once, and all
// of them from one snapshot.
package metric

import (
	"slices"

	"github.com/tidemarkhq/tidemark/internal/access"
)

// Unit is what a value is a number of.
type Unit string

// The units, as in the schema's enum MetricUnit.
const (
	UnitEvents        Unit = "EVENTS"
	UnitUsers         Unit = "USERS"
	UnitAccounts      Unit = "ACCOUNTS"
	UnitSessions      Unit = "SESSIONS"
	UnitSubscriptions Unit = "SUBSCRIPTIONS"
	UnitMoney         Unit = "MONEY" // integers of minor units
	UnitRatio         Unit = "RATIO" // 0.2 is 20 %
	UnitNumber        Unit = "NUMBER"
)

// AllUnits lists the units in the order of the schema.
func AllUnits() []Unit {
	return []Unit{UnitEvents, UnitUsers, UnitAccounts, UnitSessions, UnitSubscriptions, UnitMoney, UnitRatio, UnitNumber}
}

// Direction is where a metric should go.
type Direction string

// The directions, as in the schema's enum MetricDirection.
const (
	UpIsGood   Direction = "UP_IS_GOOD"
	DownIsGood Direction = "DOWN_IS_GOOD"
	Neutral    Direction = "NEUTRAL"
)

// AllDirections lists the directions in the order of the schema.
func AllDirections() []Direction { return []Direction{UpIsGood, DownIsGood, Neutral} }

// Definition is a metric: what it is called, what it means, and how it is worked out.
type Definition struct {
	Key         string
	Name        string
	Description string
	Formula     string // how it is worked out, for people to read
	Unit        Unit
	Direction   Direction
	Additive    bool              // whether buckets add up to their total
	Permission  access.Permission // what asking for its figures takes
	Version     int               // of the definition, from 1
	Custom      bool              // made by the tenant

	// Parts are the metrics that a formula is made of, in the end; nil: it is none.
	Parts []*Definition

	// Entities are what its figures are made of; nil for ratios and the like.
	Entities *Entities
	// Needs are the columns that it is worked out of.
	Needs []Column
	// Calc works the figure of a cell out of its columns, in the order of Needs; nil is the
	// first as it is. A column that has no value there is NaN.
	Calc func(columns []float64) *float64
}

// Column is one of the columns of a reader.
type Column struct {
	Reader *Reader
	Name   string
}

// Dimensions are those that all of the metric's readers can be broken down and filtered by.
func (d *Definition) Dimensions() []DimensionKind {
	parts := slices.DeleteFunc(slices.Clone(d.Needs), func(c Column) bool { return c.Reader.Whole })
	if len(parts) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(parts[0].Reader.Dimensions), func(k DimensionKind) bool {
		return slices.ContainsFunc(parts, func(c Column) bool { return !slices.Contains(c.Reader.Dimensions, k) })
	})
}

// adds reports whether the groups of a breakdown can be put together by adding up.
func (d *Definition) adds() bool {
	return !slices.ContainsFunc(d.Needs, func(c Column) bool { return c.Reader.Whole || !slices.Contains(c.Reader.Adds, c.Name) })
}

// history reports whether it can be told as it was known in the past.
func (d *Definition) history() bool {
	return !slices.ContainsFunc(d.Needs, func(c Column) bool { return !c.Reader.History })
}

// figure is the metric's value of one cell; null for a ratio or an average of nothing.
func (d *Definition) figure(columns []float64) *float64 {
	if d.Calc != nil {
		return d.Calc(columns)
	}
	return orNull(columns[0])
}
