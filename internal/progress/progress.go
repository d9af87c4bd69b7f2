// Package progress shows on one line how far a long piece of work is, how fast it goes, and
// how long it will take: in place on a terminal, line by line elsewhere.
package progress

import (
	"fmt"
	"io"
	"os"
	"time"
)

// How often progress is shown.
const (
	redrawEvery = 100 * time.Millisecond
	lineEvery   = 2 * time.Second
)

// Step is how far the work is.
type Step struct {
	Events int64 // or what else is counted: done since the beginning of this run
	Done   int64 // of Total, in whatever is known beforehand: events, or bytes
	Total  int64 // 0 if it is not known
	From   int64 // what of Done was done by an earlier run
	Last   bool  // whether nothing follows
}

// Line is the line on which progress is shown. It is not for concurrent use.
type Line struct {
	out          io.Writer
	what, counts string // what is done, and of what
	start, shown time.Time
	every        time.Duration
	begin, end   string
	drawn        bool
}

// NewLine makes a line that begins with what is being done.
func NewLine(out *os.File, what string) *Line {
	now := time.Now()
	l := &Line{out: out, what: what, counts: "events", start: now, shown: now, every: lineEvery, end: "\n"}
	if isTerminal(out) {
		l.every, l.begin, l.end = redrawEvery, "\r\x1b[K", ""
	}
	return l
}

// Show shows the step, unless another one was shown a moment ago and more will follow.
func (l *Line) Show(s Step) {
	now := time.Now()
	if !s.Last && now.Sub(l.shown) < l.every {
		return
	}
	l.shown = now
	end := l.end
	if s.Last {
		end = "\n"
	}
	l.drawn = end == ""
	_, _ = io.WriteString(l.out, l.begin+l.what+"  "+s.text(now.Sub(l.start), l.counts)+end) // who watches may have gone
}

// Say writes a sentence of its own, which stays.
func (l *Line) Say(sentence string) {
	_, _ = io.WriteString(l.out, l.begin+sentence+"\n")
	l.drawn = false
}

// End leaves the line as it is, for whatever is written next.
func (l *Line) End() {
	if l.drawn {
		_, _ = io.WriteString(l.out, "\n")
		l.drawn = false
	}
}

func (s Step) text(took time.Duration, counts string) string {
	seconds := max(took.Seconds(), 0.001)
	rate := float64(s.Events) / seconds
	if s.Total <= 0 {
		return fmt.Sprintf("%d %s  %.0f/s", s.Events, counts, rate)
	}
	if s.Done <= s.From {
		return fmt.Sprintf("%3d %%  %d %s", s.Done*100/s.Total, s.Events, counts)
	}
	speed := float64(s.Done-s.From) / seconds
	left := time.Duration(float64(max(s.Total-s.Done, 0)) / speed * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%3d %%  %d %s  %.0f/s  %v left", min(s.Done*100/s.Total, 100), s.Events, counts, rate, left)
}

// Events gives a report for work of which every event is counted.
func Events(out *os.File, what string) func(done, total int) { return Of(out, what, "events") }

// Of is Events for work of which something else is counted, such as "secrets".
func Of(out *os.File, what, counts string) func(done, total int) {
	line := NewLine(out, what)
	line.counts = counts
	return func(done, total int) {
		line.Show(Step{Events: int64(done), Done: int64(done), Total: int64(total), Last: done >= total})
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
