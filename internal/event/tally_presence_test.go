package event

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// numbered answers as the database does: everyone has a number, in an order of its own.
func numbered(p dbsqlc.PersonResolveParams) (found []dbsqlc.PersonResolveRow) {
	for i := len(p.DistinctIds) - 1; i >= 0; i-- {
		found = append(found, dbsqlc.PersonResolveRow{
			PersonID: numberOf(p.Anonymous[i], p.DistinctIds[i]), Anonymous: p.Anonymous[i], DistinctID: p.DistinctIds[i],
		})
	}
	return found
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
		if !somebody {
			continue
		}
		day, slot := clock(zone, r.occurredAt)
		key := fmt.Sprint(day, " ", numberOf(kind == "device", id))
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
		list = append(list, fmt.Sprint(p.Days[i], " ", p.PersonIds[i], " ", p.Slots[i]))
	}
	return list
}

// The first quarter hour of a day is the leftmost bit, as in PostgreSQL's bit strings.
func TestBitsStandInTheOrderOfTheDay(t *testing.T) {
	for _, slot := range []int{0, 1, 95, calendar.SlotsPerDay - 1} {
		var slots [calendar.SlotsPerDay]bool
		slots[slot] = true
		want := strings.Repeat("0", slot) + "1" + strings.Repeat("0", calendar.SlotsPerDay-1-slot)
		if got := bits(slots); got != want {
			t.Errorf("slot %d: %s", slot, got)
		}
	}
}
