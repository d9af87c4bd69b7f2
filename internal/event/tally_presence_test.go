package event

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// number gives everyone a number, as the database does.
func number(rows []row) {
	for i := range rows {
		if who, ok := rows[i].Incoming.doer(); ok {
			n := numberOf(who.Anonymous, who.Distinct)
			rows[i].doer = identity.Known{ID: n, Person: n + 1}
		}
	}
}

// numberOf makes a user's number from the id, and a device's a negative one.
func numberOf(anonymous bool, id string) int64 {
	n := int64(0)
	for _, b := range []byte(id) {
		n = n<<8 | int64(b)
	}
	if anonymous {
		return -n
	}
	return n
}

func recountPresences(zone calendar.Zone, rows []row) map[string]string {
	slots := map[string][]byte{}
	for _, r := range rows {
		kind, id, somebody := strings.Cut(who(r), " ")
		if !somebody || r.Type == "$identify" {
			continue
		}
		day, slot := clock(zone, r.occurredAt)
		number := numberOf(kind == "device", id)
		key := fmt.Sprint(day, " ", number, " ", number+1)
		if slots[key] == nil {
			slots[key] = []byte(strings.Repeat("0", calendar.SlotsPerDay))
		}
		slots[key][slot] = '1'
	}
	list := map[string]string{}
	for key, text := range slots {
		list[key] = string(text)
	}
	return list
}

func listPresences(p dbsqlc.PresenceUpsertParams) (list []string) {
	for i := range p.Days {
		list = append(list, fmt.Sprint(p.Days[i], " ", p.IdentityIds[i], " ", p.PersonIds[i], " ", p.Slots[i]))
	}
	return list
}

// The first quarter hour of a day is the leftmost bit, as in PostgreSQL's bit strings.
func TestBitsStandInTheOrderOfTheDay(t *testing.T) {
	for _, slot := range []int{0, 1, 95, calendar.SlotsPerDay - 1} {
		var slots [calendar.SlotsPerDay]bool
		slots[slot] = true
		want := strings.Repeat("0", slot) + "1" + strings.Repeat("0", calendar.SlotsPerDay-1-slot)
		if got := bitString(slots); got != want {
			t.Errorf("slot %d: %s", slot, got)
		}
	}
}
