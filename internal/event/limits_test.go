package event

import (
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// A server may be told other limits; then they hold, and are what the refusal names.
func TestLimitsCanBeSet(t *testing.T) {
	before := CurrentLimits()
	t.Cleanup(func() { SetLimits(before) })
	sized := func(n int) *fault.Error {
		e := Incoming{Type: "E", UserID: "u", Properties: []byte(`{"a":"` + strings.Repeat("x", n) + `"}`)}
		return e.Check()
	}
	for limit, sizes := range map[int]map[int]bool{2_000: {1_900: true, 2_100: false}, 100_000: {90_000: true, 110_000: false}} {
		SetLimits(Limits{Event: limit, Batch: 2 * limit})
		for size, fits := range sizes {
			problem := sized(size)
			if (problem == nil) != fits || problem != nil && problem.Code != fault.TooLarge {
				t.Errorf("%d bytes, at most %d: %v", size, limit, problem)
			}
		}
	}
}
