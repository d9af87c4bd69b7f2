package calendar

import (
	"archive/zip"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestSlots(t *testing.T) {
	for _, c := range []struct {
		instant, floor, ceil string
	}{
		{"2026-05-01T12:15:00Z", "2026-05-01T12:15:00Z", "2026-05-01T12:15:00Z"},
		{"2026-05-01T12:15:00.000000001Z", "2026-05-01T12:15:00Z", "2026-05-01T12:30:00Z"},
		{"2026-05-01T12:29:59.999999999Z", "2026-05-01T12:15:00Z", "2026-05-01T12:30:00Z"},
		{"2026-05-01T00:07:00+05:45", "2026-04-30T18:15:00Z", "2026-04-30T18:30:00Z"},
		{"1969-12-31T23:59:59Z", "1969-12-31T23:45:00Z", "1970-01-01T00:00:00Z"},
		{"1883-11-18T12:03:58-04:56", "1883-11-18T16:45:00Z", "1883-11-18T17:00:00Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"0000-12-31T23:59:59Z", "0000-12-31T23:45:00Z", "0001-01-01T00:00:00Z"},
	} {
		at := parseTime(t, c.instant)
		// Compared as structs: the location must be UTC, too.
		if got := FloorSlot(at); got != parseTime(t, c.floor) {
			t.Errorf("FloorSlot(%s) = %s, want %s", c.instant, got, c.floor)
		}
		if got := CeilSlot(at); got != parseTime(t, c.ceil) {
			t.Errorf("CeilSlot(%s) = %s, want %s", c.instant, got, c.ceil)
		}
		if got, want := OnSlot(at), c.floor == c.ceil; got != want {
			t.Errorf("OnSlot(%s) = %t, want %t", c.instant, got, want)
		}
	}
}

// TestDaysFitTheirSlots goes over every day of every zone from 2000 to 2039:
// rollups rest on days that begin on a slot and have no more than SlotsPerDay.
func TestDaysFitTheirSlots(t *testing.T) {
	longest, where := 0, ""
	for _, name := range zoneNames(t) {
		zone := loadZone(t, name)
		d := NewDate(2000, time.January, 1)
		start := zone.StartOf(d)
		for ; d < NewDate(2040, time.January, 1); d++ {
			if !OnSlot(start) {
				t.Errorf("%s: %s begins at %s, not on a slot", name, d, start)
			}
			next := zone.StartOf(d + 1)
			if slots := int(next.Sub(start) / Slot); slots > longest {
				longest, where = slots, name+" on "+d.String()
			}
			start = next
		}
	}
	if longest > SlotsPerDay {
		t.Errorf("%s has %d slots, want at most %d", where, longest, SlotsPerDay)
	}
	t.Logf("longest day: %s, %d slots", where, longest)
}

// zoneNames lists the zones of the tz database that the toolchain came with.
func zoneNames(t testing.TB) []string {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(runtime.GOROOT(), "lib/time/zoneinfo.zip")) //nolint:staticcheck // the toolchain that runs this test is the one asked about
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var names []string
	for _, file := range archive.File {
		if !strings.HasSuffix(file.Name, "/") {
			names = append(names, file.Name)
		}
	}
	return names
}

func loadZone(t testing.TB, name string) Zone {
	t.Helper()
	zone, err := LoadZone(name)
	if err != nil {
		t.Fatalf("%s: %v (go generate brings the toolchain's tz database)", name, err)
	}
	return zone
}

// parseTime reads RFC 3339; "Z" gives time.UTC.
func parseTime(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func parseDate(t testing.TB, text string) Date {
	t.Helper()
	d, err := ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
