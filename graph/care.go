package graph

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/timeline"
)

// subjectOf reads an argument that is the id of an account or a person.
func subjectOf(argument, id string) (customer.Subject, error) {
	if n, err := numberOf(accountNode, argument, id); err == nil {
		return customer.Subject{Kind: identity.OfAccount, ID: n}, nil
	}
	n, err := numberOf(personNode, argument, id)
	return customer.Subject{Kind: identity.OfPerson, ID: n}, err
}

// customerOf finds an account or a person; nil is nobody.
func customerOf(ctx context.Context, of customer.Subject) (model.Customer, error) {
	if of.Kind == identity.OfAccount {
		return orNobody(loader.From(ctx).Account.Load(ctx, of.ID)())
	}
	return orNobody(loader.From(ctx).Person.Load(ctx, of.ID)())
}

func orNobody[T any](found *T, err error) (model.Customer, error) {
	if found == nil || err != nil {
		return nil, err // and no typed nil
	}
	return found, nil
}

// called is what somebody is called; nothing, if nothing is known.
func called(found *customer.Called, err error) (customer.Called, error) {
	if found == nil {
		return customer.Called{}, err
	}
	return *found, err
}

// memberOf finds somebody who works here; nil is nobody, or somebody who has left.
func memberOf(ctx context.Context, login *uuid.UUID, err error) (*model.Member, error) {
	if login == nil || err != nil {
		return nil, err
	}
	member, err := loader.From(ctx).Member.Load(ctx, *login)()
	if member == nil || err != nil {
		return nil, err
	}
	return toMember(member), nil
}

// noteKey writes where a note stands: instant and id.
func noteKey(n *customer.Note) string { return staffKey(n.CreatedAt, n.ID) }

func parseNoteKey(key string) (customer.NoteSpot, bool) {
	m, ok := parseStaffKey(key)
	return customer.NoteSpot{At: m.At, ID: m.ID}, ok
}

func noteConnection(ctx context.Context, page customer.Page[customer.Note], after *string) *model.NoteConnection {
	c := &model.NoteConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.NoteEdge](ctx, page.Items, page.More, after, noteKey)
	return c
}

// noteSpotKey is a page's key for a list of notes.
func noteSpotKey(of int64, first int, after *string) (loader.PageKey[customer.NoteSpot], error) {
	spot, err := placeOrStart(after, parseNoteKey)
	return loader.PageKey[customer.NoteSpot]{Of: of, First: first, After: spot}, err
}

// timelineKey writes where an entry stands: instant, kind and key.
func timelineKey(c timeline.Cursor) string {
	return fmt.Sprintf("%d.%d.%s", c.At.UnixMicro(), c.Rank, c.Key)
}

func parseTimelineKey(key string) (c timeline.Cursor, ok bool) {
	parts := strings.SplitN(key, ".", 3)
	if len(parts) < 3 || !customer.Sendable(parts[2]) {
		return c, false
	}
	micros, err := strconv.ParseInt(parts[0], 10, 64)
	rank, err2 := strconv.Atoi(parts[1])
	if errors.Join(err, err2) != nil {
		return c, false
	}
	c = timeline.Cursor{At: time.UnixMicro(micros).UTC(), Rank: rank, Key: parts[2]}
	return c, timelineKey(c) == key && c.At.Year() >= 2000 && c.At.Year() <= 9999 && rank >= 0
}

func timelineOf(ctx context.Context, kind identity.Subject, of int64, first int, after *string, filter *timeline.Filter) (*model.TimelineConnection, error) {
	cursor, err := placeOrStart(after, parseTimelineKey)
	if err != nil {
		return nil, err
	}
	key, err := loader.NewTimelineKey(kind, of, first, cursor, filter)
	if err != nil {
		return nil, err
	}
	page, err := loader.From(ctx).Timeline.Load(ctx, key)()
	if page == nil || err != nil {
		return nil, err
	}
	c := &model.TimelineConnection{
		Edges: make([]model.TimelineEdge, len(page.Entries)), Nodes: make([]model.TimelineEntry, len(page.Entries)), SearchedTo: page.Searched,
	}
	cursors := make([]string, len(page.Entries))
	for i, entry := range page.Entries {
		cursors[i], c.Nodes[i] = cursorOf(timelineKey(page.Cursors[i])), entry
		c.Edges[i] = model.TimelineEdge{Cursor: cursors[i], Node: entry}
	}
	c.PageInfo = pageInfoOf(cursors, page.More, after)
	if page.Searched != nil { // the next page begins where this one stopped looking
		c.PageInfo.EndCursor = new(cursorOf(timelineKey(page.End)))
	}
	return c, nil
}

func usageOf(ctx context.Context, kind identity.Subject, of int64, span *model.SpanInput, first int) (*timeline.Usage, error) {
	ask := timeline.UsageAsk{Of: kind, First: first}
	if span != nil {
		if span.From != nil {
			ask.From = span.From.UTC()
		}
		if span.To != nil {
			ask.To = span.To.UTC()
		}
	}
	return loader.From(ctx).Usage.Load(ctx, loader.UsageKey{Of: of, Ask: ask})()
}
