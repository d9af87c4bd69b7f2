package metric

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// adopters reads distinct users by the types of what they did: uniques of a type don't add up
// over days, so they are counted from events. Of all types at once presence knows as much.
var adopters = &Reader{
	Name: "adopters", Columns: []string{"users"}, Dimensions: []DimensionKind{ByType}, Read: readAdopters,
}

// everybody reads active users, whatever the types: what adoption is a share of.
var everybody = &Reader{Name: activeUsers.Name, Columns: activeUsers.Columns, Whole: true, Read: readActiveUsers}

func readAdopters(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
	if len(g.By) == 0 && g.Filter == nil {
		t, err := readActiveUsers(ctx, db, g)
		if err == nil {
			t.Columns = map[string][][]float64{"users": t.Columns["active_users"]}
		}
		return t, err
	}
	of, err := g.adoption(ctx, db)
	if err != nil {
		return nil, err
	}
	var rows []dbsqlc.AdoptionCountRow
	if g.narrowed {
		rows, err = seenAdopters(ctx, db, of)
	} else {
		rows, err = dbsqlc.New().AdoptionCount(ctx, db, of)
	}
	if err != nil {
		return nil, fmt.Errorf("count users by type: %w", err)
	}
	return g.adoptionTable(rows, of.Split), nil
}

func seenAdopters(ctx context.Context, db dbsqlc.DBTX, of dbsqlc.AdoptionCountParams) ([]dbsqlc.AdoptionCountRow, error) {
	seen, err := dbsqlc.New().NarrowedAdoptionCount(ctx, db, dbsqlc.NarrowedAdoptionCountParams(of))
	rows := make([]dbsqlc.AdoptionCountRow, len(seen))
	for i, r := range seen {
		rows[i] = dbsqlc.AdoptionCountRow(r)
	}
	return rows, err
}

// adoption says what to count: of which types, and whether by type.
func (g Grid) adoption(ctx context.Context, db dbsqlc.DBTX) (of dbsqlc.AdoptionCountParams, err error) {
	of.Split, of.LeftOut = len(g.By) > 0 && g.Except == nil, typesOf(g.Except)
	for i, b := range g.Buckets {
		if b.Start.Before(b.End) {
			of.Buckets, of.Starts, of.Ends = append(of.Buckets, int32(i)), append(of.Starts, b.Start), append(of.Ends, b.End)
		}
	}
	if g.Only != nil {
		of.Types = typesOf(g.Only)
	}
	if g.Filter == nil {
		return of, nil
	}
	types := of.Types
	if types == nil {
		if types, err = g.activityTypes(ctx, db); err != nil {
			return of, err
		}
	}
	of.Types = []string{}
	for _, t := range types {
		if g.Filter.admits(t) {
			of.Types = append(of.Types, t)
		}
	}
	return of, nil
}

func typesOf(groups [][]*string) []string {
	types := []string{}
	for _, keys := range groups {
		if keys[0] != nil {
			types = append(types, *keys[0])
		}
	}
	return types
}

func (g Grid) activityTypes(ctx context.Context, db dbsqlc.DBTX) (types []string, err error) {
	from, to := g.From, g.To
	for _, b := range g.Buckets {
		if b.End.After(to) {
			to = b.End
		}
	}
	if g.narrowed {
		types, err = dbsqlc.New().NarrowedAdoptionTypes(ctx, db, dbsqlc.NarrowedAdoptionTypesParams{RangeFrom: from, RangeTo: to})
	} else {
		types, err = dbsqlc.New().AdoptionTypes(ctx, db, dbsqlc.AdoptionTypesParams{RangeFrom: calendar.FloorSlot(from), RangeTo: to})
	}
	if err != nil {
		return nil, fmt.Errorf("list types: %w", err)
	}
	return types, nil
}

// admits reports whether a filter over types lets one through.
func (f *Filter) admits(eventType string) bool {
	switch {
	case f.Is != nil:
		return f.Is.admits(eventType)
	case f.Not != nil:
		return !f.Not.admits(eventType) // every event has a type: a condition holds, or it does not
	case f.And != nil:
		return !slices.ContainsFunc(f.And, func(part Filter) bool { return !part.admits(eventType) })
	}
	return slices.ContainsFunc(f.Or, func(part Filter) bool { return part.admits(eventType) })
}

func (c *Condition) admits(eventType string) bool {
	switch c.Operator {
	case IsSet:
		return true
	case IsNotSet:
		return false
	case NotEquals:
		return !slices.Contains(c.Values, any(eventType))
	}
	return slices.ContainsFunc(c.Values, func(v any) bool {
		text, is := v.(string)
		return is && c.Operator.holds(eventType, text)
	})
}

func (o Operator) holds(of, value string) bool {
	order := cmp.Compare(of, value)
	switch o {
	case Equals:
		return order == 0
	case Contains:
		return strings.Contains(of, value)
	case StartsWith:
		return strings.HasPrefix(of, value)
	case GreaterThan:
		return order > 0
	case AtLeast:
		return order >= 0
	case LessThan:
		return order < 0
	case AtMost:
		return order <= 0
	}
	return false
}

// adoptionTable has a group for each type, those asked for in any case, and the most adopted
// ones where there are too many.
func (g Grid) adoptionTable(rows []dbsqlc.AdoptionCountRow, split bool) *Table {
	t := &Table{Columns: map[string][][]float64{"users": {}}, Sources: Raw, Exact: g.rawComplete()}
	at := map[string]int{}
	add := func(name string, keys []*string) {
		if !has(at, name) {
			at[name] = len(t.Groups)
			t.Groups = append(t.Groups, keys)
			t.Columns["users"] = append(t.Columns["users"], make([]float64, len(g.Buckets)))
		}
	}
	if !split {
		add("", []*string{})
	}
	for _, name := range typesOf(g.Only) {
		add(name, []*string{&name})
	}
	slices.SortStableFunc(rows, func(a, b dbsqlc.AdoptionCountRow) int { return cmp.Compare(b.N, a.N) })
	for _, r := range rows {
		if !has(at, r.Type) && len(t.Groups) == MaxGroups {
			continue
		}
		add(r.Type, []*string{&r.Type})
		t.Columns["users"][at[r.Type]][r.Bucket] = float64(r.N)
	}
	return t
}

// rawComplete reports whether all events of the grid's buckets are there.
func (g Grid) rawComplete() bool {
	return !slices.ContainsFunc(g.Buckets, func(b calendar.Bucket) bool { return b.Start.Before(b.End) && b.Start.Before(g.rawSince) })
}
