package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// figures is what is recorded: the conditions, and the results.
func figures(o options, results []result) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d processors, %s, PostgreSQL as `tidemark up` sets it (fsync on), client on the same machine; %d events a round, %d rounds, %d stored before; %d events a request.\n\n",
		runtime.NumCPU(), runtime.Version(), o.events, o.rounds, o.stored, perRequest)
	fmt.Fprintln(&text, "| connections | ingest, events/s | raw COPY, rows/s | ratio | limit | aim |\n|---|---|---|---|---|---|")
	for _, r := range results {
		fmt.Fprintf(&text, "| %d | %.0f | %.0f | **%.2f** | %.1f | %.1f |\n", r.connections, trial.Median(r.ingest), trial.Median(r.raw), r.ratio(), limit, aim)
	}
	fmt.Fprintln(&text)
	for _, r := range results {
		fmt.Fprintf(&text, "With %d: %v; raw COPY costs %v in PostgreSQL.\n", r.connections, r.cost, r.rawCost.postgres)
	}
	return text.String()
}
