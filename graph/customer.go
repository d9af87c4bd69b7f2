package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/customer"
)

// toObject writes traits as one object; nothing known is an empty one.
func toObject(traits *customer.Traits, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if traits == nil || *traits == nil {
		return []byte("{}"), nil
	}
	object, err := json.Marshal(*traits)
	if err != nil {
		return nil, fmt.Errorf("write traits: %w", err)
	}
	return object, nil
}

// listed turns a page into what connections of any type have.
func listed[T, E any](page customer.Page[T], after *string, cursor func(T) string, edge func(string, *T) E) (edges []E, nodes []T, info *model.PageInfo) {
	edges, nodes = []E{}, []T{}
	var cursors []string
	for i := range page.Items {
		c := cursorOf(cursor(page.Items[i]))
		cursors = append(cursors, c)
		edges = append(edges, edge(c, &page.Items[i]))
		nodes = append(nodes, page.Items[i])
	}
	made := pageInfo(cursors, after, page.More)
	return edges, nodes, &made
}

// numberKey is a page's key for a list that is continued after a number.
func numberKey(of int64, first int, after *string) (key loader.PageKey[int64], err error) {
	text, err := parseCursor(after)
	if err != nil {
		return key, err
	}
	key = loader.PageKey[int64]{Of: of, First: first}
	if after != nil {
		if key.After, err = parseNumber(text); err != nil {
			return key, errBadCursor
		}
	}
	return key, nil
}

func identityConnection(page customer.Page[customer.Identity], after *string) *model.IdentityConnection {
	var c model.IdentityConnection
	c.Edges, c.Nodes, c.PageInfo = listed(page, after,
		func(i customer.Identity) string { return strconv.FormatInt(i.ID, 10) },
		func(cursor string, i *customer.Identity) model.IdentityEdge {
			return model.IdentityEdge{Cursor: cursor, Node: i}
		})
	return &c
}

func accountConnection(page customer.Page[customer.Account], after *string) *model.AccountConnection {
	var c model.AccountConnection
	c.Edges, c.Nodes, c.PageInfo = listed(page, after,
		func(a customer.Account) string { return strconv.FormatInt(a.ID, 10) },
		func(cursor string, a *customer.Account) model.AccountEdge {
			return model.AccountEdge{Cursor: cursor, Node: a}
		})
	return &c
}

func memberConnection(page customer.Page[customer.Member], after *string) *model.PersonConnection {
	c := model.PersonConnection{Nodes: []customer.Person{}}
	c.Edges, _, c.PageInfo = listed(page, after,
		func(m customer.Member) string { return strconv.FormatInt(m.Place, 10) },
		func(cursor string, m *customer.Member) model.PersonEdge {
			c.Nodes = append(c.Nodes, m.Person)
			return model.PersonEdge{Cursor: cursor, Node: &m.Person}
		})
	return &c
}

// historyKey is a page's key for a history; a cursor is instant, message key and name.
func historyKey(of int64, first int, after *string) (key loader.PageKey[customer.Moment], err error) {
	text, err := parseCursor(after)
	if err != nil {
		return key, err
	}
	key = loader.PageKey[customer.Moment]{Of: of, First: first}
	if after == nil {
		return key, nil
	}
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 3 {
		return key, errBadCursor
	}
	micros, err := strconv.ParseInt(parts[0], 10, 64)
	by, err2 := uuid.Parse(parts[1])
	if err != nil || err2 != nil || strings.ContainsRune(parts[2], 0) {
		return key, errBadCursor
	}
	key.After = customer.Moment{At: time.UnixMicro(micros).UTC(), Name: parts[2], By: by}
	if momentCursor(key.After) != text || key.After.At.Year() < 2000 || key.After.At.Year() > 9999 {
		return key, errBadCursor
	}
	return key, nil
}

func momentCursor(m customer.Moment) string {
	return fmt.Sprintf("%d.%s.%s", m.At.UnixMicro(), m.By, m.Name)
}

func changeConnection(page customer.Page[customer.Change], after *string) *model.TraitChangeConnection {
	var c model.TraitChangeConnection
	c.Edges, c.Nodes, c.PageInfo = listed(page, after,
		func(change customer.Change) string { return momentCursor(change.Moment) },
		func(cursor string, change *customer.Change) model.TraitChangeEdge {
			return model.TraitChangeEdge{Cursor: cursor, Node: change}
		})
	return &c
}

// placeOf reads the cursor of a merge: instant and id.
func placeOf(after *string) (*customer.Place, error) {
	text, err := parseCursor(after)
	if err != nil || after == nil {
		return nil, err
	}
	at, id, _ := strings.Cut(text, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return nil, errBadCursor
	}
	place := customer.Place{MadeAt: time.UnixMicro(micros).UTC()}
	if place.ID, err = uuid.Parse(id); err != nil || placeCursor(place) != text || place.MadeAt.Year() < 2000 || place.MadeAt.Year() > 9999 {
		return nil, errBadCursor
	}
	return &place, nil
}

func placeCursor(p customer.Place) string { return fmt.Sprintf("%d.%s", p.MadeAt.UnixMicro(), p.ID) }

func mergeConnection(page customer.Page[customer.Merge], after *string) *model.PersonMergeConnection {
	var c model.PersonMergeConnection
	c.Edges, c.Nodes, c.PageInfo = listed(page, after,
		func(m customer.Merge) string { return placeCursor(m.Place) },
		func(cursor string, m *customer.Merge) model.PersonMergeEdge {
			return model.PersonMergeEdge{Cursor: cursor, Node: m}
		})
	return &c
}

// identityOf finds an identity that must be there.
func identityOf(ctx context.Context, id int64) (*customer.Identity, error) {
	found, err := loader.From(ctx).Identity.Load(ctx, id)()
	if err == nil && found == nil {
		err = errNoNode
	}
	return found, err
}
