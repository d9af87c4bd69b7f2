package event

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A verdict reads as the standard library would have written it.
func TestAVerdictIsWrittenAsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.SampledFrom([]string{`"`, `\`, "\n", "\u2028", "é", "<&>"}))
		want := Verdict{
			MessageID: text.Draw(t, "id"), Status: rapid.SampledFrom([]Status{Accepted, Rejected, Quarantined}).Draw(t, "status"),
			Field: text.Draw(t, "field"), Reason: text.Draw(t, "reason"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "warnings") {
			want.Warnings = append(want.Warnings, Warning{text.Draw(t, "field"), text.Draw(t, "reason")})
		}
		var got Verdict
		written := want.AppendJSON(nil)
		if err := json.Unmarshal(written, &got); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", written, diff)
		}
	})
}
