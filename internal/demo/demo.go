// Package demo makes up a year of two companies' traffic. The same plan gives
// the same events to the byte on every machine, exactly as many as it counts
// beforehand, in order of time; and every story that it tells about them can be
// found in them by counting.
//
// It is pure: no database, no network, no clock. Nobody in it is real.
package demo

import (
	"encoding/json"
	"iter"
	"math/bits"
	"time"
)

// Event is one event in the words of the ingest API. Its bytes are its own: they
// are never written to again.
type Event struct {
	MessageID   string
	Type        string
	UserID      string // empty until the person has signed up
	AnonymousID string
	At          time.Time       // UTC, to the millisecond
	Properties  json.RawMessage // a JSON object; money is an integer of minor units beside its currency
	Context     json.RawMessage // a JSON object in Segment's shape
	AccountID   string          // of whom the user belongs to; empty if unknown
	Traits      json.RawMessage // a JSON object: who the user is, on the first of their events; else nil
}

// Company describes one demo tenant. What it means to be that company (its hours,
// its people, its product) is looked up by Key.
type Company struct {
	Key, Name, Zone string
	WeekStart       time.Weekday
	Currency        string  // of most of its customers
	Share           float64 // of the events of a plan
}

// Companies are the two demo tenants.
func Companies() []Company {
	return []Company{northwind.Company, globex.Company}
}

// Types are the event types that the company sends, "$page" first.
func (c Company) Types() []string {
	p := profileOf(c)
	if p == nil {
		return nil
	}
	return p.flow.types()
}

// Plan says how much history to make up, and until when.
type Plan struct {
	Seed   uint64
	Events int // over both companies, exactly
	Until  time.Time
	Days   int // 365 if zero
}

// Count is how many events Generate yields.
func (p Plan) Count(c Company) int {
	if profileOf(c) == nil || p.Events <= 0 {
		return 0
	}
	first := int(float64(p.Events) * northwind.Share)
	if c.Key == northwind.Key {
		return first
	}
	return p.Events - first
}

// Generate yields the company's events within [Until-Days, Until), the earliest
// first. It holds the company's users and one day of events in memory, never the
// year.
func (p Plan) Generate(c Company) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		count := p.Count(c)
		if count == 0 {
			return
		}
		w := newWorld(p, c)
		h := newHistory(w, count)
		r := newRenderer(w, h.people)
		for d := range w.days {
			for _, x := range h.day(d) {
				if !yield(r.event(x)) {
					return
				}
			}
		}
	}
}

// length is Days, or its default.
func (p Plan) length() int {
	if p.Days > 0 {
		return p.Days
	}
	return 365
}

// portion is whole*part/total without overflow: the running sums of portions add
// up to the whole exactly.
func portion(whole int, part, total uint64) int {
	if total == 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(whole), part)
	q, _ := bits.Div64(hi, lo, total)
	return int(q)
}
