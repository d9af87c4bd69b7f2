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
	var out outcasts
	out.add(source, items, verdicts, findings)
	if len(out.found) == 0 {
		return findings, nil
	}
	if err := w.app.InTenant(ctx, id, func(tx pgx.Tx) error { return out.keep(ctx, tx) }); err != nil {
		return nil, fmt.Errorf("set %d events aside: %w", len(out.aside), err)
	}
	return findings, nil
}

// outcasts are events that the plan keeps out, of one tenant.
type outcasts struct {
	found []registry.Found
	aside []registry.Held
	held  []heldVerdict // of those that are put aside
}

// heldVerdict is a verdict that stands if there is room.
type heldVerdict struct {
	of      *Verdict
	verdict Verdict
}

// add gives the items that the plan keeps out their verdicts.
func (o *outcasts) add(source string, items []Item, verdicts []Verdict, findings []registry.Finding) {
	for i := range findings {
		action := findings[i].Action
		if items[i].Problem != nil || action != registry.Reject && action != registry.Quarantine {
			continue
		}
		o.found = append(o.found, registry.Found{Type: items[i].Type, MessageID: items[i].MessageID, Violations: findings[i].Violations})
		verdicts[i] = keptOut(&items[i].Incoming, findings[i])
		if action == registry.Quarantine {
			o.aside = append(o.aside, parcelOf(&items[i].Incoming, source, verdicts[i], findings[i]))
			o.held = append(o.held, heldVerdict{&verdicts[i], verdicts[i]})
		}
	}
}

// keep keeps the events that are put aside and counts what was found, before anybody is told of
// it. Those that find no room are rejected.
func (o *outcasts) keep(ctx context.Context, tx pgx.Tx) (err error) {
	if len(o.found) == 0 {
		return nil
	}
	kept := 0
	if len(o.aside) > 0 {
		if kept, err = registry.Hold(ctx, tx, o.aside); err != nil {
			return err
		}
	}
	for i, h := range o.held {
		*h.of = h.verdict
		if i >= kept {
			*h.of = rejected(h.verdict.MessageID, fault.Input("event", "It is against the tracking plan, and the quarantine is full."))
		}
	}
	return registry.CountViolations(ctx, tx, o.found)
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
