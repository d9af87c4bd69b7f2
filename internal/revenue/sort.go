package revenue

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// sorter tells which group of a breakdown a leaf belongs to.
type sorter struct {
	grid    metric.Grid
	by      []metric.Dimension
	plans   map[int64]dbsqlc.PlanTermListRow
	traits  map[int64]account
	largest string // the column by which groups are kept

	groups [][]*string
	places map[string]int
	known  map[home]int
	only   map[string]bool
	except map[string]bool
}

// home is what a leaf's group depends on.
type home struct {
	account, plan int64
	currency      string
}

type account struct {
	name   string
	traits map[string]any
}

// sorter reads what the breakdown and the filter look at, and nothing if there is neither.
func (s sight) sorter(ctx context.Context, db dbsqlc.DBTX, lists ...[]row) (*sorter, error) {
	made := &sorter{grid: s.Grid, by: s.By, largest: "end", places: map[string]int{}, known: map[home]int{}}
	kinds := map[metric.DimensionKind]bool{}
	for _, d := range s.By {
		kinds[d.Kind] = true
	}
	eachOf(s.Filter, func(d metric.Dimension) { kinds[d.Kind] = true })
	made.only, made.except = set(s.Only), set(s.Except)
	if kinds[metric.ByPlan] || kinds[metric.ByBillingInterval] {
		rows, err := dbsqlc.New().PlanTermList(ctx, db)
		if err != nil {
			return nil, fmt.Errorf("read plans: %w", err)
		}
		made.plans = map[int64]dbsqlc.PlanTermListRow{}
		for _, r := range rows {
			made.plans[r.PlanID] = r
		}
	}
	if kinds[metric.ByAccount] || kinds[metric.ByAccountTrait] {
		return made, made.readAccounts(ctx, db, lists)
	}
	return made, nil
}

func set(groups [][]*string) map[string]bool {
	if groups == nil {
		return nil
	}
	keys := map[string]bool{}
	for _, g := range groups {
		keys[groupKey(g)] = true
	}
	return keys
}

func groupKey(group []*string) string {
	var key strings.Builder
	for _, k := range group {
		if k == nil {
			key.WriteString("-\x00")
			continue
		}
		key.WriteString("=" + *k + "\x00")
	}
	return key.String()
}

func (s *sorter) readAccounts(ctx context.Context, db dbsqlc.DBTX, lists [][]row) error {
	ids := map[int64]bool{}
	for _, list := range lists {
		for _, r := range list {
			ids[r.account] = true
		}
	}
	rows, err := dbsqlc.New().RevenueAccountList(ctx, db, slices.Sorted(maps.Keys(ids)))
	if err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	s.traits = map[int64]account{}
	for _, r := range rows {
		a := account{name: r.GroupID}
		if r.GroupType != event.DefaultGroup {
			a.name = r.GroupType + ":" + r.GroupID
		}
		decoder := json.NewDecoder(bytes.NewReader(r.Traits))
		decoder.UseNumber() // as it was sent
		if err := decoder.Decode(&a.traits); err != nil {
			return fmt.Errorf("read traits: %w", err)
		}
		s.traits[r.AccountID] = a
	}
	return nil
}

// group is where a leaf belongs; -1: nowhere.
func (s *sorter) group(account int64, leaf Leaf) int {
	if len(s.by) == 0 && s.grid.Filter == nil {
		return 0
	}
	of := home{account, leaf.Plan, leaf.Currency}
	place, ok := s.known[of]
	if !ok {
		place = s.find(of)
		s.known[of] = place
	}
	return place
}

func (s *sorter) find(of home) int {
	if !holds(s.grid.Filter, func(d metric.Dimension) any { return s.value(of, d) }) {
		return -1
	}
	if len(s.by) == 0 {
		return 0
	}
	keys := make([]*string, len(s.by))
	for i, d := range s.by {
		keys[i] = text(s.value(of, d))
	}
	key := groupKey(keys)
	switch {
	case s.only != nil && !s.only[key], s.except[key]:
		return -1
	case s.except != nil:
		return 0
	}
	place, ok := s.places[key]
	if !ok {
		place = len(s.groups)
		s.places[key], s.groups = place, append(s.groups, keys)
	}
	return place
}

// value is what a leaf has of a dimension: a string, a json.Number, a bool, or nil.
func (s *sorter) value(of home, d metric.Dimension) any {
	switch d.Kind {
	case metric.ByPlan:
		return s.plans[of.plan].Key
	case metric.ByCurrency:
		return of.currency
	case metric.ByBillingInterval:
		return billed(s.plans[of.plan])
	case metric.ByAccount:
		return s.traits[of.account].name
	case metric.ByAccountTrait:
		return member(s.traits[of.account].traits, d.Name)
	}
	return nil
}

// billed names how often a plan is charged: MONTH, or 3 MONTH.
func billed(p dbsqlc.PlanTermListRow) string {
	if p.IntervalCount == 1 {
		return p.BillingInterval
	}
	return fmt.Sprint(p.IntervalCount, " ", p.BillingInterval)
}

// member finds what is in an object; dots lead into objects. A name with dots of its own is found
// first.
func member(object map[string]any, name string) any {
	if value, ok := object[name]; ok {
		return value
	}
	first, rest, dotted := strings.Cut(name, ".")
	inner, ok := object[first].(map[string]any)
	if !dotted || !ok {
		return nil
	}
	return member(inner, rest)
}

// text writes a value as a group's key; what is no single value is none.
func text(value any) *string {
	switch v := value.(type) {
	case string:
		return &v
	case json.Number:
		return new(v.String())
	case bool:
		return new(fmt.Sprint(v))
	}
	return nil
}
