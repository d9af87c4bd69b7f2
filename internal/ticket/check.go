package ticket

import (
	"net/url"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/intake"
)

// The bounds of an item, in characters.
const (
	maxText    = 200
	maxSubject = 500
	maxURL     = 2_000
	maxChannel = 50
)

// checker keeps the first problem that it finds.
type checker struct{ intake.Checker }

func (c *checker) text(field string, text *string, most int) {
	if text != nil {
		c.Text(field, *text, most)
	}
}

// somebody is the id of a user or an account.
func (c *checker) somebody(field string, id *string) {
	c.text(field, id, maxText)
	c.Need(id == nil || identity.IsSomebody(*id), field, "This is the id of nobody.")
}

func (c *checker) link(field string, link *string) {
	if link == nil {
		return
	}
	c.text(field, link, maxURL)
	parsed, err := url.Parse(*link)
	c.Need(err == nil && parsed.Scheme == "https" && parsed.Host != "" && parsed.User == nil, field, "A URL that begins with https:// is needed.")
}

func oneOf[T comparable](c *checker, field string, value *T, of ...T) {
	if value != nil {
		intake.OneOf(&c.Checker, field, *value, of...)
	}
}

// after is an instant that may not have come before the ticket was opened.
func (c *checker) after(opened time.Time, field string, at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	kept := *at
	c.Instant(field, &kept)
	c.Need(!kept.Before(opened), field, "It lies before openedAt.")
	return &kept
}

// check completes an item, and says what is wrong with it by the name of the field.
func check(t Item, source string) (Item, *fault.Error) {
	c := &checker{intake.Checker{Of: "ticket"}}
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
	c.Instant("openedAt", &t.OpenedAt)
	t.FirstRepliedAt = c.after(t.OpenedAt, "firstRepliedAt", t.FirstRepliedAt)
	t.SolvedAt = c.after(t.OpenedAt, "solvedAt", t.SolvedAt)
	t.UpdatedAt = *c.after(t.OpenedAt, "updatedAt", &t.UpdatedAt)
	return t, c.Problem
}

// requester is who asked, and on whose behalf: one of the two at least. It gives the kind of the
// account, if there is one.
func (c *checker) requester(t Item) *string {
	c.somebody("userId", t.UserID)
	c.somebody("groupId", t.GroupID)
	c.text("groupType", t.GroupType, maxText)
	c.Need(t.GroupID != nil || t.GroupType == nil, "groupType", "The kind of an account is of no use without its groupId.")
	c.Need(t.UserID != nil || t.GroupID != nil, "userId", "A userId or a groupId is needed: somebody asked.")
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
