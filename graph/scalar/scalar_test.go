package scalar_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tidemarkhq/tidemark/graph/scalar"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

func written(m graphql.Marshaler) string {
	var text strings.Builder
	m.MarshalGQL(&text)
	return text.String()
}

func TestADateTimeIsAnInstantWithAZone(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-05-01T12:00:00Z":           noon,
		"2026-05-01T14:00:00+02:00":      noon,
		"2026-05-01T17:45:00.5+05:45":    noon.Add(500 * time.Millisecond),
		"2026-05-01T12:00:00.123456789Z": noon.Add(123456789),
		"0000-01-01T00:00:00Z":           time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		"9999-12-31T23:59:59Z":           time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		if got, err := scalar.UnmarshalDateTime(text); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, value := range []any{
		nil, "", "now", "2026-05-01", "2026-05-01T12:00:00", "2026-05-01 12:00:00Z", "2026-05-01T12:00Z", "2026-02-30T12:00:00Z",
		"2026-05-01T24:00:00Z", "2026-05-01T12:00:60Z", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z", " 2026-05-01T12:00:00Z",
		int64(1777636800), json.Number("1777636800"), 1.5, true, []any{"2026-05-01T12:00:00Z"}, map[string]any{}, noon,
	} {
		got, err := scalar.UnmarshalDateTime(value)
		if f, ok := fault.Of(err); !ok || f.Code != fault.BadUserInput || !got.IsZero() {
			t.Errorf("%v: %v, %v; want a refusal", value, got, err)
		}
	}
}

func TestADateTimeIsAnsweredInUTC(t *testing.T) {
	for want, at := range map[string]time.Time{
		`"2026-05-01T12:00:00Z"`:        time.Date(2026, 5, 1, 14, 0, 0, 0, time.FixedZone("", 7200)),
		`"2026-05-01T12:00:00.000001Z"`: time.Date(2026, 5, 1, 12, 0, 0, 1_000, time.UTC),
		`"2000-01-01T00:00:00Z"`:        time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		got := written(scalar.MarshalDateTime(at))
		if got != want {
			t.Errorf("%v: %s, want %s", at, got, want)
		}
		if back, err := scalar.UnmarshalDateTime(strings.Trim(got, `"`)); err != nil || !back.Equal(at) {
			t.Errorf("%s is read as %v, %v", got, back, err)
		}
	}
}

func TestAJSONObjectKeepsWhatItHolds(t *testing.T) {
	value := map[string]any{
		"text": "é<&>\u2028", "big": json.Number("9007199254740993"), "money": json.Number("12.50"), "whole": int64(1 << 60), "real": 0.1,
		"yes": true, "nothing": nil, "list": []any{"a", map[string]any{"b": []any{}}}, "": "",
	}
	object, err := scalar.UnmarshalJSONObject(value)
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	decoder := json.NewDecoder(strings.NewReader(written(scalar.MarshalJSONObject(object))))
	decoder.UseNumber()
	if err := decoder.Decode(&back); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	for name, want := range map[string]any{
		"text": value["text"], "big": value["big"], "money": value["money"], "whole": json.Number("1152921504606846976"),
		"real": json.Number("0.1"), "yes": true, "nothing": nil, "": "",
	} {
		if back[name] != want {
			t.Errorf("%q: %v, want %v", name, back[name], want)
		}
	}
	if len(back) != len(value) || len(back["list"].([]any)) != 2 {
		t.Errorf("read back: %v", back)
	}
	if empty, err := scalar.UnmarshalJSONObject(map[string]any{}); err != nil || string(empty) != "{}" {
		t.Errorf("an empty one: %s, %v", empty, err)
	}
}

func TestWhatIsNoJSONObjectIsRefused(t *testing.T) {
	for _, value := range []any{nil, "{}", []any{}, []any{map[string]any{}}, int64(1), json.Number("1"), true, []byte("{}"), map[string]string{}} {
		object, err := scalar.UnmarshalJSONObject(value)
		if f, ok := fault.Of(err); !ok || f.Code != fault.BadUserInput || object != nil {
			t.Errorf("%#v: %s, %v; want a refusal", value, object, err)
		}
	}
	for _, unfit := range []any{json.Number("1e"), json.Number("x"), func() {}} { // what no document or variable gives
		object, err := scalar.UnmarshalJSONObject(map[string]any{"a": unfit})
		if f, ok := fault.Of(err); !ok || f.Code != fault.BadUserInput || object != nil {
			t.Errorf("%v: %s, %v; want a refusal", unfit, object, err)
		}
	}
}

func TestAnIntIsAWholeNumberOf32Bits(t *testing.T) {
	for value, want := range map[any]int{
		json.Number("0"): 0, json.Number("-0"): 0, json.Number("2147483647"): 1<<31 - 1, json.Number("-2147483648"): -1 << 31,
		int64(50): 50, int64(-1 << 31): -1 << 31, 7: 7,
	} {
		if got, err := scalar.UnmarshalInt(value); err != nil || got != want {
			t.Errorf("%v: %d, %v; want %d", value, got, err, want)
		}
	}
	for _, value := range []any{
		nil, "5", true, 5.0, 1.5, []any{int64(1)}, map[string]any{},
		json.Number("2147483648"), json.Number("-2147483649"), json.Number("9223372036854775808"), json.Number("1.5"), json.Number("1e400"), json.Number(""),
		int64(1 << 31), int64(-1<<31 - 1), 1 << 40,
	} {
		got, err := scalar.UnmarshalInt(value)
		if f, ok := fault.Of(err); !ok || f.Code != fault.BadUserInput || got != 0 {
			t.Errorf("%#v: %d, %v; want a refusal", value, got, err)
		}
	}
	if got := written(scalar.MarshalInt(-1 << 31)); got != "-2147483648" {
		t.Errorf("written as %s", got)
	}
}

func TestAStringIsAText(t *testing.T) {
	for _, text := range []string{"", "a", "null", "5", "é\x00\u2028\"\\\n"} {
		got, err := scalar.UnmarshalString(text)
		if err != nil || got != text {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		var back string
		if err := json.Unmarshal([]byte(written(scalar.MarshalString(text))), &back); err != nil || back != text {
			t.Errorf("%q is written as %s, %v", text, written(scalar.MarshalString(text)), err)
		}
	}
	for _, value := range []any{nil, 5, int64(5), json.Number("5"), 1.5, true, []any{"a"}, map[string]any{}, []byte("a")} {
		got, err := scalar.UnmarshalString(value)
		if f, ok := fault.Of(err); !ok || f.Code != fault.BadUserInput || got != "" {
			t.Errorf("%#v: %q, %v; want a refusal", value, got, err)
		}
	}
}
