package intake_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/intake"
)

type thing struct {
	ID   string `json:"id"`
	Part struct {
		N int `json:"n"`
	} `json:"part"`
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name, body, of string
		want           string // of each item its id, or the field of what is wrong with it
	}{
		{"one by itself", `{"id":"a"}`, "", "a"},
		{"a list", `{"items":[{"id":"a"},{"id":"b"}]}`, "", "a b"},
		{"one of another type keeps no other", `{"items":[{"id":"a"},{"id":7},{"id":"c"}]}`, "", "a !id c"},
		{"a field that there is not", `{"items":[{"id":"a","colour":1}]}`, "thing", "!thing.colour"},
		{"a field of a field", `{"items":[{"part":{"n":"x"}}]}`, "thing", "!thing.part.n"},
		{"a long name is not told", `{"items":[{"` + strings.Repeat("x", 300) + `":1}]}`, "thing", "!thing"},
		{"nor without a name of its own", `{"items":[{"` + strings.Repeat("x", 300) + `":1}]}`, "", "!items"},
		{"no object", `{"items":[3]}`, "thing", "!thing"},
		{"two of a name", `{"items":[{"id":"a","id":"b"}]}`, "", "error body"},
		{"no item", `{"items":[]}`, "", "error items"},
		{"too many", `{"items":[` + strings.Repeat("{},", 1000) + `{}]}`, "", "error items"},
		{"no JSON", `nonsense`, "", "error body"},
	} {
		given, alone, err := intake.Decode[thing]([]byte(c.body), c.of)
		var got []string
		for _, g := range given {
			if g.Problem != nil {
				got = append(got, "!"+g.Problem.Field)
			} else {
				got = append(got, g.Item.ID)
			}
		}
		if f, ok := errors.AsType[*fault.Error](err); ok {
			got = append(got, "error "+f.Field)
		}
		if text := strings.Join(got, " "); text != c.want || alone != strings.HasPrefix(c.body, `{"id`) {
			t.Errorf("%s: %q, alone %t; want %q", c.name, text, alone, c.want)
		}
	}
}
