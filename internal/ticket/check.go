package ticket

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
)

// The bounds of an item, in characters.
const (
	maxText    = 200
	maxSubject = 500
	maxURL     = 2_000
	maxChannel = 50
)

// The bounds of all instants.
var (
	earliest = event.Earliest
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// checker keeps the first problem that it finds.
type checker struct{ problem *fault.Error }

func (c *checker) need(ok bool, field, format string, args ...any) {
	if !ok && c.problem == nil {
		c.problem = fault.Input("ticket."+field, format, args...)
	}
}

func (c *checker) text(field string, text *string, most int) {
	if text == nil {
		return
	}
	n := utf8.RuneCountInString(*text)
	c.need(n >= 1 && n <= most && utf8.ValidString(*text) && !strings.ContainsRune(*text, 0), field, "A text of 1 to %d characters is needed.", most)
}

// somebody is the id of a user or an account.
func (c *checker) somebody(field string, id *string) {
	c.text(field, id, maxText)
	c.need(id == nil || identity.IsSomebody(*id), field, "This is the id of nobody.")
}

func (c *checker) link(field string, link *string) {
	if link == nil {
		return
	}
	c.text(field, link, maxURL)
	parsed, err := url.Parse(*link)
	c.need(err == nil && parsed.Scheme == "https" && parsed.Host != "" && parsed.User == nil, field, "A URL that begins with https:// is needed.")
}

func oneOf[T comparable](c *checker, field string, value *T, of ...T) {
	c.need(value == nil || slices.Contains(of, *value), field, "This is none of the values that are allowed: %s.",
		strings.Trim(strings.ReplaceAll(fmt.Sprint(of), " ", ", "), "[]"))
}

// instant bounds one, and gives it as PostgreSQL keeps it.
func (c *checker) instant(field string, at time.Time) time.Time {
	c.need(!at.Before(earliest) && at.Before(latest), field, "An instant between the years 2000 and 2100 is needed.")
	return at.UTC().Truncate(time.Microsecond)
}

// after is an instant that may not have come before the ticket was opened.
func (c *checker) after(opened time.Time, field string, at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	kept := c.instant(field, *at)
	c.need(!kept.Before(opened), field, "It lies before openedAt.")
	return &kept
}

// check completes an item, and says what is wrong with it by the name of the field.
func check(t Item, source string) (Item, *fault.Error) {
	c := &checker{}
	c.text("id", &t.ID, maxText)
	if t.Source == nil {
		t.Source = &source
	}
	c.text("source", t.Source, maxText)
	t.Subject, t.Channel = orNone(t.Subject), orNone(t.Channel)
	c.text("subject", t.Subject, maxSubject)
	c.text("channel", t.Channel, maxChannel)
	c.link("url", t.URL)
	oneOf(c, "status", &t.Status, statuses...)
	oneOf(c, "priority", t.Priority, Low, Normal, High, Urgent)
	oneOf(c, "rating", t.Rating, Good, Bad)
	t.GroupType = c.requester(t)
	t.OpenedAt = c.instant("openedAt", t.OpenedAt)
	t.FirstRepliedAt = c.after(t.OpenedAt, "firstRepliedAt", t.FirstRepliedAt)
	t.SolvedAt = c.after(t.OpenedAt, "solvedAt", t.SolvedAt)
	t.UpdatedAt = *c.after(t.OpenedAt, "updatedAt", &t.UpdatedAt)
	return t, c.problem
}

// requester is who asked, and on whose behalf: one of the two at least. It gives the kind of the
// account, if there is one.
func (c *checker) requester(t Item) *string {
	c.somebody("userId", t.UserID)
	c.somebody("groupId", t.GroupID)
	c.text("groupType", t.GroupType, maxText)
	c.need(t.GroupID != nil || t.GroupType == nil, "groupType", "The kind of an account is of no use without its groupId.")
	c.need(t.UserID != nil || t.GroupID != nil, "userId", "A userId or a groupId is needed: somebody asked.")
	if t.GroupID != nil && t.GroupType == nil {
		return new(event.DefaultGroup)
	}
	return t.GroupType
}

// orNone takes an empty text for none: help desks send such subjects.
func orNone(text *string) *string {
	if text != nil && *text == "" {
		return nil
	}
	return text
}
