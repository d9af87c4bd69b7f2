package definition_test

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/definition"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

func as(id tenant.ID) context.Context {
	return access.With(context.Background(), access.Principal{Tenant: id, Kind: access.ManageKey, ID: uuid.New(), Permissions: access.ManageKey.Permissions()})
}

// told is what there is at an instant: of each key its version and formula.
type told map[string]string

type house struct {
	*testkit.House
	catalog *metric.Catalog
	service *definition.Service
}

// find asks for keys as they are, or were.
func (h *house) find(t testkit.Failer, id tenant.ID, at *time.Time) told {
	t.Helper()
	found := told{}
	ctx := as(id)
	err := h.App.Read(ctx, id, func(tx pgx.Tx) error {
		made, err := definition.Library{}.Find(ctx, tx, h.catalog, keys, at)
		for key, d := range made {
			found[key] = fmt.Sprint(d.Version, " ", d.Formula)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (h *house) now(t testkit.Failer) (at time.Time) {
	t.Helper()
	if err := h.Owner.QueryRow(context.Background(), "select clock_timestamp()").Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

var keys = []string{"a", "b", "c", "d"}

// TestEveryVersionIsFoundAtItsTime creates, changes and removes metrics at random. Whatever the
// service has taken must be there as it says, at every instant since, and nothing of it for a
// stranger. What it refuses changes nothing.
func TestEveryVersionIsFoundAtItsTime(t *testing.T) {
	h := &house{House: testkit.NewHouse(t), catalog: metric.NewCatalog(metric.Builtin()).WithOwn(definition.Library{})}
	h.service = definition.NewService(h.App, h.catalog, metric.NewService(h.App, h.catalog))
	rapid.Check(t, func(t *rapid.T) {
		id, stranger := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
		if _, err := h.service.Create(as(stranger), "a", formula("events * 77")); err != nil {
			t.Fatal(err)
		}
		now := told{}
		known, at := []told{{}}, []time.Time{h.now(t)}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			h.step(t, id, now)
			if got := h.find(t, id, nil); !maps.Equal(got, now) {
				t.Fatalf("there is %v, want %v", got, now)
			}
			known, at = append(known, maps.Clone(now)), append(at, h.now(t))
		}
		for i := range known {
			if got := h.find(t, id, &at[i]); !maps.Equal(got, known[i]) {
				t.Fatalf("at step %d there was %v, want %v", i, got, known[i])
			}
		}
		if got := h.find(t, stranger, nil); !maps.Equal(got, told{"a": "1 events * 77"}) {
			t.Fatalf("the stranger sees %v", got)
		}
	})
}

func formula(text string) definition.Draft {
	return definition.Draft{Name: "n", Direction: metric.Neutral, Formula: &text}
}

// step does one thing. What is told changes by it if the service takes it, and it must take what
// fits.
func (h *house) step(t *rapid.T, id tenant.ID, now told) {
	key := rapid.SampledFrom(keys).Draw(t, "key")
	of := rapid.SampledFrom(append([]string{"events"}, keys...)).Draw(t, "of")
	text := fmt.Sprintf("%s * %d", of, rapid.IntRange(2, 5).Draw(t, "times"))
	var made *metric.Definition
	var err error
	act := rapid.SampledFrom([]string{"create", "create", "update", "remove"}).Draw(t, "act")
	switch act {
	case "remove":
		used := false
		for other := range now {
			used = used || other != key && now.madeOf(other, key)
		}
		err := h.service.Remove(as(id), key)
		if fits := now[key] != "" && !used; fits != (err == nil) {
			t.Fatalf("to remove %s of %v: %v", key, now, err)
		}
		if err == nil {
			delete(now, key)
		}
		return
	case "create":
		made, err = h.service.Create(as(id), key, formula(text))
	case "update":
		made, err = h.service.Update(as(id), key, formula(text))
	}
	was := now[key]
	if fits := (act == "create") == (was == "") && (of == "events" || now[of] != "" && of != key && !now.madeOf(of, key)); fits != (err == nil) {
		t.Fatalf("to %s %s as %s of %v: %v", act, key, text, now, err)
	}
	if err != nil {
		return
	}
	now[key] = fmt.Sprint(made.Version, " ", text)
	if was != "" && textOf(was) != text { // what is made of it counts otherwise as well
		for other, is := range now {
			if other != key && now.madeOf(other, key) {
				now[other] = fmt.Sprint(versionOf(is)+1, " ", textOf(is))
			}
		}
	}
}

// madeOf follows what a metric is made of, each of one other.
func (now told) madeOf(key, of string) bool {
	for key != "events" {
		key, _, _ = strings.Cut(textOf(now[key]), " ")
		if key == of {
			return true
		}
	}
	return false
}

func versionOf(told string) (n int) {
	text, _, _ := strings.Cut(told, " ")
	n, _ = strconv.Atoi(text)
	return n
}

func textOf(told string) string {
	_, text, _ := strings.Cut(told, " ")
	return text
}
