package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// cohortDraft reads what is to be saved.
func cohortDraft(in model.CohortInput) (cohort.Draft, error) {
	condition, err := cohortCondition(in.Condition, "cohort.condition")
	return cohort.Draft{Name: in.Name, Description: in.Description, Condition: condition}, err
}

// cohortCondition reads a condition. What is wrong with its shape is told by the service.
func cohortCondition(in *model.CohortConditionInput, field string) (c cohort.Condition, err error) {
	if c.And, err = cohortConditions(in.And, field+".and"); err != nil {
		return c, err
	}
	if c.Or, err = cohortConditions(in.Or, field+".or"); err != nil {
		return c, err
	}
	if in.Not != nil {
		not, err := cohortCondition(in.Not, field+".not")
		if err != nil {
			return c, err
		}
		c.Not = &not
	}
	if in.Cohort != nil {
		id, err := numberOf(cohortNode, field+".cohort", *in.Cohort)
		if err != nil {
			return c, err
		}
		c.Cohort = &id
	}
	if in.FirstSeen != nil {
		c.FirstSeen = new(cohortWindow(in.FirstSeen))
	}
	if in.Mrr != nil {
		c.MRR = &cohort.Amount{Operator: in.Mrr.Operator, Amount: in.Mrr.Amount}
	}
	c.Plan, c.Health = in.Plan, in.Health
	return c, cohortLeaf(&c, in, field)
}

func cohortConditions(in []model.CohortConditionInput, field string) ([]cohort.Condition, error) {
	if in == nil {
		return nil, nil
	}
	list := make([]cohort.Condition, len(in))
	for i := range in {
		var err error
		if list[i], err = cohortCondition(&in[i], fmt.Sprintf("%s[%d]", field, i)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// cohortLeaf reads what compares values.
func cohortLeaf(c *cohort.Condition, in *model.CohortConditionInput, field string) (err error) {
	if t := in.Trait; t != nil {
		c.Trait = &metric.Condition{Dimension: metric.Dimension{Kind: t.Of, Name: t.Name}, Operator: t.Operator}
		if c.Trait.Values, err = valuesOf(t.Values, field+".trait"); err != nil {
			return err
		}
	}
	if d := in.Did; d != nil {
		c.Did = &cohort.Did{Events: cohort.Events{Types: d.Types}, Times: d.Times, Count: d.Count}
		if d.Within != nil {
			c.Did.Within = cohortWindow(d.Within)
		}
		if c.Did.Filter, err = metricFilter(d.Filter, field+".did.filter"); err != nil {
			return err
		}
	}
	if s := in.Stopped; s != nil {
		c.Stopped = &cohort.Stopped{Events: cohort.Events{Types: s.Types}, Last: metric.Last{Count: s.Last.Count, Interval: s.Last.Interval}}
		c.Stopped.Filter, err = metricFilter(s.Filter, field+".stopped.filter")
	}
	return err
}

func cohortWindow(in *model.CohortWindowInput) cohort.Window {
	w := cohort.Window{From: in.From, To: in.To}
	if in.Last != nil {
		w.Last = &metric.Last{Count: in.Last.Count, Interval: in.Last.Interval}
	}
	return w
}

// shownCondition hides a condition from who may not read what it compares.
func shownCondition(ctx context.Context, c *cohort.Condition) *model.CohortCondition {
	who, _ := access.From(ctx)
	if c.Personal() && !who.May(access.ReadPII) || c.Monetary() && !who.May(access.ReadRevenue) {
		return nil
	}
	return toCondition(c)
}

func toCondition(c *cohort.Condition) *model.CohortCondition {
	if c == nil {
		return nil
	}
	out := &model.CohortCondition{And: toConditions(c.And), Or: toConditions(c.Or), Not: toCondition(c.Not), Plan: c.Plan, Health: c.Health}
	if t := c.Trait; t != nil {
		out.Trait = &model.CohortTrait{Of: t.Dimension.Kind, Name: t.Dimension.Name, Operator: t.Operator, Values: toValues(t.Values)}
	}
	if d := c.Did; d != nil {
		out.Did = &model.CohortDid{Types: d.Types, Filter: toFilter(d.Filter), Times: d.Times, Count: d.Count, Within: toWindow(d.Within)}
	}
	if s := c.Stopped; s != nil {
		out.Stopped = &model.CohortStopped{Types: s.Types, Filter: toFilter(s.Filter), Last: toLast(&s.Last)}
	}
	if c.FirstSeen != nil {
		out.FirstSeen = &model.CohortWindow{From: c.FirstSeen.From, To: c.FirstSeen.To, Last: toLast(c.FirstSeen.Last)}
	}
	if c.Cohort != nil {
		out.Cohort = &cohort.Cohort{ID: *c.Cohort} // looked up if it is asked for
	}
	if m := c.MRR; m != nil {
		out.Mrr = &model.CohortMrr{Operator: m.Operator, Amount: &metric.Money{Amount: int(m.Amount), Currency: m.Currency}}
	}
	return out
}

func toConditions(list []cohort.Condition) []model.CohortCondition {
	if list == nil {
		return nil
	}
	out := make([]model.CohortCondition, len(list))
	for i := range list {
		out[i] = *toCondition(&list[i])
	}
	return out
}

// toWindow writes when something was done; nil: ever.
func toWindow(w cohort.Window) *model.CohortWindow {
	if w == (cohort.Window{}) {
		return nil
	}
	return &model.CohortWindow{From: w.From, To: w.To, Last: toLast(w.Last)}
}

func toLast(last *metric.Last) *model.LastSteps {
	if last == nil {
		return nil
	}
	return &model.LastSteps{Count: last.Count, Interval: last.Interval}
}

func toFilter(f *metric.Filter) *model.Filter {
	if f == nil {
		return nil
	}
	out := &model.Filter{And: toFilters(f.And), Or: toFilters(f.Or), Not: toFilter(f.Not)}
	if f.Is != nil {
		out.Dimension, out.Operator, out.Values = &f.Is.Dimension, &f.Is.Operator, toValues(f.Is.Values)
	}
	return out
}

func toFilters(list []metric.Filter) []model.Filter {
	if list == nil {
		return nil
	}
	out := make([]model.Filter, len(list))
	for i := range list {
		out[i] = *toFilter(&list[i])
	}
	return out
}

// toValues writes values as they were given.
func toValues(values []any) []json.RawMessage {
	out := make([]json.RawMessage, len(values))
	for i, v := range values {
		text, err := json.Marshal(v)
		if err != nil {
			text = []byte("null") // there is none: nothing else passes the check
		}
		out[i] = text
	}
	return out
}

// findCohort finds a cohort, together with others that are asked for.
func findCohort(ctx context.Context, id int64) (*cohort.Cohort, error) {
	return existing(loader.From(ctx).Cohort.Load(ctx, id)())
}

func cohortKey(c *cohort.Cohort) string { return decimal(c.ID) }

func (r *Resolver) cohortEvaluations(ctx context.Context, of int64, first int, after *string) (*model.CohortEvaluationConnection, error) {
	key, err := numberKey(of, first, after)
	if err != nil {
		return nil, err
	}
	page, err := loader.From(ctx).CohortEvaluations.Load(ctx, key)()
	c := &model.CohortEvaluationConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.CohortEvaluationEdge](ctx, page.Items, page.More, after,
		func(e *cohort.Evaluation) string { return decimal(e.ID) })
	return c, err
}

func (r *Resolver) cohortMembers(ctx context.Context, of int64, first int, after *string, at *time.Time) (*model.CohortMemberConnection, error) {
	place, err := placeOrStart(after, parseNumber)
	if err != nil {
		return nil, err
	}
	key := loader.PageKey[cohort.MemberPlace]{Of: of, First: first, After: cohort.MemberPlace{After: place}}
	if at != nil {
		key.After.At = cohort.Instant{Micros: at.UnixMicro()}
	}
	page, err := loader.From(ctx).CohortMembers.Load(ctx, key)()
	c := &model.CohortMemberConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.CohortMemberEdge](ctx, page.Items, page.More, after,
		func(m *cohort.Member) string { return decimal(m.ID) })
	return c, err
}

func (r *Resolver) cohortChanges(ctx context.Context, of int64, first int, after *string) (*model.CohortChangeConnection, error) {
	place, err := placeOrStart(after, parseCohortChange)
	if err != nil {
		return nil, err
	}
	page, err := loader.From(ctx).CohortChanges.Load(ctx, loader.PageKey[cohort.ChangePlace]{Of: of, First: first, After: place})()
	c := &model.CohortChangeConnection{}
	c.Edges, c.Nodes, c.PageInfo = connect[model.CohortChangeEdge](ctx, page.Items, page.More, after,
		func(ch *cohort.Change) string { return cohortChangeKey(ch.ChangePlace) })
	return c, err
}

// cohortChangeKey writes where a change stands: instant, whether it is an entry, and of whom.
func cohortChangeKey(p cohort.ChangePlace) string {
	return fmt.Sprintf("%d.%t.%d", p.At.Micros, p.Entered, p.Identity)
}

func parseCohortChange(key string) (p cohort.ChangePlace, ok bool) {
	parts := strings.Split(key, ".")
	if len(parts) != 3 {
		return p, false
	}
	micros, ok := parseNumber(parts[0])
	entered, err := strconv.ParseBool(parts[1])
	identity, ok2 := parseNumber(parts[2])
	p = cohort.ChangePlace{At: cohort.Instant{Micros: micros}, Entered: entered, Identity: identity}
	at := time.UnixMicro(micros).UTC()
	return p, ok && ok2 && err == nil && cohortChangeKey(p) == key && at.Year() >= 2000 && at.Year() <= 9999
}

// shownPeople looks up whom a preview names, in its order.
func shownPeople(ctx context.Context, ids []int64) ([]customer.Person, error) {
	found, errs := loader.From(ctx).Person.LoadMany(ctx, ids)()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	people := []customer.Person{}
	for _, p := range found {
		if p != nil {
			people = append(people, *p)
		}
	}
	return people, nil
}

// orNoneOf is a list that is never null.
func orNoneOf[T any](list *[]T) []T {
	if list == nil {
		return []T{}
	}
	return *list
}
