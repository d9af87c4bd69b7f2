package jsonpatch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	other "github.com/evanphx/json-patch/v5"
	"pgregory.net/rapid"
)

func TestDiff(t *testing.T) {
	tests := []struct{ name, before, after, want string }{
		{"equal", `{"a":1}`, `{"a":1}`, `[]`},
		{"a number", `{"a":{"b":1}}`, `{"a":{"b":2}}`, `[{"op":"replace","path":"/a/b","value":2}]`},
		{"a member comes", `{}`, `{"a":null}`, `[{"op":"add","path":"/a","value":null}]`},
		{"a member goes", `{"a":1,"b":2}`, `{"b":2}`, `[{"op":"remove","path":"/a"}]`},
		{"an object becomes null", `{"a":{"b":1}}`, `{"a":null}`, `[{"op":"replace","path":"/a","value":null}]`},
		{"names that need escapes", `{"a/b":{"m~n":1}}`, `{"a/b":{"m~n":2}}`, `[{"op":"replace","path":"/a~1b/m~0n","value":2}]`},
		{"the last of a series", `[1,2,3]`, `[1,2,4]`, `[{"op":"replace","path":"/2","value":4}]`},
		{"a series grows", `[1,2]`, `[1,2,3,4]`, `[{"op":"add","path":"/2","value":3},{"op":"add","path":"/3","value":4}]`},
		{"a series shrinks", `[1,2,3,4]`, `[1,4]`, `[{"op":"remove","path":"/1"},{"op":"remove","path":"/1"}]`},
		{"a series moves on", `[1,2,3,4,5,6]`, `[2,3,4,5,6,7]`, `[{"op":"add","path":"/6","value":7},{"op":"remove","path":"/0"}]`},
		{"an element of a list", `[{"id":1,"n":1},{"id":2,"n":1}]`, `[{"id":1,"n":1},{"id":2,"n":2}]`, `[{"op":"replace","path":"/1/n","value":2}]`},
		{"one in front", `[{"id":1},{"id":2}]`, `[{"id":3},{"id":1},{"id":2}]`, `[{"op":"add","path":"/0","value":{"id":3}}]`},
		{"another kind", `[1]`, `{"a":1}`, `[{"op":"replace","path":"","value":{"a":1}}]`},
		{"large numbers stay as they are", `{"a":1}`, `{"a":12345678901234567890.5}`, `[{"op":"replace","path":"/a","value":12345678901234567890.5}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Diff([]byte(test.before), []byte(test.after))
			if err != nil || string(got) != test.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

func TestWhatIsNoJSONIsRefused(t *testing.T) {
	for _, pair := range [][2]string{{`{`, `{}`}, {`{}`, `{"a":}`}, {`[1,`, `[1]`}} {
		if patch, err := Diff([]byte(pair[0]), []byte(pair[1])); err == nil {
			t.Errorf("%v: %s", pair, patch)
		}
	}
}

// Another implementation makes of the old text the new one. (It knows no empty names, which
// GraphQL has none of either.)
func TestAPatchMakesTheNewText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := document(t, "before"), document(t, "after")
		patch, err := Diff(before, after)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := other.DecodePatch(patch)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decoded.Apply(before)
		if err != nil || !other.Equal(got, after) {
			t.Fatalf("%s\nto %s\nby %s\nis %s: %v", before, after, patch, got, err)
		}
	})
}

// document draws an answer: an object, as the standard's libraries patch nothing else at the root.
func document(t *rapid.T, name string) []byte {
	values := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 12)
	nodes := rapid.SliceOfN(rapid.MapOf(rapid.SampledFrom([]string{"id", "a/b", "m~n", "é"}), rapid.IntRange(0, 2)), 0, 5)
	text, err := json.Marshal(map[string]any{
		"series": values.Draw(t, name+" series"),
		"nodes":  nodes.Draw(t, name+" nodes"),
		"more":   rapid.MapOfN(rapid.StringN(1, 3, 6), values, 0, 3).Draw(t, name+" more"),
		"kind":   rapid.SampledFrom([]any{nil, 1, "x", []int{}, map[string]int{}, map[string]int{"a": 1}}).Draw(t, name+" kind"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A table that would be too large is not made.
func TestLongListsAreReplaced(t *testing.T) {
	one := func(from, n int) string {
		var values []string
		for i := range n {
			values = append(values, fmt.Sprint(from+i))
		}
		return "[" + strings.Join(values, ",") + "]"
	}
	before, after := one(0, 1_000), one(5_000, 999)
	got, err := Diff([]byte(before), []byte(after))
	if want := `[{"op":"replace","path":"","value":` + after + `}]`; err != nil || string(got) != want {
		t.Errorf("got %.200s: %v", got, err)
	}
}
