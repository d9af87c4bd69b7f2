package calendar

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

const daySeconds = 24 * 60 * 60

// Date is a civil date, of no zone: the number of days since 1970-01-01 in the
// proleptic Gregorian calendar. Dates compare and subtract as numbers. It holds
// every date of PostgreSQL, 4713 BC to 5874897 AD.
type Date int32

// NewDate gives the date. Months and days out of range carry over as in
// [time.Date]: February 30 is the first or second of March.
func NewDate(year int, month time.Month, day int) Date {
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / daySeconds)
}

// ParseDate reads "2026-05-01": four digits, two, two, and a date that exists.
// Anything else is a BAD_USER_INPUT of the field "date".
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fault.Input("date", "A date must exist and read like 2026-05-01.")
	}
	return Date(t.Unix() / daySeconds), nil
}

// String gives the ISO 8601 form, "2026-05-01".
func (d Date) String() string { return d.midnight().Format(time.DateOnly) }

// Civil gives the year (0 is 1 BC), the month and the day of the month.
func (d Date) Civil() (year int, month time.Month, day int) { return d.midnight().Date() }

// Weekday gives the day of the week.
func (d Date) Weekday() time.Weekday { return d.midnight().Weekday() }

// midnight is the date's midnight in UTC.
func (d Date) midnight() time.Time { return instant(int64(d) * daySeconds) }

// ScanDate implements [pgtype.DateScanner]. Null and the infinities are errors,
// for no day stands for them; a column that may be null scans into a **Date.
func (d *Date) ScanDate(v pgtype.Date) error {
	if !v.Valid {
		return errors.New("scan date: null")
	}
	if v.InfinityModifier != pgtype.Finite {
		return fmt.Errorf("scan date: %v", v.InfinityModifier)
	}
	*d = Date(v.Time.Unix() / daySeconds)
	return nil
}

// DateValue implements [pgtype.DateValuer].
func (d Date) DateValue() (pgtype.Date, error) {
	return pgtype.Date{Time: d.midnight(), Valid: true}, nil
}

// SkipUnderlyingTypePlan implements [pgtype.SkipUnderlyingTypePlanner]: without
// it, pgx would pass a Date to an integer parameter, and to one of unknown type,
// as its number of days.
func (d Date) SkipUnderlyingTypePlan() {}
