package event

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// places are zones, each with a moment around which its clock does something.
var places = []struct {
	zone   string
	around time.Time
}{
	{"UTC", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},
	{"Asia/Kolkata", time.Date(2026, 5, 1, 18, 30, 0, 0, time.UTC)},     // midnight, half an hour off
	{"America/New_York", time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)},  // a day of 25 hours
	{"America/New_York", time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC)},   // a day of 23 hours
	{"Africa/Cairo", time.Date(2026, 4, 23, 22, 0, 0, 0, time.UTC)},     // a midnight that does not exist
	{"Africa/Cairo", time.Date(2026, 10, 29, 21, 0, 0, 0, time.UTC)},    // an hour before midnight comes twice
	{"Asia/Kathmandu", time.Date(2026, 12, 31, 18, 15, 0, 0, time.UTC)}, // 5:45 ahead
}

// crowd draws events of a few people within two days of a moment.
func crowd(t *rapid.T, around time.Time) []row {
	ids := []string{"", "0", "null", "u", "v"}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
		offset := time.Duration(rapid.Int64Range(-48*3600*1e6, 48*3600*1e6).Draw(t, "offset")) * time.Microsecond
		if rapid.Bool().Draw(t, "on the slot") {
			offset = offset.Truncate(calendar.Slot)
		}
		e := &Incoming{
			Type:        rapid.SampledFrom([]string{"a", "b", "$page", "$identify"}).Draw(t, "type"),
			UserID:      rapid.SampledFrom(ids).Draw(t, "user"),
			AnonymousID: rapid.SampledFrom(ids).Draw(t, "device"),
		}
		return row{Incoming: e, placed: placed{occurredAt: around.Add(offset)}}
	}), 1, 60).Draw(t, "rows")
}

// clock is the plain way to tell a day and a place in it: by looking at the wall clock,
// and going back a quarter hour at a time until it shows another date.
func clock(zone calendar.Zone, at time.Time) (day string, slot int) {
	date := func(t time.Time) string { return t.In(zone.Location()).Format(time.DateOnly) }
	day = date(at)
	for at = calendar.FloorSlot(at); date(at.Add(-1)) == day; at = at.Add(-calendar.Slot) {
		slot++
	}
	return day, slot
}

func TestTalliesEqualARecount(t *testing.T) {
	for _, place := range places {
		t.Run(fmt.Sprintf("%s %s", place.zone, place.around.Format(time.DateOnly)), func(t *testing.T) {
			zone, err := calendar.LoadZone(place.zone)
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				rows := crowd(t, place.around)
				compare(t, "rollups", recountRollups(zone, rows), listRollups(rollups(zone, rows)))
				number(rows)
				compare(t, "presences", recountPresences(zone, rows), listPresences(presences(zone, rows)))
			})
		})
	}
}

func compare(t *rapid.T, what string, want map[string]string, got []string) {
	t.Helper()
	var lines []string
	for key, value := range want {
		lines = append(lines, key+" "+value)
	}
	slices.Sort(lines)
	slices.Sort(got)
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func recountRollups(zone calendar.Zone, rows []row) map[string]string {
	counts := map[string]int{}
	for _, r := range rows {
		day, _ := clock(zone, r.occurredAt)
		counts[fmt.Sprintf("%d %s %s", r.occurredAt.Unix()/900*900, r.Type, day)]++
	}
	list := map[string]string{}
	for key, n := range counts {
		list[key] = fmt.Sprint(n)
	}
	return list
}

func listRollups(p dbsqlc.EventRollupUpsertParams) (list []string) {
	for i := range p.Ats {
		list = append(list, fmt.Sprintf("%d %s %s %d", p.Ats[i].Unix(), p.Types[i], p.Days[i], p.Counts[i]))
	}
	return list
}

// who names the person of an event in the plain way; nobody is "".
func who(r row) string {
	for _, id := range []string{"user " + r.UserID, "device " + r.AnonymousID} {
		if !strings.HasSuffix(id, " ") && !strings.HasSuffix(id, " 0") && !strings.HasSuffix(id, " null") {
			return id
		}
	}
	return ""
}
