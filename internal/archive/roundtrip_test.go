package archive_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/archive"
)

// Whatever an event may be, it comes back as it was: every column as text, and its JSON as
// the database writes it.
func TestEventsComeBackAsTheyWere(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(rt *rapid.T) {
		acme := h.tenant(t, 1)
		for i := range rapid.IntRange(1, 20).Draw(rt, "events") {
			month := h.month(t, rapid.IntRange(2, 4).Draw(rt, "month"))
			at := month.Add(time.Duration(rapid.Int64Range(0, 28*24*3600*1e6-1).Draw(rt, "at")) * time.Microsecond)
			if rapid.IntRange(0, 5).Draw(rt, "edge") == 0 {
				at = month.AddDate(0, 1, 0).Add(-time.Microsecond)
			}
			h.Exec(t, "select event_partition_ensure($1)", month)
			h.Exec(t, `insert into event (tenant_id, occurred_at, received_at, type, identity_id, user_id, anonymous_id,
				group_type, group_id, source, message_id, claimed_at, properties, context)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::jsonb, $14::text::jsonb)`,
				acme, at, extreme.Draw(rt, "received"), text.Draw(rt, "type"), maybe(rapid.Int64()).Draw(rt, "identity"),
				maybe(text).Draw(rt, "user"), maybe(text).Draw(rt, "anonymous"), maybe(text).Draw(rt, "group type"), maybe(text).Draw(rt, "group"),
				text.Draw(rt, "source"), fmt.Sprint(i), maybe(extreme).Draw(rt, "claimed"), document.Draw(rt, "properties"), document.Draw(rt, "context"))
		}
		before := h.events(t, acme)
		h.mustRun(t, acme)
		if n := len(h.events(t, acme)); n != 0 {
			rt.Fatalf("%d events are left", n)
		}
		_, err := h.archive(t).Restore(t.Context(), archive.Restore{Tenant: acme, From: h.month(t, 6), To: h.month(t, 1), Keep: time.Hour}, func(int, int) {})
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(before, h.events(t, acme)); diff != "" {
			rt.Fatalf("events (-before +after):\n%s", diff)
		}
	})
}

var (
	text = rapid.OneOf(
		rapid.SampledFrom([]string{"", "0", "null", "Größe \"L\"\\", "a\tb\nc", "🜁\u202e\u2028", "\u0001", " "}),
		rapid.Map(rapid.String(), func(s string) string { return string(noNUL([]rune(s))) }),
	)
	extreme = rapid.SampledFrom([]time.Time{
		time.Unix(0, 0).UTC(), time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Date(290000, 1, 1, 0, 0, 0, 1000, time.UTC),
	})
	document = rapid.OneOf(
		rapid.SampledFrom([]string{
			`{}`, `{"z":1.50,"a":1e2,"big":12345678901234567890.1234567890,"list":[null,true,{"k":"<&>\u2028"}]}`,
			`{"":{"":[[[]]]},"tiny":1e-300,"minus":-0.0}`, `{"ü":"\u00fc\ud83d\ude00","quote":"\"\\/"}`,
		}),
		rapid.Custom(func(t *rapid.T) string {
			object := rapid.MapOfN(text, rapid.OneOf(rapid.Map(text, asAny), rapid.Map(rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64), asFloat)), 0, 5).Draw(t, "object")
			encoded, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			return string(encoded)
		}),
	)
)

func asAny(s string) any    { return s }
func asFloat(f float64) any { return f }

func noNUL(from []rune) (to []rune) {
	for _, r := range from {
		if r != 0 {
			to = append(to, r)
		}
	}
	return to
}

// maybe is a value, or null.
func maybe[T any](of *rapid.Generator[T]) *rapid.Generator[*T] { return rapid.Ptr(of, true) }
