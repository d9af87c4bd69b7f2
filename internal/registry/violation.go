package registry

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Found is an event that was found to be against the plan.
type Found struct {
	Type       string
	MessageID  string
	Violations []Violation
}

func violationsOf(observations []Observation) (found []Found) {
	for i := range observations {
		if o := &observations[i]; len(o.Finding.Violations) > 0 {
			found = append(found, Found{o.Type, o.MessageID, o.Finding.Violations})
		}
	}
	return found
}

// violationKey is what violations are counted by.
type violationKey struct {
	eventType, property string
	rule                Rule
}

func keyOf(eventType string, v Violation) violationKey {
	if utf8.RuneCountInString(v.Property) > maxName {
		v.Property = ""
	}
	return violationKey{eventType, v.Property, v.Rule}
}

// CountViolations counts what was found against the plan, as far as there is room for it.
func CountViolations(ctx context.Context, tx pgx.Tx, found []Found) error {
	if len(found) == 0 {
		return nil
	}
	p := violationParams(found)
	rows, err := dbsqlc.New().PlanViolationObserve(ctx, tx, p)
	if err != nil {
		return fmt.Errorf("count violations: %w", err)
	}
	if len(rows) == len(p.Types) {
		return nil
	}
	recorded := map[violationKey]bool{}
	for _, r := range rows {
		recorded[violationKey{r.Type, r.Property, Rule(r.Rule)}] = true
	}
	var unrecorded int64
	for i := range p.Types {
		if !recorded[violationKey{p.Types[i], p.Properties[i], Rule(p.Rules[i])}] {
			unrecorded += p.Volumes[i]
		}
	}
	return addUnrecorded(ctx, tx, 0, unrecorded)
}

// violationParams groups what was found, as parallel lists.
func violationParams(found []Found) dbsqlc.PlanViolationObserveParams {
	p := dbsqlc.PlanViolationObserveParams{Most: maxViolations}
	index := map[violationKey]int{}
	for _, f := range found {
		for _, v := range f.Violations {
			key := keyOf(f.Type, v)
			i, ok := index[key]
			if !ok {
				i = len(p.Types)
				index[key] = i
				p.Types = append(p.Types, key.eventType)
				p.Properties = append(p.Properties, key.property)
				p.Rules = append(p.Rules, string(key.rule))
				p.Volumes = append(p.Volumes, 0)
				p.MessageIds = append(p.MessageIds, f.MessageID)
			}
			p.Volumes[i]++
			p.MessageIds[i] = f.MessageID
		}
	}
	return p
}
