package event

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/registry"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// maxWarnings is how many warnings one verdict carries.
const maxWarnings = 20

// inspect holds the items against the tenant's plan. Those that it keeps out get their
// verdicts; of the others it returns what was found, nil if there is no plan.
func (w *Writer) inspect(ctx context.Context, id tenant.ID, source string, items []Item, verdicts []Verdict) ([]registry.Finding, error) {
	findings, err := w.find(ctx, id, items)
	if err != nil || findings == nil {
		return nil, err
	}
	var aside []registry.Held
	var held []int // the items that are put aside, by place
	var found []registry.Found
	for i := range items {
		action := findings[i].Action
		if items[i].Problem != nil || action != registry.Reject && action != registry.Quarantine {
			continue
		}
		found = append(found, registry.Found{Type: items[i].Type, MessageID: items[i].MessageID, Violations: findings[i].Violations})
		verdicts[i] = keptOut(&items[i].Incoming, findings[i])
		if action == registry.Quarantine {
			aside, held = append(aside, parcelOf(&items[i].Incoming, source, verdicts[i], findings[i])), append(held, i)
		}
	}
	if len(found) == 0 {
		return findings, nil
	}
	kept, err := w.setAside(ctx, id, aside, found)
	if err != nil {
		return nil, err
	}
	for _, i := range held[kept:] {
		verdicts[i] = rejected(items[i].MessageID, fault.Input("event", "It is against the tracking plan, and the quarantine is full."))
	}
	return findings, nil
}

// find checks the items, without doing anything about it; nil if there is no plan.
func (w *Writer) find(ctx context.Context, id tenant.ID, items []Item) ([]registry.Finding, error) {
	if !anyFit(items) {
		return nil, nil
	}
	rules, err := w.plans.Of(ctx, id)
	if err != nil || rules == nil {
		return nil, err
	}
	findings := make([]registry.Finding, len(items))
	for i := range items {
		if items[i].Problem == nil {
			findings[i] = rules.Check(subject(&items[i].Incoming))
		}
	}
	return findings, nil
}

func anyFit(items []Item) bool {
	for i := range items {
		if items[i].Problem == nil {
			return true
		}
	}
	return false
}

// keptOut is the verdict on an event that the plan keeps out.
func keptOut(e *Incoming, f registry.Finding) Verdict {
	first := f.Violations[0]
	v := Verdict{MessageID: e.MessageID, Status: Rejected, Field: first.Field(holder(e.Type)), Reason: first.Reason()}
	if f.Action == registry.Quarantine {
		v.Status = Quarantined
	}
	if len(f.Violations) > 1 {
		v.Warnings = warnings(e.Type, f.Violations[1:])
	}
	return v
}

func warnings(eventType string, violations []registry.Violation) (list []Warning) {
	for _, v := range violations[:min(len(violations), maxWarnings)] {
		list = append(list, Warning{Field: v.Field(holder(eventType)), Reason: v.Reason()})
	}
	return list
}

// warn adds what was found to the verdicts on events that were taken all the same.
func warn(items []Item, verdicts []Verdict, findings []registry.Finding) {
	for i := range findings {
		if verdicts[i].Status == Accepted && len(findings[i].Violations) > 0 {
			verdicts[i].Warnings = append(verdicts[i].Warnings, warnings(items[i].Type, findings[i].Violations)...)
		}
	}
}

// setAside keeps the events and counts what was found, before anybody is told of it. It
// returns how many of the events found room.
func (w *Writer) setAside(ctx context.Context, id tenant.ID, aside []registry.Held, found []registry.Found) (kept int, err error) {
	err = w.app.InTenant(ctx, id, func(tx pgx.Tx) error {
		if len(aside) > 0 {
			if kept, err = registry.Hold(ctx, tx, aside); err != nil {
				return err
			}
		}
		return registry.CountViolations(ctx, tx, found)
	})
	if err != nil {
		return 0, fmt.Errorf("set %d events aside: %w", len(aside), err)
	}
	return kept, nil
}
