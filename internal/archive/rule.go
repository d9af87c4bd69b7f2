package archive

import (
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// monthOf is the UTC month of an instant, by its first day.
func monthOf(t time.Time) calendar.Date {
	year, month, _ := t.UTC().Date()
	return calendar.NewDate(year, month, 1)
}

// plus moves a month on by so many.
func plus(month calendar.Date, months int) calendar.Date {
	year, m, _ := month.Civil()
	return calendar.NewDate(year, m+time.Month(months), 1)
}

// span is the instants of a month, half-open.
func span(month calendar.Date) (starts, ends time.Time) { return start(month), start(plus(month, 1)) }

func start(month calendar.Date) time.Time {
	year, m, _ := month.Civil()
	return time.Date(year, m, 1, 0, 0, 0, 0, time.UTC)
}

// keptFrom is the first month whose raw events stay: the running one and the whole months
// before it that the retention names. At least one is kept whatever it says, and so nothing
// goes that a sender may still repeat.
func keptFrom(now time.Time, retention int) calendar.Date {
	return plus(monthOf(now), -max(retention, access.MinEventRetention))
}
