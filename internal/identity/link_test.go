package identity_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

func TestNobodysIDsAreNobody(t *testing.T) {
	for id, want := range map[string]bool{
		"": false, "0": false, "null": false, "undefined": false,
		"00": true, "NULL": true, "ann": true, " ": true, "nil": true,
	} {
		if got := identity.IsSomebody(id); got != want {
			t.Errorf("%q is somebody: %v", id, got)
		}
	}
}

func link(device, user string, minutes, by int) func(*identity.Sightings) {
	return func(s *identity.Sightings) { s.Link(device, user, at(minutes), key(by)) }
}

func act(k identity.Key, minutes int) func(*identity.Sightings) {
	return func(s *identity.Sightings) { s.See(k, at(minutes)) }
}

func TestTheEarliestEventLinksADevice(t *testing.T) {
	h := newHouse(t)
	phone, ann := identity.Anonymous("phone"), identity.User("ann")
	cases := []struct {
		name string
		all  []func(*identity.Sightings)
		want string // whose the phone is
	}{
		{"nobody's", []func(*identity.Sightings){act(phone, 0)}, "device phone"},
		{"its user's", []func(*identity.Sightings){act(phone, 0), link("phone", "ann", 1, 1)}, "ann"},
		{"the earlier's, who came first", []func(*identity.Sightings){link("phone", "ann", 1, 1), link("phone", "ben", 2, 2)}, "ann"},
		{"the earlier's, who came last", []func(*identity.Sightings){link("phone", "ben", 2, 2), link("phone", "ann", 1, 1)}, "ann"},
		{"of one instant the lesser key's", []func(*identity.Sightings){link("phone", "ben", 1, 2), link("phone", "ann", 1, 1)}, "ann"},
		{"and so the other way round", []func(*identity.Sightings){link("phone", "ann", 1, 1), link("phone", "ben", 1, 2)}, "ann"},
		{"linked again by a later event", []func(*identity.Sightings){link("phone", "ann", 1, 1), link("phone", "ann", 5, 3), link("phone", "ben", 3, 2)}, "ann"},
		{"a user of the same spelling is another", []func(*identity.Sightings){act(identity.User("phone"), 0), act(phone, 0)}, "device phone"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			id := h.Tenant(t, "UTC")
			h.see(t, id, c.all...)
			if got := h.person(t, id, phone); got != c.want {
				t.Errorf("the phone is %s's, want %s's", got, c.want)
			}
		})
	}
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	h.see(t, acme, act(ann, 0), link("phone", "ben", 2, 1))
	h.see(t, globex, link("phone", "ann", 1, 1))
	if got := h.person(t, acme, phone); got != "ben" {
		t.Errorf("another tenant's event made the phone %s's", got)
	}
}

// sighting is one event, as far as identities go.
type sighting struct {
	who    identity.Key
	active bool
	device string // linked to who; "" none
	at     time.Time
	by     uuid.UUID
}

func drawSightings(t *rapid.T) []sighting {
	all := make([]sighting, rapid.IntRange(1, 25).Draw(t, "sightings"))
	for i := range all {
		s := sighting{at: at(rapid.IntRange(0, 6).Draw(t, "at")), by: key(i), active: rapid.Bool().Draw(t, "active")}
		if rapid.Bool().Draw(t, "user") {
			s.who = identity.User(rapid.SampledFrom([]string{"ann", "ben", "phone"}).Draw(t, "who"))
			s.device = rapid.SampledFrom([]string{"", "phone", "tablet"}).Draw(t, "device")
		} else {
			s.who = identity.Anonymous(rapid.SampledFrom([]string{"phone", "tablet", "tv"}).Draw(t, "who"))
		}
		all[i] = s
	}
	return all
}

func (h *house) take(t testkit.Failer, id tenant.ID, batch []sighting) {
	h.see(t, id, func(s *identity.Sightings) {
		for _, e := range batch {
			if e.active {
				s.See(e.who, e.at)
			} else {
				s.Mention(e.who)
			}
			if e.device != "" {
				s.Link(e.device, e.who.Distinct, e.at, e.by)
			}
		}
	})
}

// births is the plain recount: when each person was first active.
func births(all []sighting) map[string]time.Time {
	all = slices.SortedFunc(slices.Values(all), func(a, b sighting) int {
		return cmp.Or(a.at.Compare(b.at), strings.Compare(string(a.by[:]), string(b.by[:])))
	})
	owner, born := map[string]string{}, map[string]time.Time{}
	for _, e := range all {
		if _, owned := owner[e.device]; e.device != "" && !owned {
			owner[e.device] = e.who.Distinct
		}
	}
	for _, e := range all {
		name := e.who.Distinct
		if e.who.Anonymous {
			if name = owner[e.who.Distinct]; name == "" {
				name = "device " + e.who.Distinct
			}
		}
		if _, known := born[name]; e.active && !known {
			born[name] = e.at
		}
	}
	return born
}

// Whatever the order and the batches in which events come, and however often, everybody is
// who a plain look at all events says.
func TestTheOrderOfArrivalDecidesNothing(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		id := h.Tenant(t, "UTC")
		all := drawSightings(t)
		coming := append(slices.Clone(all), all[:rapid.IntRange(0, len(all)).Draw(t, "repeated")]...)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 0))
		random.Shuffle(len(coming), func(i, j int) { coming[i], coming[j] = coming[j], coming[i] })
		for len(coming) > 0 {
			n := rapid.IntRange(1, len(coming)).Draw(t, "batch")
			h.take(t, id, coming[:n])
			coming = coming[n:]
		}
		if diff := gocmp.Diff(births(all), h.born(t, id)); diff != "" {
			t.Fatalf("births (-want +got):\n%s", diff)
		}
	})
}

func TestAccountsKnowTheirMembers(t *testing.T) {
	h := newHouse(t)
	id := h.Tenant(t, "UTC")
	pro, free := identity.Group{Type: "company", ID: "acme"}, identity.Group{Type: "team", ID: "acme"}
	seen := func(group identity.Group, who int64, minutes int) {
		h.in(t, id, func(ctx context.Context, tx pgx.Tx) error {
			a := identity.NewAccounts(utc)
			a.See(group, who, at(minutes))
			a.See(group, 0, at(minutes+1)) // nobody's event makes an account, and no member
			_, err := a.Resolve(ctx, tx)
			return err
		})
	}
	seen(pro, 1, 5)
	seen(pro, 2, 60*24)
	seen(pro, 1, 2) // a late one
	seen(pro, 1, 60*48)
	seen(free, 1, 7)
	var got string
	h.in(t, id, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select string_agg(format('%s %s since %s: %s from %s to %s', group_type, group_id,
			to_char(first_seen_at, 'DD HH24:MI'), identity_id, to_char(first_at, 'DD HH24:MI'), to_char(last_day, 'DD')), '; ' order by group_type, identity_id)
			from account join membership using (account_id)`).Scan(&got)
	})
	want := "company acme since 01 12:02: 1 from 01 12:02 to 03; company acme since 01 12:02: 2 from 02 12:00 to 02; " +
		"team acme since 01 12:07: 1 from 01 12:07 to 01"
	if got != want {
		t.Errorf("members:\n%s, want\n%s", got, want)
	}
}
