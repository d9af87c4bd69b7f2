package demo

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Story is something that happened to a company, and shows in its events.
type Story struct {
	At          time.Time // in the company's zone
	Title, Text string
}

// plot is a story before it has a date: on the last such weekday that lies at
// least so many days before the end of the history.
type plot struct {
	kind   kind
	ago    int
	on     time.Weekday
	hour   int
	length time.Duration
	title  string
	text   string // %s is the date
}

// kind is what a plot does to the events; effects.go says how. A company has each
// at most once.
type kind int

const (
	launch   kind = iota // a spike, a week of twice the sign-ups, and a lift that lasts
	campaign             // ten days of many sign-ups who do not stay
	outage               // hours of next to nothing, then payments that fail
	novelty              // a feature, and so an event type, that did not exist before
	pricing              // a price that fewer and fewer accept
	release              // payments that fail in one browser
	kinds
)

// span is [from, to) in Unix milliseconds.
type span struct{ from, to int64 }

func (s span) holds(at int64) bool { return s.from <= at && at < s.to }

var never = span{math.MaxInt64, math.MaxInt64}

// script is when each kind of plot takes place in one history.
type script [kinds]span

// since is how long ago the plot of a kind began; negative if it did not yet.
func (s *script) since(k kind, at int64) int64 {
	if s[k] == never {
		return -1
	}
	return at - s[k].from
}

// scheduled is a plot that has its date.
type scheduled struct {
	plot
	at time.Time
}

// apart is how many days lie between two plots, so that neither hides the other.
const apart = 21

// schedule places the plots, the last one first. One that would lie too near the
// beginning to be compared with anything is left out.
func (w *world) schedule() []scheduled {
	var placed []scheduled
	first, next := time.UnixMilli(w.from).AddDate(0, 0, apart), time.UnixMilli(w.until)
	for _, p := range slices.Backward(w.plots) {
		if at := w.date(p, next); !at.Before(first) {
			placed, next = append(placed, scheduled{p, at}), at.AddDate(0, 0, -apart)
		}
	}
	slices.Reverse(placed)
	return placed
}

// date is the last day for a plot that is not after the limit, and keeps away
// from holidays, which would hide it.
func (w *world) date(p plot, limit time.Time) time.Time {
	end := time.UnixMilli(w.until).In(w.rhythm.zone)
	at := time.Date(end.Year(), end.Month(), end.Day()-p.ago, p.hour, 0, 0, 0, w.rhythm.zone)
	at = at.AddDate(0, 0, -int(at.Weekday()-p.on+7)%7)
	for at.After(limit) || w.festive(at) || nearNewYear(at, calm(p.kind)) {
		at = at.AddDate(0, 0, -7)
	}
	return at
}

// newScript is when the scheduled plots take place.
func newScript(plots []scheduled) script {
	var s script
	for k := range s {
		s[k] = never
	}
	for _, p := range plots {
		s[p.kind] = span{p.at.UnixMilli(), p.at.Add(p.length).UnixMilli()}
	}
	return s
}

// festive tells whether there is a holiday in the week of a day, or in the one
// before, which it will be compared with.
func (w *world) festive(at time.Time) bool {
	for d := -9; d < 8; d++ {
		if w.rhythm.isHoliday(at.AddDate(0, 0, d)) {
			return true
		}
	}
	return false
}

// calm is how many days a plot keeps away from the turn of the year. What is to
// be seen by comparing weeks needs ordinary weeks around it.
func calm(k kind) int {
	if k == launch {
		return 28
	}
	return 12
}

func nearNewYear(at time.Time, days int) bool {
	for d := -days; d <= days; d++ {
		if _, month, day := at.AddDate(0, 0, d).Date(); month == time.December && day > 20 {
			return true
		}
	}
	return false
}

// Stories tells what is hidden in the events of the plan, the earliest first. They
// show in counts by day from about a million events on; in a smaller history chance
// hides some of them. A history of less than a year has fewer.
func (p Plan) Stories(c Company) []Story {
	profile := profileOf(c)
	if profile == nil {
		return nil
	}
	var told []Story
	for _, s := range newStage(p, profile).schedule() {
		told = append(told, Story{s.at, s.title, fmt.Sprintf(s.text, s.at.Format("2 January 2006"))})
	}
	return told
}
