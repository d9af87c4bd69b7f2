package calendar

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgtype"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

func TestDates(t *testing.T) {
	for _, c := range []struct {
		text    string
		days    Date
		weekday time.Weekday
	}{
		{"1970-01-01", 0, time.Thursday},
		{"1969-12-31", -1, time.Wednesday},
		{"2026-05-01", 20574, time.Friday},
		{"2000-02-29", 11016, time.Tuesday},
		{"0000-01-01", -719528, time.Saturday},
		{"9999-12-31", 2932896, time.Friday},
	} {
		d := parseDate(t, c.text)
		if d != c.days || d.Weekday() != c.weekday || d.String() != c.text {
			t.Errorf("%s is day %d, %s, %s", c.text, d, d.Weekday(), d)
		}
		if got := NewDate(d.Civil()); got != d {
			t.Errorf("NewDate(%s.Civil()) = %s", d, got)
		}
	}
	if got, want := NewDate(2026, 14, 0), NewDate(2027, time.January, 31); got != want {
		t.Errorf("day 0 of month 14 = %s, want %s", got, want)
	}
}

func TestParseDateRejects(t *testing.T) {
	for _, text := range []string{
		"", "2026-02-29", "2026-13-01", "2026-5-1", "26-05-01", "20260501", "+2026-05-01",
		"2026-05-01T00:00:00Z", " 2026-05-01", "2026-05-01\n", "2026/05/01", "infinity",
	} {
		d, err := ParseDate(text)
		f, _ := fault.Of(err)
		if f.Code != fault.BadUserInput || f.Field != "date" {
			t.Errorf("ParseDate(%q) = %s, %v", text, d, err)
		}
	}
}

func TestPostgresDates(t *testing.T) {
	types := pgtype.NewMap()
	dates := []Date{0, -1, parseDate(t, "2026-05-01"), parseDate(t, "0001-01-01"), NewDate(-4712, 1, 1), NewDate(5874897, 12, 31)}
	for _, format := range []int16{pgtype.BinaryFormatCode, pgtype.TextFormatCode} {
		for _, want := range dates {
			var got Date
			roundTrip(t, types, pgtype.DateOID, format, want, &got)
			if got != want {
				t.Errorf("format %d: %s became %s", format, want, got)
			}
		}
		var got []Date
		roundTrip(t, types, pgtype.DateArrayOID, format, dates, &got)
		if diff := cmp.Diff(dates, got); diff != "" {
			t.Errorf("format %d: date[] (-sent +read):\n%s", format, diff)
		}
		var maybe *Date
		roundTrip(t, types, pgtype.DateOID, format, (*Date)(nil), &maybe)
		if maybe != nil {
			t.Errorf("format %d: null became %s", format, maybe)
		}
	}
}

// roundTrip writes a value as pgx sends it, and reads it back.
func roundTrip(t *testing.T, types *pgtype.Map, oid uint32, format int16, value, target any) {
	t.Helper()
	wire, err := types.Encode(oid, format, value, nil)
	if err != nil {
		t.Fatalf("encode %v: %v", value, err)
	}
	if err := types.Scan(oid, format, wire, target); err != nil {
		t.Fatalf("scan %v: %v", value, err)
	}
}

func TestPostgresDatesOfNoDay(t *testing.T) {
	types := pgtype.NewMap()
	for _, wire := range [][]byte{nil, []byte("infinity"), []byte("-infinity"), []byte("tomorrow")} {
		d := Date(7)
		if err := types.Scan(pgtype.DateOID, pgtype.TextFormatCode, wire, &d); err == nil || d != 7 {
			t.Errorf("scan %q: %s, %v", wire, d, err)
		}
	}
}

func TestDateIsNoNumberToPostgres(t *testing.T) {
	types := pgtype.NewMap()
	if wire, err := types.Encode(pgtype.Int4OID, pgtype.BinaryFormatCode, Date(7), nil); err == nil {
		t.Errorf("a date went into an integer as %v", wire)
	}
	var d Date
	if err := types.Scan(pgtype.Int4OID, pgtype.BinaryFormatCode, []byte{0, 0, 0, 7}, &d); err == nil {
		t.Errorf("an integer became %s", d)
	}
	// The simple protocol does not know the type of a parameter.
	wire, err := types.Encode(0, pgtype.TextFormatCode, Date(7), nil)
	if err != nil || string(wire) != "1970-01-08" {
		t.Errorf("parameter of unknown type: %q, %v", wire, err)
	}
}

func TestDateRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Date(rapid.Int32Range(-719528, 2932896).Draw(t, "days"))
		if back, err := ParseDate(d.String()); back != d || err != nil {
			t.Fatalf("%d reads %s, which is %d (%v)", d, d, back, err)
		}
		if NewDate(d.Civil()) != d || (d+1).Weekday() != (d.Weekday()+1)%7 {
			t.Fatalf("%s: %s", d, d.Weekday())
		}
	})
}
