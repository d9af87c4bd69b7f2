package limit

import "time"

// hours are hours of the clock on some days of the week: From counts, To does not.
type hours struct {
	days     []time.Weekday
	from, to int
}

var (
	weekend  = []time.Weekday{time.Saturday, time.Sunday}
	weekdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
)

// offPeak are the hours in which hardly anybody looks at dashboards, by the clock of the
// tenant: jobs over night and at the weekend may take more.
var offPeak = []hours{
	{days: weekend, from: 0, to: 24},
	{days: weekdays, from: 0, to: 6},
	{days: weekdays, from: 20, to: 24},
}

func isOffPeak(now time.Time, zone *time.Location) bool {
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	for _, h := range offPeak {
		if local.Hour() < h.from || local.Hour() >= h.to {
			continue
		}
		for _, day := range h.days {
			if day == local.Weekday() {
				return true
			}
		}
	}
	return false
}
