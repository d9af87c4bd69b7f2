package importer

import (
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

func TestTimestamps(t *testing.T) {
	tests := []struct{ format, zone, text, want string }{
		{"auto", "UTC", "2026-05-01T09:30:00Z", "2026-05-01T09:30:00Z"},
		{"auto", "UTC", "2026-05-01T09:30:00.123456+02:00", "2026-05-01T07:30:00.123456Z"},
		{"auto", "UTC", "2026-05-01T09:30:00+0200", "2026-05-01T07:30:00Z"},
		{"auto", "UTC", "2026-05-01 09:30:00.5+00", "2026-05-01T09:30:00.5Z"},
		{"auto", "Europe/Berlin", "2026-05-01 09:30:00 UTC", "2026-05-01T09:30:00Z"},
		{"auto", "Europe/Berlin", " 2026-05-01 09:30:00 ", "2026-05-01T07:30:00Z"},
		{"auto", "Europe/Berlin", "2026-05-01T09:30:00.25", "2026-05-01T07:30:00.25Z"},
		{"auto", "Europe/Berlin", "2026-05-01 09:30", "2026-05-01T07:30:00Z"},
		{"auto", "Europe/Berlin", "2026-05-01", "2026-04-30T22:00:00Z"},
		{"auto", "Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"}, // no midnight: the day begins at 1:00
		{"auto", "UTC", "1777630000", "2026-05-01T10:06:40Z"},
		{"auto", "UTC", "1777630000.25", "2026-05-01T10:06:40.25Z"},
		{"auto", "UTC", "1777630000250", "2026-05-01T10:06:40.25Z"},
		{"auto", "UTC", "1777630000250001", "2026-05-01T10:06:40.250001Z"},
		{"auto", "UTC", "1777630000250001000", "2026-05-01T10:06:40.250001Z"},
		{"auto", "UTC", "-0.5", "1969-12-31T23:59:59.5Z"},
		{"unix-ms", "UTC", "1777630000", "1970-01-21T13:47:10Z"},
		{"unix", "UTC", "1777630000", "2026-05-01T10:06:40Z"},
		{"%d.%m.%Y %H:%M", "Europe/Berlin", "01.05.2026 09:30", "2026-05-01T07:30:00Z"},
		{"%m/%d/%y", "UTC", "05/01/26", "2026-05-01T00:00:00Z"},
		{"02 Jan 2006", "UTC", "01 May 2026", "2026-05-01T00:00:00Z"},
		{"auto", "UTC", "yesterday", ""},
		{"auto", "UTC", "05/01/2026", ""},
		{"auto", "UTC", "2026-13-01", ""},
		{"auto", "UTC", "2026-02-30 10:00:00", ""},
		{"auto", "UTC", "1.5e9", ""},
		{"auto", "UTC", "1777630000.", ""},
		{"auto", "UTC", "99999999999999999999", ""},
		{"unix", "UTC", "2026-05-01", ""},
		{"unix", "UTC", "999999999999999", ""}, // the year 31 million
		{"%Y", "UTC", "2026-05-01", ""},
	}
	for _, test := range tests {
		zone, err := calendar.LoadZone(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		c, err := newClock(test.format, zone)
		if err != nil {
			t.Fatal(err)
		}
		at, problem := c.read(test.text)
		got := ""
		if problem == nil {
			got = at.Format(time.RFC3339Nano)
		}
		if got != test.want {
			t.Errorf("%s in %s by %s is %q, want %q", test.text, test.zone, test.format, got, test.want)
		}
	}
	for _, format := range []string{"epoch", "%Q", "iso", "YYYY-MM-DD"} {
		if _, err := newClock(format, calendar.UTC); err == nil {
			t.Errorf("the format %q is taken", format)
		}
	}
}

func TestTyped(t *testing.T) {
	for text, want := range map[string]string{
		"12": "12", "-1.50": "-1.50", " 3 ": "3", "1e3": "1e3", "TRUE": "true", "False": "false", "0": "0", "0.1": "0.1",
		"007": `"007"`, "+49": `"+49"`, "1,5": `"1,5"`, "1e400": `"1e400"`, "9007199254740993": `"9007199254740993"`, "-": `"-"`,
		"9007199254740991": "9007199254740991", "NaN": `"NaN"`, "null": `"null"`, "yes": `"yes"`, `a"b`: `"a\"b"`, "0x1F": `"0x1F"`,
		" ": `" "`, "12 34": `"12 34"`, ".5": `".5"`, "{}": `"{}"`,
	} {
		if got, problem := typed(text); string(got) != want || problem != nil {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	if _, problem := typed("\xff"); problem == nil {
		t.Error("invalid UTF-8 is taken")
	}
}
