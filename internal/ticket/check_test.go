package ticket_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// What is wrong with an item is told by the name of its field.
func TestTheRulesOfAnItem(t *testing.T) {
	long := func(n int) *string { return new(strings.Repeat("ä", n)) }
	before := day(1).Add(-time.Second)
	for _, c := range []struct {
		name  string
		set   func(*ticket.Item)
		field string // empty: it is fit
	}{
		{"as it is", func(*ticket.Item) {}, ""},
		{"of a user alone", func(i *ticket.Item) { i.GroupID = nil }, ""},
		{"of an account alone", func(i *ticket.Item) { i.UserID = nil }, ""},
		{"of nobody", func(i *ticket.Item) { i.UserID, i.GroupID = nil, nil }, "ticket.userId"},
		{"of a user who is nobody", func(i *ticket.Item) { i.UserID = new("null") }, "ticket.userId"},
		{"of an account that is nobody", func(i *ticket.Item) { i.GroupID = new("undefined") }, "ticket.groupId"},
		{"a user without letters", func(i *ticket.Item) { i.UserID = new("") }, "ticket.userId"},
		{"a kind of no account", func(i *ticket.Item) { i.GroupID, i.GroupType = nil, new("team") }, "ticket.groupType"},
		{"an account of another kind", func(i *ticket.Item) { i.GroupType = new("team") }, ""},
		{"an account of no kind", func(i *ticket.Item) { i.GroupType = new("") }, "ticket.groupType"},
		{"no id", func(i *ticket.Item) { i.ID = "" }, "ticket.id"},
		{"a long id", func(i *ticket.Item) { i.ID = *long(201) }, "ticket.id"},
		{"another source", func(i *ticket.Item) { i.Source = new("jira") }, ""},
		{"a source of no name", func(i *ticket.Item) { i.Source = new("") }, "ticket.source"},
		{"a subject as long as may be", func(i *ticket.Item) { i.Subject = long(500) }, ""},
		{"a longer one", func(i *ticket.Item) { i.Subject = long(501) }, "ticket.subject"},
		{"one that can't be kept", func(i *ticket.Item) { i.Subject = new("a\x00b") }, "ticket.subject"},
		{"one that says nothing", func(i *ticket.Item) { i.Subject = new("") }, ""},
		{"a link", func(i *ticket.Item) { i.URL = new("https://desk.example/t/1?a=b") }, ""},
		{"a plain link", func(i *ticket.Item) { i.URL = new("http://desk.example/t/1") }, "ticket.url"},
		{"a script", func(i *ticket.Item) { i.URL = new("javascript:alert(1)") }, "ticket.url"},
		{"a link to nowhere", func(i *ticket.Item) { i.URL = new("https:///t/1") }, "ticket.url"},
		{"a link with a password", func(i *ticket.Item) { i.URL = new("https://a:b@desk.example/") }, "ticket.url"},
		{"a status of ours", func(i *ticket.Item) { i.Status = ticket.OnHold }, ""},
		{"another", func(i *ticket.Item) { i.Status = "GONE" }, "ticket.status"},
		{"none", func(i *ticket.Item) { i.Status = "" }, "ticket.status"},
		{"a priority", func(i *ticket.Item) { i.Priority = new(ticket.Urgent) }, ""},
		{"another priority", func(i *ticket.Item) { i.Priority = new(ticket.Priority("P1")) }, "ticket.priority"},
		{"a channel", func(i *ticket.Item) { i.Channel = new("email") }, ""},
		{"a long channel", func(i *ticket.Item) { i.Channel = long(51) }, "ticket.channel"},
		{"a rating", func(i *ticket.Item) { i.Rating = new(ticket.Bad) }, ""},
		{"another rating", func(i *ticket.Item) { i.Rating = new(ticket.Rating("5")) }, "ticket.rating"},
		{"opened never", func(i *ticket.Item) { i.OpenedAt = time.Time{} }, "ticket.openedAt"},
		{"opened long ago", func(i *ticket.Item) { i.OpenedAt = day(1).AddDate(-30, 0, 0) }, "ticket.openedAt"},
		{"updated never", func(i *ticket.Item) { i.UpdatedAt = time.Time{} }, "ticket.updatedAt"},
		{"updated before it was opened", func(i *ticket.Item) { i.UpdatedAt = before }, "ticket.updatedAt"},
		{"updated as it was opened", func(i *ticket.Item) { i.UpdatedAt = day(1) }, ""},
		{"answered before it was opened", func(i *ticket.Item) { i.FirstRepliedAt = &before }, "ticket.firstRepliedAt"},
		{"solved before it was opened", func(i *ticket.Item) { i.SolvedAt = &before }, "ticket.solvedAt"},
		{"solved in a hundred years", func(i *ticket.Item) { i.SolvedAt = new(day(1).AddDate(100, 0, 0)) }, "ticket.solvedAt"},
		{"opened again", func(i *ticket.Item) { i.SolvedAt = new(day(1)) }, ""},
	} {
		_, err := ticket.Check(asked("t1", day(2), c.set))
		f, _ := errors.AsType[*fault.Error](err)
		if got := func() string {
			if f == nil {
				return ""
			}
			return f.Field
		}(); got != c.field {
			t.Errorf("%s: refused by %q (%v), want %q", c.name, got, err, c.field)
		}
	}
}

// What was left out is the same as what stands for it.
func TestAnItemIsCompleted(t *testing.T) {
	berlin := time.FixedZone("", 2*60*60)
	item, err := ticket.Check(asked("t1", day(2).In(berlin).Add(1234*time.Nanosecond), about("")))
	if err != nil {
		t.Fatal(err)
	}
	if *item.GroupType != event.DefaultGroup || *item.Source != "desk" || item.Subject != nil || item.UpdatedAt != day(2).Add(time.Microsecond) {
		t.Errorf("it became %+v", item)
	}
}

func TestABodyIsRead(t *testing.T) {
	const good = `{"id":"t1","status":"OPEN","groupId":"g1","openedAt":"2026-05-01T12:00:00Z","updatedAt":"2026-05-01T12:00:00+02:00"}`
	for body, want := range map[string]string{
		good:                             "alone",
		`{"items":[` + good + `]}`:       "",
		`{"items":[{"state":"OPEN"}]}`:   "ticket.state: There is no such field.",
		`{"items":[{"subject":7}]}`:      "ticket.subject: The value is of another type than this field has.",
		`{"items":[7]}`:                  "ticket: The value is of another type than this field has.",
		`{"items":[{"openedAt":"May"}]}`: "ticket.openedAt: The value is of another type than this field has.",
		`{"id":7}`:                       "alone ticket.id: The value is of another type than this field has.",
		`{"items":[]}`:                   "items",
		`[]`:                             "body",
		`{`:                              "body",
	} {
		given, alone, err := ticket.Decode([]byte(body))
		var got []string
		if alone {
			got = append(got, "alone")
		}
		for _, g := range given {
			if g.Problem != nil {
				got = append(got, g.Problem.Field+": "+g.Problem.Message)
			}
		}
		if f, ok := errors.AsType[*fault.Error](err); ok {
			got = append(got, f.Field)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
