package event

import (
	"crypto/sha256"
	"strings"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/identity"
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
	warnings []Warning
	finding  registry.Finding
	doer     identity.Known // zero: nobody
}

// rollups counts the events by quarter hour and type, as parallel lists.
func rollups(zone calendar.Zone, rows []row) dbsqlc.EventRollupUpsertParams {
	type cell struct {
		at        int64
		eventType string
	}
	index := map[cell]int{}
	var p dbsqlc.EventRollupUpsertParams
	for n := range rows {
		r := &rows[n]
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

// presences marks the quarter hours in which each identity did something, as parallel lists.
func presences(zone calendar.Zone, rows []row) dbsqlc.PresenceUpsertParams {
	type cell struct {
		day      calendar.Date
		identity int64
	}
	index := map[cell]int{}
	var p dbsqlc.PresenceUpsertParams
	var slots [][calendar.SlotsPerDay]bool
	for n := range rows {
		r := &rows[n]
		if r.doer.ID == 0 || !IsActivity(r.Type) {
			continue
		}
		day, slot := zone.SlotOf(r.occurredAt)
		c := cell{day, r.doer.ID}
		i, ok := index[c]
		if !ok {
			i = len(slots)
			index[c] = i
			p.Days = append(p.Days, day)
			p.IdentityIds = append(p.IdentityIds, r.doer.ID)
			p.PersonIds = append(p.PersonIds, r.doer.Person)
			slots = append(slots, [calendar.SlotsPerDay]bool{})
		}
		slots[i][slot] = true
	}
	for _, s := range slots {
		p.Slots = append(p.Slots, bitString(s))
	}
	return p
}

// bitString writes a day's slots as PostgreSQL writes a bit string.
func bitString(slots [calendar.SlotsPerDay]bool) string {
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
