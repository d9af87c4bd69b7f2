package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// figures is what is recorded: the conditions, and the results.
func figures(o options, results []result) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d processors, %s, PostgreSQL as `tidemark up` sets it (fsync on), everything on one machine, the client with %d connections included; medians of %d rounds of %v.\n\n",
		runtime.NumCPU(), runtime.Version(), connections, o.rounds, o.length)
	fmt.Fprintln(&text, "| events | page | bytes | cold, answers/s | by hand | ratio | unchanged, answers/s | from memory | ratio |\n|---|---|---|---|---|---|---|---|---|")
	for _, r := range results {
		for _, p := range r.pages {
			fmt.Fprintf(&text, "| %d | %s | %d | %.0f | %.0f | **%.2f** | %.0f | %.0f | **%.2f** |\n", r.events, p.name, p.bytes,
				trial.Median(p.cold), trial.Median(p.byHand), p.coldRatio(), trial.Median(p.warm), trial.Median(p.kept), p.warmRatio())
		}
	}
	fmt.Fprintf(&text, "\nA delta of %d events, until all were acknowledged, and from then until an answer had them:\n\n| events | delta | stored in | in the answers after |\n|---|---|---|---|\n", deltaEvents)
	for _, r := range results {
		for _, d := range r.deltas {
			fmt.Fprintf(&text, "| %d | %s | %v | **%v** |\n", r.events, d.name, trial.Median(d.stored).Round(time.Millisecond), d.took().Round(100*time.Microsecond))
		}
	}
	fmt.Fprintln(&text, "\nWhat one page makes PostgreSQL do:\n\n| events | page | statements | rows | buffers | by |\n|---|---|---|---|---|---|")
	for _, r := range results {
		for _, w := range r.work {
			fmt.Fprintf(&text, "| %d | %s | %d | %d | %d | %s |\n", r.events, w.page, w.statements, w.rows, w.buffers, strings.Join(w.indexes, ", "))
		}
	}
	return text.String()
}
