package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// record adds the figures to a file, with the date, the commit and the conditions.
func record(ctx context.Context, o options, results []result) error {
	commit, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return fmt.Errorf("ask for the commit: %w", err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\n### ingest, %s, commit %s\n\n", time.Now().UTC().Format(time.DateOnly), strings.TrimSpace(string(commit)))
	fmt.Fprintf(&text, "%d processors, %s, PostgreSQL as `tidemark up` sets it (fsync on), client on the same machine; %d events a round, %d rounds, %d stored before; %d events a request.\n\n",
		runtime.NumCPU(), runtime.Version(), o.events, o.rounds, o.stored, perRequest)
	fmt.Fprintln(&text, "| connections | ingest, events/s | raw COPY, rows/s | ratio | limit | aim |\n|---|---|---|---|---|---|")
	for _, r := range results {
		fmt.Fprintf(&text, "| %d | %.0f | %.0f | **%.2f** | %.1f | %.1f |\n", r.connections, median(r.ingest), median(r.raw), r.ratio(), limit, aim)
	}
	fmt.Fprintln(&text)
	for _, r := range results {
		fmt.Fprintf(&text, "With %d: %v; raw COPY costs %v in PostgreSQL.\n", r.connections, r.cost, r.rawCost.postgres)
	}
	file, err := os.OpenFile(o.record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	_, err = file.WriteString(text.String())
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
