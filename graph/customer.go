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

// numberKey is a page's key for a list that is continued after a number.
func numberKey(of int64, first int, after *string) (loader.PageKey[int64], error) {
	place, err := placeOrStart(after, parseNumber)
	return loader.PageKey[int64]{Of: of, First: first, After: place}, err
}

func identityConnection(ctx context.Context, page customer.Page[customer.Identity], after *string) *model.IdentityConnection {
	c := &model.IdentityConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.IdentityEdge](ctx, page.Items, page.More, after,
		func(i *customer.Identity) string { return decimal(i.ID) })
	return c
}

func accountConnection(ctx context.Context, page customer.Page[customer.Account], after *string) *model.AccountConnection {
	c := &model.AccountConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.AccountEdge](ctx, page.Items, page.More, after,
		func(a *customer.Account) string { return decimal(a.ID) })
	return c
}

func memberConnection(ctx context.Context, page customer.Page[customer.Member], after *string) *model.PersonConnection {
	c := &model.PersonConnection{}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.PersonEdge](ctx, page.Items, page.More, after,
		func(m *customer.Member) string { return decimal(m.Place) },
		func(m *customer.Member) *customer.Person { return &m.Person })
	return c
}

// historyKey is a page's key for a history.
func historyKey(of int64, first int, after *string) (loader.PageKey[customer.Moment], error) {
	place, err := placeOrStart(after, parseMoment)
	return loader.PageKey[customer.Moment]{Of: of, First: first, After: place}, err
}

// momentKey writes where a change stands: instant, message key and name.
func momentKey(m customer.Moment) string {
	return fmt.Sprintf("%d.%s.%s", m.At.UnixMicro(), m.By, m.Name)
}

func parseMoment(key string) (m customer.Moment, ok bool) {
	parts := strings.SplitN(key, ".", 3)
	if len(parts) < 3 {
		return m, false
	}
	micros, err := strconv.ParseInt(parts[0], 10, 64)
	by, err2 := uuid.Parse(parts[1])
	if err != nil || err2 != nil || strings.ContainsRune(parts[2], 0) {
		return m, false
	}
	m = customer.Moment{At: time.UnixMicro(micros).UTC(), Name: parts[2], By: by}
	return m, momentKey(m) == key && m.At.Year() >= 2000 && m.At.Year() <= 9999
}

func changeConnection(ctx context.Context, page customer.Page[customer.Change], after *string) *model.TraitChangeConnection {
	c := &model.TraitChangeConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.TraitChangeEdge](ctx, page.Items, page.More, after,
		func(change *customer.Change) string { return momentKey(change.Moment) })
	return c
}

// mergeKey writes where a merge stands: instant and id.
func mergeKey(p customer.Place) string { return fmt.Sprintf("%d.%s", p.MadeAt.UnixMicro(), p.ID) }

func parseMergeKey(key string) (p customer.Place, ok bool) {
	at, id, _ := strings.Cut(key, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return p, false
	}
	p.MadeAt = time.UnixMicro(micros).UTC()
	p.ID, err = uuid.Parse(id)
	return p, err == nil && mergeKey(p) == key && p.MadeAt.Year() >= 2000 && p.MadeAt.Year() <= 9999
}

func mergeConnection(ctx context.Context, page customer.Page[customer.Merge], after *string) *model.PersonMergeConnection {
	c := &model.PersonMergeConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.PersonMergeEdge](ctx, page.Items, page.More, after,
		func(m *customer.Merge) string { return mergeKey(m.Place) })
	return c
}

// identityOf finds an identity that must be there.
func identityOf(ctx context.Context, id int64) (*customer.Identity, error) {
	return existing(loader.From(ctx).Identity.Load(ctx, id)())
}
