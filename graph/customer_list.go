package graph

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/identity"
)

// customerQuery reads what a list of people or accounts is asked for by.
func customerQuery(search *string, order *customer.Order, direction *customer.Direction, first int, after *string) (q customer.ListQuery, err error) {
	q = customer.ListQuery{Search: orEmpty(search), Order: orEmpty(order), Direction: orEmpty(direction), First: first}
	if q.After, err = placeOf(after, parseSpot); err != nil {
		return q, err
	}
	return q, nil
}

// spotKey writes where somebody stands: id, score, number and word, of which a dash is none.
func spotKey(s customer.Spot) string {
	number, word := "-", "-"
	if s.Number != nil {
		number = decimal(*s.Number)
	}
	if s.Word != nil {
		word = "+" + *s.Word
	}
	return fmt.Sprintf("%d;%s;%s;%s", s.ID, strconv.FormatFloat(s.Score, 'g', -1, 64), number, word)
}

func parseSpot(key string) (s customer.Spot, ok bool) {
	parts := strings.SplitN(key, ";", 4)
	if len(parts) < 4 {
		return s, false
	}
	var err error
	if s.ID, ok = parseNumber(parts[0]); !ok {
		return s, false
	}
	if s.Score, err = strconv.ParseFloat(parts[1], 64); err != nil || math.IsNaN(s.Score) || math.IsInf(s.Score, 0) {
		return s, false
	}
	if number, ok := parseNumber(parts[2]); ok {
		s.Number = &number
	}
	if word, ok := strings.CutPrefix(parts[3], "+"); ok && customer.Sendable(word) {
		s.Word = &word
	}
	return s, spotKey(s) == key
}

func (r *Resolver) accountList(ctx context.Context, q customer.ListQuery, after *string) (c *model.AccountListConnection, err error) {
	if q.Order == customer.ByMRR {
		if q.Worth, err = r.Revenue.Worth(ctx); err != nil {
			return nil, err
		}
	}
	page, err := r.Customers.ListAccounts(ctx, q)
	lookAhead(ctx, "Account", identity.OfAccount, idsOf(page.Items))
	c = &model.AccountListConnection{Search: q.Search}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.AccountEdge](ctx, page.Items, page.More, after,
		func(l *customer.Listed[customer.Account]) string { return spotKey(l.Spot) },
		func(l *customer.Listed[customer.Account]) *customer.Account { return &l.Item })
	return c, err
}

func (r *Resolver) personList(ctx context.Context, q customer.ListQuery, after *string) (*model.PersonListConnection, error) {
	page, err := r.Customers.ListPersons(ctx, q)
	lookAhead(ctx, "Person", identity.OfPerson, idsOf(page.Items))
	c := &model.PersonListConnection{Search: q.Search}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.PersonEdge](ctx, page.Items, page.More, after,
		func(l *customer.Listed[customer.Person]) string { return spotKey(l.Spot) },
		func(l *customer.Listed[customer.Person]) *customer.Person { return &l.Item })
	return c, err
}

func idsOf[T any](list []customer.Listed[T]) []int64 {
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}
