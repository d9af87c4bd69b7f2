package importer

import (
	"fmt"
)

// How much of a dry run is shown.
const (
	shownEvents   = 5
	shownRefusals = 20
)

// explain tells where the columns of a file go.
func (r *run) explain(header []string) {
	fmt.Fprintln(r.options.Preview, "Columns:")
	for i, t := range r.shaper.(columns).targets {
		fmt.Fprintf(r.options.Preview, "  %s -> %s\n", header[i], t)
	}
}

// preview shows what the first rows become, and why others are refused.
func (r *run) preview(e entry) {
	refusals := r.now.Counts.Refused()
	switch {
	case isRefused(e.verdict.Status) && refusals <= shownRefusals:
		fmt.Fprintf(r.options.Preview, "line %d is refused: %s: %s\n", e.line, e.verdict.Field, e.verdict.Reason)
	case !isRefused(e.verdict.Status) && r.now.Counts.Accepted <= shownEvents:
		fmt.Fprintf(r.options.Preview, "line %d: %s\n", e.line, e.event)
	}
}
