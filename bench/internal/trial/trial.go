// Package trial holds what all measurements have in common: how they begin and end, what
// counts of several rounds, where the figures go, and how the binary is run that they are of.
package trial

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Main runs a measurement until it ends or is interrupted, and exits with 1 where it fails.
func Main(name string, run func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// Median is the middle one of some values, and the zero value of none.
func Median[T cmp.Ordered](values []T) (middle T) {
	if len(values) == 0 {
		return middle
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Record adds figures to a file, below a heading with the date and the commit. Without a file
// it does nothing.
func Record(ctx context.Context, path, name, figures string) error {
	if path == "" {
		return nil
	}
	commit, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return fmt.Errorf("ask for the commit: %w", err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	_, err = fmt.Fprintf(file, "\n### %s, %s, commit %s\n\n%s", name, time.Now().UTC().Format(time.DateOnly), strings.TrimSpace(string(commit)), figures)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
