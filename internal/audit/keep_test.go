package audit

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestWhatIsKept(t *testing.T) {
	months := 12
	key := "tmr_" + strings.Repeat("aB3-", 10)
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"nothing":                  {nil, ""},
		"a null":                   {(*int)(nil), ""},
		"a struct":                 {struct{ Months *int }{&months}, `{"Months":12}`},
		"a list":                   {[]string{"a", "b"}, `["a","b"]`},
		"what HTML minds":          {map[string]string{"name": "<A & B>"}, `{"name":"<A & B>"}`},
		"a large number":           {map[string]uint64{"n": 1<<64 - 1}, `{"n":18446744073709551615}`},
		"a password":               {map[string]any{"passwordHash": "x", "name": "Ann"}, `{"name":"Ann","passwordHash":"[secret]"}`},
		"deep inside":              {map[string]any{"a": []any{map[string]any{"Client_Secret": map[string]any{"v": 1}}}}, `{"a":[{"Client_Secret":"[secret]"}]}`},
		"a number that is one":     {map[string]any{"totp": 123456}, `{"totp":"[secret]"}`},
		"recovery codes":           {map[string]any{"recoveryCodes": []string{"a"}}, `{"recoveryCodes":"[secret]"}`},
		"whether there is one":     {map[string]any{"password": true, "secret": nil}, `{"password":true,"secret":null}`},
		"what is said of it":       {map[string]any{"apiKeyId": "7", "tokenExpiresAt": "2026-05-01"}, `{"apiKeyId":"7","tokenExpiresAt":"2026-05-01"}`},
		"a key under another name": {map[string]any{"note": "it was " + key}, `{"note":"[secret]"}`},
		"a token in a list":        {[]string{"eyJhbGciOi.eyJzdWIi.x", "fine"}, `["[secret]","fine"]`},
	} {
		got, err := keep(c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
}

// Whatever is written in it, what is kept is JSON, and no larger than its bound.
func TestWhatIsKeptIsBounded(t *testing.T) {
	for _, piece := range []string{"x", `"`, `\`, "\n", "\x00", "ü", "\u2028", "😀", "<", "\xff"} {
		for _, n := range []int{maxKept - 4, maxKept, 10 * maxKept} {
			got, err := keep(map[string]string{"text": strings.Repeat(piece, n)})
			if err != nil || len(got) > maxKept || !json.Valid(got) {
				t.Fatalf("%d times %q: %d bytes, %v", n, piece, len(got), err)
			}
			var cut struct {
				Cut   bool
				Bytes int
			}
			if err := json.Unmarshal(got, &cut); err != nil || !cut.Cut || cut.Bytes <= maxKept {
				t.Errorf("%d times %q: it does not say that it was cut: %.60s", n, piece, got)
			}
		}
	}
}

func TestWhatCannotBeWrittenIsAnError(t *testing.T) {
	if got, err := keep(make(chan int)); err == nil {
		t.Errorf("got %s", got)
	}
}
