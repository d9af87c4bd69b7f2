package metric

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// explainWithin bounds an explanation: each of its statements is run twice.
const explainWithin = 15 * time.Second

// Explanation tells what answers were read from, and what that cost.
type Explanation struct {
	Cost
	Sources  Sources
	Readings []Reading
}

// SourceNames are all sources of its readings.
func (e Explanation) SourceNames() []Source { return e.Sources.Names() }

// Reading is one distinct need: what was read at once, for whatever has need of it.
type Reading struct {
	Cost
	Metrics    []string // keys of those that were read for, formulas aside
	Buckets    int
	Sources    Sources
	Reasons    []Reason
	Statements []Statement
}

// SourceNames are its sources.
func (r Reading) SourceNames() []Source { return r.Sources.Names() }

// Statement is what was asked of the database.
type Statement struct {
	Cost
	Name   string
	Tables []string // that were read, by name
}

// Cost is what reading came to.
type Cost struct {
	Milliseconds float64 // of planning and execution
	Rows         int     // that tables gave
	Blocks       int     // of 8 kB that were looked at, in memory or not
}

func (c *Cost) add(other Cost) {
	c.Milliseconds += other.Milliseconds
	c.Rows += other.Rows
	c.Blocks += other.Blocks
}

// Reason is why something is read from where it is.
type Reason string

// The reasons, as in the schema's enum ReadingReason.
const (
	ClosedDays      Reason = "CLOSED_DAYS"
	OpenDays        Reason = "OPEN_DAYS"
	CutQuarterHours Reason = "CUT_QUARTER_HOURS"
	ByFilter        Reason = "FILTER"
	ByBreakdown     Reason = "BREAKDOWN"
	ByDefinition    Reason = "DEFINITION"
	ByRowConditions Reason = "ROW_CONDITIONS"
	ByAsOf          Reason = "AS_OF"
)

// AllReasons lists the reasons in the order of the schema.
func AllReasons() []Reason {
	return []Reason{ClosedDays, OpenDays, CutQuarterHours, ByFilter, ByBreakdown, ByDefinition, ByRowConditions, ByAsOf}
}

// Explain answers questions, and tells how. Every statement is run as it would be, and once
// more to be measured, in the same snapshot. The first question's error is that of all.
func (s *Service) Explain(ctx context.Context, questions []*Question) ([]Answer, Explanation, error) {
	topic.NoteMoving(ctx) // how long it took is another matter each time
	ctx, cancel := context.WithTimeout(ctx, explainWithin)
	defer cancel()
	answers, made := make([]Answer, len(questions)), &Explanation{Readings: []Reading{}}
	err := retelling(ctx, answers, func(ctx context.Context) error {
		return s.open(ctx, func(h house) error {
			return s.answer(ctx, &round{house: h, tables: map[string]*Table{}, explained: made}, questions, answers)
		})
	})
	for _, a := range answers {
		if err == nil {
			err = a.Err
		}
	}
	return answers, *made, err
}

// explain reads what is wanted one after the other, and measures each.
func (r *round) explain(ctx context.Context) error {
	for _, n := range r.wanted {
		heard := &listener{DBTX: r.tx}
		t, err := n.reader.Read(ctx, heard, n.grid)
		if err != nil {
			return fmt.Errorf("read %s: %w", n.reader.Name, err)
		}
		r.tables[n.key] = t
		reading := Reading{Metrics: n.metrics, Buckets: len(n.grid.Buckets), Sources: t.Sources, Reasons: reasons(n.grid, t.Sources), Statements: []Statement{}}
		for _, a := range heard.asked {
			statement, err := measure(ctx, r.tx, a, r.who.Rows != nil)
			if err != nil {
				return err
			}
			reading.add(statement.Cost)
			reading.Statements = append(reading.Statements, statement)
		}
		r.explained.add(reading.Cost)
		r.explained.Sources |= t.Sources
		r.explained.Readings = append(r.explained.Readings, reading)
	}
	r.wanted = nil
	return nil
}

// reasons says why a grid was read from these sources.
func reasons(g Grid, from Sources) []Reason {
	list := []Reason{}
	because := func(holds bool, why Reason) {
		if holds {
			list = append(list, why)
		}
	}
	because(from&Materialized != 0, ClosedDays)
	because(from&Open != 0, OpenDays)
	kept := len(list)
	if from&Raw == 0 {
		return list
	}
	because(g.narrowed, ByRowConditions)
	because(g.asOf, ByAsOf)
	because(g.Filter != nil, ByFilter)
	because(len(g.By) > 0, ByBreakdown)
	if len(list) > kept {
		return list
	}
	if kept > 0 || slices.ContainsFunc(g.Buckets, withinQuarterHour) {
		return append(list, CutQuarterHours)
	}
	return append(list, ByDefinition)
}

func withinQuarterHour(b calendar.Bucket) bool {
	return b.Start.Before(b.End) && calendar.CeilSlot(b.Start).After(calendar.FloorSlot(b.End))
}

// listener hears what is asked.
type listener struct {
	dbsqlc.DBTX
	asked []question
}

type question struct {
	sql  string
	args []any
}

func (l *listener) hear(sql string, args []any) { l.asked = append(l.asked, question{sql, args}) }

// Query implements [dbsqlc.DBTX].
func (l *listener) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	l.hear(sql, args)
	return l.DBTX.Query(ctx, sql, args...)
}

// QueryRow implements [dbsqlc.DBTX].
func (l *listener) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	l.hear(sql, args)
	return l.DBTX.QueryRow(ctx, sql, args...)
}

// Exec implements [dbsqlc.DBTX].
func (l *listener) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	l.hear(sql, args)
	return l.DBTX.Exec(ctx, sql, args...)
}

// plan is what PostgreSQL tells of a statement that it has run.
type plan struct {
	Plan      planNode
	Planning  float64 `json:"Planning Time"`
	Execution float64 `json:"Execution Time"`
}

type planNode struct {
	Relation string     `json:"Relation Name"`
	Rows     float64    `json:"Actual Rows"` // of each loop
	Loops    float64    `json:"Actual Loops"`
	Hit      int        `json:"Shared Hit Blocks"` // those of its parts included
	Read     int        `json:"Shared Read Blocks"`
	Parts    []planNode `json:"Plans"`
}

// measure runs a statement once more, to see what it comes to. Who sees some rows alone is told of
// the events among these: how much else was looked at would tell how much there is.
func measure(ctx context.Context, tx pgx.Tx, q question, narrowed bool) (Statement, error) {
	s := Statement{Name: nameOf(q.sql), Tables: []string{}}
	var text []byte
	// Described and not kept: nobody will ask for the same explanation soon.
	args := append([]any{pgx.QueryExecModeDescribeExec}, q.args...)
	if err := tx.QueryRow(ctx, "explain (analyze, buffers, timing off, summary on, format json) "+q.sql, args...).Scan(&text); err != nil {
		return s, fmt.Errorf("explain %s: %w", s.Name, err)
	}
	var plans []plan
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		return s, fmt.Errorf("read the plan of %s: %d plans: %w", s.Name, len(plans), err)
	}
	p := plans[0]
	s.Milliseconds = p.Planning + p.Execution
	if !narrowed {
		s.Blocks = p.Plan.Hit + p.Plan.Read
	}
	p.Plan.visit(&s, narrowed)
	slices.Sort(s.Tables)
	s.Tables = slices.Compact(s.Tables)
	return s, nil
}

// visit adds up what tables gave. What their filters left out is not told: some of it may be
// other tenants'.
func (n planNode) visit(s *Statement, narrowed bool) {
	if n.Relation != "" {
		table := partition.ReplaceAllString(n.Relation, "")
		s.Tables = append(s.Tables, table)
		if !narrowed || table == "event" {
			s.Rows += int(n.Rows * n.Loops)
		}
	}
	for _, part := range n.Parts {
		part.visit(s, narrowed)
	}
}

// partition is what the name of a month's partition has behind that of its table.
var partition = regexp.MustCompile(`_(\d{6}|default)$`)

// nameOf is the name of a statement in queries/, which its text begins with.
func nameOf(sql string) string {
	rest, named := strings.CutPrefix(sql, "-- name: ")
	name, _, found := strings.Cut(rest, " ")
	if !named || !found {
		return "unnamed"
	}
	return name
}
