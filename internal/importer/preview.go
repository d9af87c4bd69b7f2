package importer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// How much of a dry run is shown.
const (
	shownEvents   = 5
	shownRefusals = 20
)

// explain tells where the columns of a file go.
func (r *run) explain(header []string, targets []target) {
	r.say("Columns:\n")
	for i, t := range targets {
		r.say("  %s -> %s\n", printable(header[i]), printable(t.String()))
	}
}

// preview shows what the first rows become, and why others are refused.
func (r *run) preview(e entry) {
	refusals := r.now.Counts.Refused()
	switch {
	case isRefused(e.verdict.Status) && refusals <= shownRefusals:
		r.say("line %d is refused: %s: %s\n", e.line, printable(e.verdict.Field), e.verdict.Reason)
	case !isRefused(e.verdict.Status) && r.now.Counts.Accepted <= shownEvents:
		r.say("line %d: %s\n", e.line, e.event)
	}
}

func (r *run) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.options.Preview, format, args...) // who watches may have gone
}

// printable keeps what stands in a file from steering a terminal.
func printable(text string) string {
	if strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return strconv.Quote(text)
	}
	return text
}
