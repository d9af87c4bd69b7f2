package metric_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// A plain recount in Go of anything that can be measured of single events: what they have, what
// filters let through, whose they are, and what is known of people and accounts.

// fact is an event with all that it can be told by.
type fact struct {
	happened
	source     string
	properties map[string]any
	context    map[string]any
	traits     map[string]any // said of whoever did it, or of the account
}

// past is what was known once: the facts that had come, in that order, and who had been merged.
type past struct {
	facts  []fact
	merged map[string]string // from one user into another
}

// model answers from what is known, as one caller sees it.
type model struct {
	past
	now    past // what is known now: traits are told by it
	see    func(fact) bool
	people func(traits map[string]any) bool
	groups func(name string, traits map[string]any) bool
}

func (p past) happened() []happened {
	list := make([]happened, len(p.facts))
	for i, f := range p.facts {
		list[i] = f.happened
	}
	return list
}

// persons gives whoever did each of the facts.
func (p past) persons(facts []fact) map[string]string {
	owner, of := owners(p.happened()), map[string]string{}
	for _, f := range facts {
		who := doer(f.happened, owner)
		for p.merged[who] != "" {
			who = p.merged[who]
		}
		of[f.id] = who
	}
	return of
}

// said gives what was said last, by whom it was said of.
func said(facts []fact, of func(fact) string) map[string]map[string]any {
	byTime := slices.SortedFunc(slices.Values(facts), func(a, b fact) int { return a.at.Compare(b.at) })
	known := map[string]map[string]any{}
	for _, f := range byTime {
		if whom := of(f); whom != "" && f.traits != nil {
			if known[whom] == nil {
				known[whom] = map[string]any{}
			}
			maps.Copy(known[whom], f.traits)
		}
	}
	return known
}

// told are facts with all that is known of them.
type told struct {
	fact
	person  string
	user    map[string]any
	account map[string]any
}

// tell lists what the caller sees of a measure's events.
func (m model) tell() []told {
	then, now := m.persons(m.facts), m.now.persons(m.now.facts)
	users := said(m.now.facts, func(f fact) string {
		if f.kind != event.Identify {
			return ""
		}
		return now[f.id]
	})
	accounts := said(m.now.facts, func(f fact) string {
		if f.kind != event.Group {
			return ""
		}
		return f.group
	})
	var list []told
	for _, f := range m.facts {
		if !m.see(f) {
			continue
		}
		t := told{fact: f, person: then[f.id]}
		if traits := users[now[f.id]]; now[f.id] != "" && m.people(traits) {
			t.user = traits
		}
		if f.group != "" && m.groups(f.group, accounts[f.group]) {
			t.account = accounts[f.group]
		}
		list = append(list, t)
	}
	return list
}

// get finds a dimension's value; false: there is none, or a null.
func (t told) get(d metric.Dimension) (any, bool) {
	var at any
	switch d.Kind {
	case metric.ByType:
		return t.kind, true
	case metric.BySource:
		return t.source, true
	case metric.ByAccount:
		return t.group, t.group != ""
	case metric.ByProperty:
		at = t.properties
	case metric.ByContext:
		at = t.context
	case metric.ByUserTrait:
		at = t.user
	case metric.ByAccountTrait:
		at = t.account
	}
	for _, name := range strings.Split(d.Name, ".") {
		object, _ := at.(map[string]any)
		at = object[name]
	}
	return at, at != nil
}

// key is a dimension's value as text.
func (t told) key(d metric.Dimension) *string {
	v, ok := t.get(d)
	if !ok {
		return nil
	}
	if text, is := v.(string); is {
		return &text
	}
	text, _ := json.Marshal(v)
	written := strings.ReplaceAll(strings.ReplaceAll(string(text), `":`, `": `), ",", ", ") // as PostgreSQL does
	return &written
}

// holds is 1 where a filter holds, -1 where it does not, and 0 where that cannot be told.
func (t told) holds(f *metric.Filter) int {
	if f == nil {
		return 1
	}
	result := 1
	switch {
	case f.Is != nil:
		return t.meets(f.Is)
	case f.Not != nil:
		return -t.holds(f.Not)
	case f.Or != nil:
		result = -1
		for i := range f.Or {
			result = max(result, t.holds(&f.Or[i]))
		}
		return result
	}
	for i := range f.And {
		result = min(result, t.holds(&f.And[i]))
	}
	return result
}

func (t told) meets(c *metric.Condition) int {
	sure := map[bool]int{true: 1, false: -1}
	v, set := t.get(c.Dimension)
	switch {
	case c.Operator == metric.IsSet:
		return sure[set]
	case c.Operator == metric.IsNotSet:
		return sure[!set]
	case !set:
		return 0
	case c.Operator == metric.NotEquals:
		return sure[!slices.ContainsFunc(c.Values, func(w any) bool { return order(v, w) == "=" })]
	}
	return sure[slices.ContainsFunc(c.Values, func(w any) bool { return meets(c.Operator, v, w) })]
}

func meets(o metric.Operator, v, w any) bool {
	text, isText := v.(string)
	part, _ := w.(string)
	text, part = strings.ToLower(text), strings.ToLower(part)
	switch o {
	case metric.Contains:
		return isText && strings.Contains(text, part)
	case metric.StartsWith:
		return isText && strings.HasPrefix(text, part)
	}
	return strings.Contains(map[metric.Operator]string{
		metric.Equals: "=", metric.GreaterThan: ">", metric.AtLeast: ">=", metric.LessThan: "<", metric.AtMost: "<=",
	}[o], cmp.Or(order(v, w), "?"))
}

// order compares two values of one kind: "<", "=" or ">"; those of different kinds have none.
func order(v, w any) string {
	sign := func(n int) string { return []string{"<", "=", ">"}[n+1] }
	a, isNumber := number(v)
	b, both := number(w)
	if isNumber && both {
		return sign(a.Cmp(b))
	}
	switch v := v.(type) {
	case string:
		if w, ok := w.(string); ok {
			return sign(strings.Compare(v, w))
		}
	case bool:
		if v == w {
			return "="
		}
	}
	return ""
}

func number(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case int:
		return new(big.Rat).SetInt64(int64(v)), true
	case float64:
		return new(big.Rat).SetFloat64(v), true
	case json.Number:
		return new(big.Rat).SetString(v.String())
	}
	return nil, false
}

// figure recounts a measure, or the new users of all of them, over some of what is told in a
// stretch of time; false: there is no value.
func figure(m metric.Measure, list []told, from, to time.Time) (float64, bool) {
	users, accounts, n := map[string]bool{}, map[string]bool{}, 0
	var numbers []*big.Rat
	for _, t := range list {
		if t.at.Before(from) || !t.at.Before(to) || !counts(m, t) {
			continue
		}
		n++
		users[t.person], accounts[t.group] = true, true
		if v, ok := t.get(metric.Dimension{Kind: metric.ByProperty, Name: m.Property}); ok && m.Property != "" {
			if number, ok := number(v); ok {
				numbers = append(numbers, number)
			}
		}
	}
	delete(users, "")
	delete(accounts, "")
	switch m.Aggregation {
	case metric.Count:
		return float64(n), n > 0
	case metric.UniqueUsers:
		return float64(len(users)), len(users) > 0
	case metric.UniqueAccounts:
		return float64(len(accounts)), len(accounts) > 0
	}
	return ofNumbers(m, numbers), len(numbers) > 0
}

func counts(m metric.Measure, t told) bool {
	unique := m.Aggregation == metric.UniqueUsers || m.Aggregation == metric.UniqueAccounts
	if m.Types == nil && unique && !event.IsActivity(t.kind) {
		return false
	}
	return (m.Types == nil || slices.Contains(m.Types, t.kind)) && t.holds(m.Filter) > 0
}

func ofNumbers(m metric.Measure, numbers []*big.Rat) float64 {
	if len(numbers) == 0 {
		return 0
	}
	slices.SortFunc(numbers, (*big.Rat).Cmp)
	sum := new(big.Rat)
	for _, n := range numbers {
		sum.Add(sum, n)
	}
	float := func(n *big.Rat) float64 { f, _ := n.Float64(); return f }
	switch m.Aggregation {
	case metric.Average:
		return float(sum.Quo(sum, new(big.Rat).SetInt64(int64(len(numbers)))))
	case metric.Minimum:
		return float(numbers[0])
	case metric.Maximum:
		return float(numbers[len(numbers)-1])
	case metric.Percentile:
		place := m.Percentile * float64(len(numbers)-1)
		below := int(place)
		low, high := float(numbers[below]), float(numbers[min(below+1, len(numbers)-1)])
		return low + (place-float64(below))*(high-low)
	}
	return float(sum)
}

// firsts are the first activities of everybody's life that a filter lets through.
func firsts(list []told, filter *metric.Filter) (first []told) {
	seen := map[string]bool{}
	for _, t := range slices.SortedFunc(slices.Values(list), func(a, b told) int { return a.at.Compare(b.at) }) {
		if t.person != "" && event.IsActivity(t.kind) && t.holds(filter) > 0 && !seen[t.person] {
			seen[t.person] = true
			first = append(first, t)
		}
	}
	return first
}

// everybody sees everything.
func everybody(p, now past) model {
	all := func(map[string]any) bool { return true }
	return model{p, now, func(fact) bool { return true }, all, func(_ string, t map[string]any) bool { return all(t) }}
}

var reader = access.Of(access.ReadMetrics, access.ReadPII)
