package demo

import (
	"fmt"
	"math"
	"time"
)

// Story is something that happened to a company, and shows in its events.
type Story struct {
	At          time.Time
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

func (w *world) stage(plots []plot) script {
	var s script
	for k := range s {
		s[k] = never
	}
	for _, p := range plots {
		if at, ok := w.date(p); ok {
			s[p.kind] = span{at.UnixMilli(), at.Add(p.length).UnixMilli()}
		}
	}
	return s
}

// date places a plot. It keeps away from holidays, which would hide it, and
// leaves out what would lie too near the beginning to be compared with anything.
func (w *world) date(p plot) (time.Time, bool) {
	end := time.UnixMilli(w.until).In(w.rhythm.zone)
	at := time.Date(end.Year(), end.Month(), end.Day()-p.ago, p.hour, 0, 0, 0, w.rhythm.zone)
	at = at.AddDate(0, 0, -int(at.Weekday()-p.on+7)%7)
	for w.festive(at) {
		at = at.AddDate(0, 0, -7)
	}
	return at, at.AddDate(0, 0, -21).UnixMilli() >= w.from
}

// festive tells whether the week around a day is unlike others.
func (w *world) festive(at time.Time) bool {
	for d := -2; d < 8; d++ {
		day := at.AddDate(0, 0, d)
		if w.rhythm.isHoliday(day) || day.Month() == time.December && day.Day() > 20 {
			return true
		}
	}
	return false
}

// Stories tells what is hidden in the events of the plan, the earliest first. They
// show in counts by day from some 200,000 events on; below that, chance hides the
// smaller ones.
func (p Plan) Stories(c Company) []Story {
	profile := profileOf(c)
	if profile == nil {
		return nil
	}
	w := newStage(p, profile)
	var told []Story
	for _, plot := range profile.plots {
		if at, ok := w.date(plot); ok {
			told = append(told, Story{at.UTC(), plot.title, fmt.Sprintf(plot.text, at.Format("2 January 2006"))})
		}
	}
	return told
}
