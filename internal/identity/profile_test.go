package identity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

func (h *house) say(t testkit.Failer, id tenant.ID, batch ...identity.Saying) {
	t.Helper()
	h.in(t, id, func(ctx context.Context, tx pgx.Tx) error {
		return identity.Apply(ctx, tx, identity.OfPerson, batch)
	})
}

// known gives the traits of a person with these identities, as text.
func (h *house) known(t testkit.Failer, id tenant.ID, subjects ...int64) map[string]string {
	t.Helper()
	texts := map[string]string{}
	h.in(t, id, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := dbsqlc.New().ProfileList(ctx, tx, dbsqlc.ProfileListParams{Subject: identity.OfPerson, SubjectIds: subjects})
		if err != nil {
			return err
		}
		traits, err := identity.Merged(rows)
		for name, value := range traits {
			texts[name] = string(value)
		}
		return err
	})
	return texts
}

// told is an entry of the history.
type told struct {
	At          time.Time
	Name, Value string
}

// history lists what is kept of a subject, the earliest first.
func (h *house) history(t testkit.Failer, id tenant.ID, subject int64) (list []told) {
	t.Helper()
	h.in(t, id, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select said_at, name, value::text from trait_change
			where subject = 'person' and subject_id = $1 order by said_at, name, message_key`, subject)
		if err != nil {
			return err
		}
		var one told
		_, err = pgx.ForEachRow(rows, []any{&one.At, &one.Name, &one.Value}, func() error {
			one.At = one.At.UTC()
			list = append(list, one)
			return nil
		})
		return err
	})
	return list
}

func saying(subject int64, minutes, by int, traits, once string) identity.Saying {
	return identity.Saying{ID: subject, At: at(minutes), By: key(by), Traits: []byte(traits), Once: []byte(once)}
}

func TestTraitsAreWhatWasSaidLast(t *testing.T) {
	h := newHouse(t)
	cases := []struct {
		name string
		said []identity.Saying
		want map[string]string
	}{
		{"one by one", []identity.Saying{saying(1, 0, 1, `{"plan":"free"}`, ""), saying(1, 1, 2, `{"seats":3}`, "")},
			map[string]string{"plan": `"free"`, "seats": "3"}},
		{"the later", []identity.Saying{saying(1, 1, 2, `{"plan":"pro"}`, ""), saying(1, 0, 1, `{"plan":"free"}`, "")},
			map[string]string{"plan": `"pro"`}},
		{"of one instant the greater text", []identity.Saying{saying(1, 1, 2, `{"plan":"pro"}`, ""), saying(1, 1, 1, `{"plan":"free"}`, "")},
			map[string]string{"plan": `"pro"`}},
		{"null is a value", []identity.Saying{saying(1, 0, 1, `{"plan":"pro"}`, ""), saying(1, 1, 2, `{"plan":null}`, "")},
			map[string]string{"plan": "null"}},
		{"once: the earlier", []identity.Saying{saying(1, 1, 2, "", `{"source":"ad"}`), saying(1, 0, 1, "", `{"source":"mail"}`), saying(1, 2, 3, "", `{"source":"x"}`)},
			map[string]string{"source": `"mail"`}},
		{"once gives way to what was said", []identity.Saying{saying(1, 0, 1, "", `{"plan":"free"}`), saying(1, 1, 2, `{"plan":"pro"}`, "")},
			map[string]string{"plan": `"pro"`}},
		{"two ids of a person", []identity.Saying{saying(1, 0, 1, `{"plan":"free","a":1}`, ""), saying(2, 1, 2, `{"plan":"pro","b":2}`, "")},
			map[string]string{"plan": `"pro"`, "a": "1", "b": "2"}},
		{"another person", []identity.Saying{saying(3, 0, 1, `{"plan":"free"}`, "")}, map[string]string{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			together, apart := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
			h.say(t, together, c.said...)
			for _, s := range c.said {
				h.say(t, apart, s)
			}
			for _, id := range []tenant.ID{together, apart} {
				if diff := cmp.Diff(c.want, h.known(t, id, 1, 2)); diff != "" {
					t.Errorf("traits (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestAHistoryHasChangesAndNoRepeats(t *testing.T) {
	h := newHouse(t)
	id := h.Tenant(t, "UTC")
	for i, traits := range []string{
		`{"plan":"free","seats":1.0}`, `{"plan":"free","seats":1.0}`, `{"seats":1.0,"plan":"pro"}`,
		`{"address":{"b":1,"a":2}}`, `{"address":{"a":2,"b":1}}`, `{"plan":"free"}`,
	} {
		h.say(t, id, saying(1, i, i, traits, ""))
	}
	want := []told{
		{at(0), "plan", `"free"`}, {at(0), "seats", "1.0"}, {at(2), "plan", `"pro"`},
		{at(3), "address", `{"a": 2, "b": 1}`}, {at(5), "plan", `"free"`},
	}
	if diff := cmp.Diff(want, h.history(t, id, 1)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if other := h.history(t, h.Tenant(t, "UTC"), 1); len(other) > 0 {
		t.Errorf("another tenant has a history: %v", other)
	}
}

func TestSomethingLatePartsAValueFromItsRepeats(t *testing.T) {
	h := newHouse(t)
	id := h.Tenant(t, "UTC")
	h.say(t, id, saying(1, 0, 1, `{"plan":"free"}`, ""))
	h.say(t, id, saying(1, 9, 2, `{"plan":"free"}`, "")) // a repeat
	h.say(t, id, saying(1, 5, 3, `{"plan":"pro"}`, ""))  // and in between, late, another
	h.say(t, id, saying(1, 6, 4, `{"plan":"pro+"}`, ""))
	want := []told{{at(0), "plan", `"free"`}, {at(5), "plan", `"pro"`}, {at(6), "plan", `"pro+"`}, {at(9), "plan", `"free"`}}
	if diff := cmp.Diff(want, h.history(t, id, 1)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

var values = []string{`"a"`, `"b"`, `1`, `1.50`, `null`, `{"x":[1,2]}`, `"ü"`, `12345678901234567890`}

// drawSayings draws sayings; instants differ where the history is to be compared, since of
// one instant nobody knows the order.
func drawSayings(t *rapid.T, distinct bool) []identity.Saying {
	all := make([]identity.Saying, rapid.IntRange(1, 15).Draw(t, "sayings"))
	for i := range all {
		minute := i
		if !distinct {
			minute = rapid.IntRange(0, 5).Draw(t, "at")
		}
		object := func(label string, names ...string) string {
			members := map[string]json.RawMessage{}
			for _, name := range names {
				if rapid.Bool().Draw(t, label+name) {
					members[name] = json.RawMessage(rapid.SampledFrom(values).Draw(t, "value"))
				}
			}
			text, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		once := ""
		if !distinct {
			once = object("once ", "plan", "source")
		}
		all[i] = saying(int64(rapid.IntRange(1, 2).Draw(t, "subject")), minute, i, object("", "plan", "seats"), once)
	}
	return all
}

// recount is the plain look at all that was said.
func recount(t testkit.Failer, all []identity.Saying) map[string]string {
	type best struct {
		at   time.Time
		text string
	}
	said, once := map[string]best{}, map[string]best{}
	for _, s := range all {
		var traits, first map[string]json.RawMessage
		_ = json.Unmarshal(s.Traits, &traits)
		_ = json.Unmarshal(s.Once, &first)
		for name, value := range traits {
			b, known := said[name]
			if !known || s.At.After(b.at) || s.At.Equal(b.at) && string(value) > b.text {
				said[name] = best{s.At, string(value)}
			}
		}
		for name, value := range first {
			b, known := once[name]
			if !known || s.At.Before(b.at) || s.At.Equal(b.at) && string(value) < b.text {
				once[name] = best{s.At, string(value)}
			}
		}
	}
	whole := map[string]string{}
	maps.Copy(once, said)
	for name, b := range once {
		whole[name] = b.text
	}
	return whole
}

// bring applies sayings in shuffled, repeated batches.
func (h *house) bring(t *rapid.T, id tenant.ID, all []identity.Saying) {
	coming := append(slices.Clone(all), all[:rapid.IntRange(0, len(all)).Draw(t, "repeated")]...)
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 0))
	random.Shuffle(len(coming), func(i, j int) { coming[i], coming[j] = coming[j], coming[i] })
	for len(coming) > 0 {
		n := rapid.IntRange(1, len(coming)).Draw(t, "batch")
		h.say(t, id, coming[:n]...)
		coming = coming[n:]
	}
}

func TestShuffledRepeatedBatchesGiveTheSameTraits(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		id := h.Tenant(t, "UTC")
		all := drawSayings(t, false)
		h.bring(t, id, all)
		if diff := cmp.Diff(recount(t, all), h.known(t, id, 1, 2)); diff != "" {
			t.Fatalf("traits (-want +got):\n%s", diff)
		}
	})
}

// In order, the history is exactly the changes. In any order, all of it was said, and the
// latest entry of a trait is its value.
func TestAHistoryIsTrue(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		ordered, shuffled := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
		all := drawSayings(t, true)
		said := map[string]bool{}
		var want []told
		last := map[string]string{}
		for _, s := range all {
			h.say(t, ordered, s)
			var traits map[string]json.RawMessage
			_ = json.Unmarshal(s.Traits, &traits)
			for _, name := range slices.Sorted(maps.Keys(traits)) {
				text := string(bytes.TrimSpace(traits[name]))
				said[fmt.Sprint(s.ID, s.At, name, text)] = true
				if subject := fmt.Sprint(s.ID, name); s.ID == 1 && last[subject] != text {
					last[subject] = text
					want = append(want, told{s.At, name, text})
				}
			}
		}
		if diff := cmp.Diff(want, compact(h.history(t, ordered, 1))); diff != "" {
			t.Fatalf("in order (-want +got):\n%s", diff)
		}
		h.bring(t, shuffled, all)
		latest := map[string]string{}
		for _, one := range compact(h.history(t, shuffled, 1)) {
			latest[one.Name] = one.Value
			if !said[fmt.Sprint(int64(1), one.At, one.Name, one.Value)] {
				t.Fatalf("%v was never said", one)
			}
		}
		if diff := cmp.Diff(h.known(t, shuffled, 1), latest); diff != "" {
			t.Fatalf("latest entries (-traits +history):\n%s", diff)
		}
	})
}

// compact writes values as the tests do: PostgreSQL puts spaces into objects.
func compact(list []told) []told {
	for i := range list {
		var b bytes.Buffer
		if json.Compact(&b, []byte(list[i].Value)) == nil {
			list[i].Value = b.String()
		}
	}
	return list
}
