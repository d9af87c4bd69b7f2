package event

import (
	"crypto/sha256"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/registry"
)

// messageKey is what a message is known by: 16 bytes of SHA-256 over its source and id.
func messageKey(source, messageID string) uuid.UUID {
	sum := sha256.Sum256([]byte(source + "\x00" + messageID))
	return uuid.UUID(sum[:16])
}

// row is one event on its way into the tables.
type row struct {
	*Incoming
	placed
	source   string
	key      uuid.UUID
	verdict  *Verdict
	personID int64 // 0: nobody
	finding  registry.Finding
}

// someone is who an event was done by, before a person is found for them.
type someone struct {
	anonymous  bool
	distinctID string
}

// persons lists who did the events, each with their earliest one, as parallel lists.
func persons(zone calendar.Zone, rows []row) dbsqlc.PersonResolveParams {
	first := map[someone]time.Time{}
	var order []someone
	for _, r := range rows {
		id, anonymous, ok := r.distinctID()
		if !ok {
			continue
		}
		who := someone{anonymous, id}
		at, seen := first[who]
		if !seen {
			order = append(order, who)
		}
		if !seen || r.occurredAt.Before(at) {
			first[who] = r.occurredAt
		}
	}
	var p dbsqlc.PersonResolveParams
	for _, who := range order {
		p.Anonymous = append(p.Anonymous, who.anonymous)
		p.DistinctIds = append(p.DistinctIds, who.distinctID)
		p.SeenAts = append(p.SeenAts, first[who])
		p.Days = append(p.Days, zone.DateOf(first[who]))
	}
	return p
}

// assign gives each event the person found for whoever did it.
func assign(rows []row, found []dbsqlc.PersonResolveRow) {
	ids := make(map[someone]int64, len(found))
	for i := range found {
		ids[someone{found[i].Anonymous, found[i].DistinctID}] = found[i].PersonID
	}
	for i := range rows {
		if id, anonymous, ok := rows[i].distinctID(); ok {
			rows[i].personID = ids[someone{anonymous, id}]
		}
	}
}

// rollups counts the events by quarter hour and type, as parallel lists.
func rollups(zone calendar.Zone, rows []row) dbsqlc.EventRollupUpsertParams {
	type cell struct {
		at        int64
		eventType string
	}
	index := map[cell]int{}
	var p dbsqlc.EventRollupUpsertParams
	for _, r := range rows {
		at := calendar.FloorSlot(r.occurredAt)
		c := cell{at.Unix(), r.Type}
		i, ok := index[c]
		if !ok {
			i = len(p.Ats)
			index[c] = i
			p.Ats = append(p.Ats, at)
			p.Types = append(p.Types, r.Type)
			p.Days = append(p.Days, zone.DateOf(at))
			p.Counts = append(p.Counts, 0)
		}
		p.Counts[i]++
	}
	return p
}

// presences marks the quarter hours in which each person did something, as parallel lists.
func presences(zone calendar.Zone, rows []row) dbsqlc.PresenceUpsertParams {
	type cell struct {
		day    calendar.Date
		person int64
	}
	index := map[cell]int{}
	var p dbsqlc.PresenceUpsertParams
	var slots [][calendar.SlotsPerDay]bool
	for _, r := range rows {
		if r.personID == 0 {
			continue
		}
		day, slot := zone.SlotOf(r.occurredAt)
		c := cell{day, r.personID}
		i, ok := index[c]
		if !ok {
			i = len(slots)
			index[c] = i
			p.Days = append(p.Days, day)
			p.PersonIds = append(p.PersonIds, r.personID)
			slots = append(slots, [calendar.SlotsPerDay]bool{})
		}
		slots[i][slot] = true
	}
	for _, s := range slots {
		p.Slots = append(p.Slots, bits(s))
	}
	return p
}

// bits writes a day's slots as PostgreSQL writes a bit string.
func bits(slots [calendar.SlotsPerDay]bool) string {
	var text strings.Builder
	text.Grow(calendar.SlotsPerDay)
	for _, set := range slots {
		if set {
			text.WriteByte('1')
		} else {
			text.WriteByte('0')
		}
	}
	return text.String()
}
