package metric_test

import (
	"encoding/json"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
)

// drawRows narrows a caller to some events, and tells the same in Go.
func drawRows(t *rapid.T) (*access.Rows, func(happened) bool) {
	var conditions access.Conditions
	regions := rapid.SliceOfN(rapid.SampledFrom([]any{"EU", "US", "e'\"\\u", "EU' or true --", "7", 7, true, false}), 0, 3).Draw(t, "regions")
	if len(regions) > 0 {
		conditions.Events = append(conditions.Events, access.Condition{Property: []string{"region"}, In: regions})
	}
	groups := rapid.SliceOfN(rapid.SampledFrom([]string{"a1", "a2", "a3"}), 0, 2).Draw(t, "groups")
	if len(groups) > 0 || len(regions) == 0 {
		groups = append(groups, "a2")
		in := make([]any, len(groups))
		for i, g := range groups {
			in[i] = g
		}
		conditions.Events = append(conditions.Events, access.Condition{Group: "account", In: in})
	}
	rows, err := access.NewRows(conditions)
	if err != nil {
		t.Fatal(err)
	}
	text := func(value any) string {
		written, _ := json.Marshal(value)
		return fmt.Sprintf("%T %s", value, written)
	}
	return rows, func(e happened) bool {
		return (len(regions) == 0 || slices.ContainsFunc(regions, func(r any) bool { return text(r) == text(e.region) })) &&
			(len(groups) == 0 || slices.Contains(groups, e.group))
	}
}
