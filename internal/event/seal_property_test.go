package event

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyJSON draws a JSON value: nil, bool, float64, string, []any or map[string]any.
func anyJSON(levels int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		rapid.Int32Range(-3, 3).AsAny(),
		rapid.SampledFrom([]string{"", "a", "0", "null", "é", "\"\\\n", "\u2028"}).AsAny(),
	}
	if levels == 0 {
		return rapid.OneOf(leaves...)
	}
	return rapid.OneOf(append(leaves,
		rapid.SliceOfN(anyJSON(levels-1), 0, 4).AsAny(),
		rapid.Map(anyObject(levels-1), func(o map[string]any) any { return o }),
	)...)
}

func anyObject(levels int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom([]string{"", "a", "b", "c", "ä", "a.b"}), anyJSON(levels), 0, 4)
}

// write gives a value's text, its members in the order that arrange puts their names in.
func write(value any, arrange func([]string) []string) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int32:
		return strconv.Itoa(int(v))
	case string:
		return quote(v)
	case []any:
		var parts []string
		for _, element := range v {
			parts = append(parts, write(element, arrange))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	object := value.(map[string]any)
	var parts []string
	for _, name := range arrange(slices.Sorted(maps.Keys(object))) {
		parts = append(parts, quote(name)+":"+write(object[name], arrange))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

func sorted(names []string) []string { return names }

func TestTheOrderOfMembersDoesNotMatterAtAnyDepth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		object := anyObject(3).Draw(t, "object")
		shuffled := write(object, func(names []string) []string {
			if len(names) < 2 {
				return names
			}
			return rapid.Permutation(names).Draw(t, "order")
		})
		if straight := write(object, sorted); sealed(t, straight).fingerprint != sealed(t, shuffled).fingerprint {
			t.Fatalf("%s and %s differ", straight, shuffled)
		}
	})
}

// A change anywhere, however small, is another event under the same id.
func TestAnyChangeGivesAnotherFingerprint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		object := anyObject(3).Draw(t, "object")
		before := write(object, sorted)
		after := write(changed(t, object), sorted)
		if equal := sealed(t, before).fingerprint == sealed(t, after).fingerprint; equal != (before == after) {
			t.Fatalf("%s and %s: equal fingerprints: %v", before, after, equal)
		}
	})
}

// changed gives a copy of the value in which something, at some depth, is different.
func changed(t *rapid.T, value any) any {
	switch v := value.(type) {
	case []any:
		if len(v) > 0 && rapid.Bool().Draw(t, "within") {
			return changedList(t, slices.Clone(v))
		}
		return append(slices.Clone(v), anyJSON(1).Draw(t, "more"))
	case map[string]any:
		return changedObject(t, maps.Clone(v))
	}
	return anyJSON(1).Draw(t, "instead")
}

func changedList(t *rapid.T, list []any) any {
	i := rapid.IntRange(0, len(list)-1).Draw(t, "at")
	switch rapid.IntRange(0, 2).Draw(t, "how") {
	case 0:
		return slices.Delete(list, i, i+1)
	case 1:
		list[0], list[i] = list[i], list[0]
	default:
		list[i] = changed(t, list[i])
	}
	return list
}

func changedObject(t *rapid.T, object map[string]any) any {
	if len(object) == 0 || rapid.Bool().Draw(t, "more") {
		object[rapid.SampledFrom([]string{"a", "b", "x"}).Draw(t, "name")] = anyJSON(1).Draw(t, "value")
		return object
	}
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(object))).Draw(t, "which")
	value := object[name]
	if rapid.Bool().Draw(t, "within") {
		object[name] = changed(t, value)
		return object
	}
	delete(object, name)
	if rapid.Bool().Draw(t, "rename") {
		object[name+"x"] = value
	}
	return object
}
