package intake

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// The bounds of all instants.
var (
	earliest = event.Earliest
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Checker keeps the first problem that it finds with an item.
type Checker struct {
	Of      string // the field that holds the others
	Problem *fault.Error
}

// Need keeps what is wrong with a field, unless it is as it has to be.
func (c *Checker) Need(ok bool, field, format string, args ...any) {
	if !ok && c.Problem == nil {
		c.Problem = fault.Input(c.Of+"."+field, format, args...)
	}
}

// Text bounds a text to so many characters that can be kept.
func (c *Checker) Text(field, text string, most int) {
	n := utf8.RuneCountInString(text)
	c.Need(n >= 1 && n <= most && utf8.ValidString(text) && !strings.ContainsRune(text, 0), field, "A text of 1 to %d characters is needed.", most)
}

// Instant bounds an instant, if there is one, and makes it what PostgreSQL keeps of it.
func (c *Checker) Instant(field string, at *time.Time) {
	if at != nil {
		c.Need(!at.Before(earliest) && at.Before(latest), field, "An instant between the years 2000 and 2100 is needed.")
		*at = at.UTC().Truncate(time.Microsecond)
	}
}

// OneOf wants one of some values.
func OneOf[T comparable](c *Checker, field string, value T, of ...T) {
	c.Need(slices.Contains(of, value), field, "This is none of the values that are allowed: %s.", strings.Trim(strings.ReplaceAll(fmt.Sprint(of), " ", ", "), "[]"))
}
