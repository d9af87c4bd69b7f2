package importer

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// clock reads timestamps as files have them.
type clock struct {
	zone   calendar.Zone // of those that name none
	unit   time.Duration // of numbers; 0: by their size
	layout string        // of texts, in Go's form; empty: any of those known
}

var units = map[string]time.Duration{
	"unix": time.Second, "unix-s": time.Second, "unix-ms": time.Millisecond, "unix-us": time.Microsecond,
}

// newClock reads the name of a format, such as "unix-ms", or a pattern such as
// "%d.%m.%Y %H:%M".
func newClock(format string, zone calendar.Zone) (clock, error) {
	c := clock{zone: zone, unit: units[format]}
	if format == "" || format == "auto" || c.unit != 0 {
		return c, nil
	}
	layout, err := layoutOf(format)
	c.layout = layout
	return c, err
}

var directives = strings.NewReplacer("%Y", "2006", "%y", "06", "%m", "01", "%d", "02", "%H", "15", "%I", "03", "%M", "04",
	"%S", "05", "%f", "000000", "%p", "PM", "%z", "-0700", "%Z", "MST", "%b", "Jan", "%B", "January", "%a", "Mon", "%A", "Monday",
	"%j", "002", "%T", "15:04:05", "%F", "2006-01-02", "%%", "%")

// layoutOf turns a pattern of strftime into one of Go's, which is taken as well.
func layoutOf(pattern string) (string, error) {
	layout := pattern
	if strings.Contains(pattern, "%") {
		layout = directives.Replace(pattern)
	}
	if strings.Contains(layout, "%") || time.Unix(1, 0).UTC().Format(layout) == layout {
		return "", fmt.Errorf("the timestamp format %q is not one: auto, unix, unix-ms, unix-us, or a pattern such as %%Y-%%m-%%d %%H:%%M:%%S", pattern)
	}
	return layout, nil
}

var errTime = fault.Input("timestamp", "This is not a time that can be read. --timestamp-format says how times are written.")

// zoned are the layouts of texts that name their zone; local, of those that don't. A
// fraction of a second is read wherever one stands.
var (
	zoned = []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05Z07",
		"2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05 UTC",
	}
	local = []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04"}
)

// read reads a timestamp.
func (c clock) read(text string) (time.Time, *fault.Error) {
	t, ok := c.instant(strings.TrimSpace(text))
	if !ok || t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}, errTime
	}
	return t.UTC(), nil
}

func (c clock) instant(text string) (time.Time, bool) {
	if c.layout != "" {
		t, err := time.ParseInLocation(c.layout, text, c.zone.Location())
		return t, err == nil
	}
	if t, ok := c.epoch(text); ok || c.unit != 0 {
		return t, ok
	}
	if date, err := calendar.ParseDate(text); err == nil {
		return c.zone.StartOf(date), true
	}
	for _, layout := range zoned {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	for _, layout := range local {
		if t, err := time.ParseInLocation(layout, text, c.zone.Location()); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// The sizes by which seconds, milliseconds and microseconds are told apart: as seconds,
// 1e11 is in the year 5138, and as milliseconds in 1973.
const (
	maxSeconds      = 1e11
	maxMilliseconds = 1e14
	maxMicroseconds = 1e17
)

// epoch reads a number of seconds, milliseconds or microseconds since 1970.
func (c clock) epoch(text string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	unit := c.unit
	if unit == 0 {
		unit = unitOf(math.Abs(float64(n)))
	}
	t := since1970(n, unit)
	if fraction == "" {
		return t, !strings.HasSuffix(text, ".")
	}
	part, err := strconv.ParseFloat("0."+fraction, 64)
	if err != nil || strings.ContainsAny(fraction, "eE+-_") {
		return time.Time{}, false
	}
	if strings.HasPrefix(whole, "-") {
		part = -part
	}
	return t.Add(time.Duration(math.Round(part*float64(unit)/float64(time.Microsecond))) * time.Microsecond), true
}

func unitOf(size float64) time.Duration {
	switch {
	case size < maxSeconds:
		return time.Second
	case size < maxMilliseconds:
		return time.Millisecond
	case size < maxMicroseconds:
		return time.Microsecond
	}
	return time.Nanosecond
}

func since1970(n int64, unit time.Duration) time.Time {
	perSecond := int64(time.Second / unit)
	return time.Unix(n/perSecond, n%perSecond*int64(unit))
}
