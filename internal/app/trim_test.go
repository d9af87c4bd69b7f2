package app

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Memory is given back after each wave, once it is over, and for nothing less.
func TestTrim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := 0
		var trimmed []int
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			trim(ctx, func() int { return open }, func() { trimmed = append(trimmed, open) })
		}()
		for _, step := range []int{10, 900, 400, 800, 5_000, 9_000, 10_000, 10_010, 10_020, 9_500, 9_400, 30, 0, 0, 0} {
			open = step
			time.Sleep(trimEvery)
			synctest.Wait()
		}
		cancel()
		<-done
		if want := []int{10_010, 0}; !slices.Equal(trimmed, want) {
			t.Errorf("memory was given back with %v connections, want %v", trimmed, want)
		}
	})
}
