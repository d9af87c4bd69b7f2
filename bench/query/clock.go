package main

import (
	"fmt"
	"time"
)

// clock knows the days of a tenant's zone, as somebody would who writes an endpoint by hand.
type clock struct{ zone *time.Location }

func clockOf(zone string) (clock, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return clock{}, fmt.Errorf("load zone: %w", err)
	}
	return clock{location}, nil
}

// day is one day, with its instants.
type day struct{ date, start, end time.Time }

// days are those of a widget, the earliest first.
func (c clock) days(w widget) []day {
	now := time.Now().In(c.zone)
	list := make([]day, w.days)
	for i := range list {
		back := w.skip + w.days - 1 - i
		at := func(n int) time.Time { return time.Date(now.Year(), now.Month(), now.Day()-n, 0, 0, 0, 0, c.zone) }
		start := at(back)
		list[i] = day{time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, time.UTC), start.UTC(), at(back - 1).UTC()}
	}
	return list
}

// stamp writes an instant as the API does.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
