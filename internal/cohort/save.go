package cohort

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

func (d *Draft) check() error {
	switch n := utf8.RuneCountInString(d.Name); {
	case n < 1 || n > maxName || !customer.Sendable(d.Name):
		return fault.Input("cohort.name", "A name of 1 to %d characters is needed.", maxName)
	case utf8.RuneCountInString(d.Description) > maxDescription || !customer.Sendable(d.Description):
		return fault.Input("cohort.description", "A description has at most %d characters.", maxDescription)
	case !slices.Contains(AllKinds(), d.Kind):
		return fault.Input("cohort.kind", "There is no such kind.")
	}
	return d.Condition.Check("cohort.condition")
}

// may refuses a condition to who may not read what it compares: whoever is let through would
// tell it.
func may(who access.Principal, c *Condition, field string) error {
	return c.walk(field, func(field string, leaf *Condition) error {
		for _, needs := range []struct {
			permission access.Permission
			of         bool
		}{{access.ReadPII, leaf.Personal()}, {access.ReadRevenue, leaf.Monetary()}} {
			if needs.of && !who.May(needs.permission) {
				return access.Lacking(needs.permission).In(field)
			}
		}
		return nil
	})
}

// change is a change of a tenant's cohorts that is under way.
type change struct {
	tx       pgx.Tx
	who      access.Principal
	cohorts  map[int64]Cohort
	currency string
}

// change lets fn change cohorts, when it is its turn.
func (s *Service) change(ctx context.Context, fn func(change) error) error {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return err
	}
	return s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		if err := dbsqlc.New().CohortTakeTurn(ctx, tx); err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		all, err := list(ctx, tx)
		if err != nil {
			return err
		}
		settings, err := dbsqlc.New().TenantGet(ctx, tx)
		if err != nil {
			return fmt.Errorf("read tenant: %w", err)
		}
		return fn(change{tx, who, all, settings.Currency})
	})
}

func list(ctx context.Context, tx pgx.Tx) (map[int64]Cohort, error) {
	rows, err := dbsqlc.New().CohortList(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("read cohorts: %w", err)
	}
	all := make(map[int64]Cohort, len(rows))
	for _, r := range rows {
		if all[r.CohortID], err = toCohort(dbsqlc.CohortListByIDsRow(r)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// fits checks what a condition asks for: money of the tenant's currency, and cohorts that there
// are, of which none asks for this one. A new one is 0.
func (c change) fits(id int64, condition *Condition, field string) error {
	if err := may(c.who, condition, field); err != nil {
		return err
	}
	return condition.walk(field, func(field string, leaf *Condition) error {
		if leaf.MRR != nil {
			leaf.MRR.Currency = c.currency
		}
		if leaf.Cohort == nil {
			return nil
		}
		field += ".cohort"
		if _, ok := c.cohorts[*leaf.Cohort]; !ok {
			return fault.Input(field, "There is no such cohort.")
		}
		if way := c.way(*leaf.Cohort, id); way != nil {
			return fault.Input(field, "The cohort would ask for itself: %s.", strings.Join(way, ", which asks for "))
		}
		return nil
	})
}

// way names the cohorts by which one asks for another; nil: it does not.
func (c change) way(from, to int64) []string {
	name := fmt.Sprintf("“%s”", c.cohorts[from].Name)
	if from == to {
		return []string{name}
	}
	for _, next := range c.cohorts[from].uses { // there is no circle among those that were saved
		if way := c.way(next, to); way != nil {
			return append([]string{name}, way...)
		}
	}
	return nil
}

// Create saves a new cohort, and has it found.
func (s *Service) Create(ctx context.Context, d Draft) (made Cohort, err error) {
	if err := d.check(); err != nil {
		return made, err
	}
	err = s.change(ctx, func(c change) error {
		if len(c.cohorts) >= maxCohorts {
			return fault.Input("cohort", "There are %d cohorts, and no more are kept. Delete one.", maxCohorts)
		}
		if err := c.fits(0, &d.Condition, "cohort.condition"); err != nil {
			return err
		}
		text, err := d.Condition.write()
		if err != nil {
			return err
		}
		id, err := dbsqlc.New().CohortInsert(ctx, c.tx, dbsqlc.CohortInsertParams{
			Kind: dbsqlc.CohortKind(d.Kind), Name: d.Name, Description: d.Description, Condition: text, Uses: d.Condition.uses(), CreatedBy: c.who.By(),
		})
		if err != nil {
			return fmt.Errorf("save cohort: %w", err)
		}
		if err := c.ask(ctx, id, 1, dbsqlc.CohortEvaluationReasonCREATED, &d.Condition); err != nil {
			return err
		}
		if made, err = c.saved(ctx, id); err != nil {
			return err
		}
		return audit.Write(ctx, c.tx, audit.Entry{Action: audit.CohortCreated, Target: target(id), After: told(made)})
	})
	return made, err
}

func (c change) saved(ctx context.Context, id int64) (Cohort, error) {
	found, err := byIDs(ctx, c.tx, []int64{id})
	return found[id], err
}

func (c change) ask(ctx context.Context, id int64, version int32, why dbsqlc.CohortEvaluationReason, condition *Condition) error {
	err := dbsqlc.New().CohortEvaluationAsk(ctx, c.tx, dbsqlc.CohortEvaluationAskParams{
		CohortID: id, Version: version, Reason: why, Leaves: int32(condition.leaves()),
	})
	if err != nil {
		return fmt.Errorf("ask for evaluation: %w", err)
	}
	return nil
}

// Change saves what a cohort is from then on, but for its kind. Where its condition is another
// one, it is found anew.
func (s *Service) Change(ctx context.Context, id int64, d Draft) (made Cohort, err error) {
	d.Kind = Dynamic // any
	if err := d.check(); err != nil {
		return made, err
	}
	err = s.change(ctx, func(c change) error {
		was, ok := c.cohorts[id]
		if !ok {
			return ErrNone
		}
		if err := c.fits(id, &d.Condition, "cohort.condition"); err != nil {
			return err
		}
		text, err := d.Condition.write()
		if err != nil {
			return err
		}
		version, err := dbsqlc.New().CohortUpdate(ctx, c.tx, dbsqlc.CohortUpdateParams{
			CohortID: id, Name: d.Name, Description: d.Description, Condition: text, Uses: d.Condition.uses(),
		})
		if err != nil {
			return fmt.Errorf("change cohort: %w", err)
		}
		if int(version) != was.Version {
			if err := c.renew(ctx, id, version, &d.Condition); err != nil {
				return err
			}
		}
		if made, err = c.saved(ctx, id); err != nil {
			return err
		}
		return audit.Write(ctx, c.tx, audit.Entry{Action: audit.CohortChanged, Target: target(id), Before: told(was), After: told(made)})
	})
	return made, err
}

// renew has a cohort found by another condition: what is under way for the one before is too late.
func (c change) renew(ctx context.Context, id int64, version int32, condition *Condition) error {
	n, err := dbsqlc.New().CohortEvaluationReset(ctx, c.tx, dbsqlc.CohortEvaluationResetParams{
		CohortID: id, Version: version, Reason: dbsqlc.CohortEvaluationReasonCHANGED, Leaves: int32(condition.leaves()),
	})
	if err != nil {
		return fmt.Errorf("begin evaluation anew: %w", err)
	}
	if n > 0 {
		return nil
	}
	return c.ask(ctx, id, version, dbsqlc.CohortEvaluationReasonCHANGED, condition)
}

// Delete gives a cohort up, unless another one asks for it.
func (s *Service) Delete(ctx context.Context, id int64) error {
	return s.change(ctx, func(c change) error {
		was, ok := c.cohorts[id]
		if !ok {
			return ErrNone
		}
		for _, other := range c.cohorts {
			if slices.Contains(other.uses, id) {
				return fault.Input("id", "The cohort “%s” asks for it.", other.Name)
			}
		}
		if err := dbsqlc.New().CohortRemove(ctx, c.tx, id); err != nil {
			return fmt.Errorf("delete cohort: %w", err)
		}
		why := "The cohort was deleted."
		if err := dbsqlc.New().CohortEvaluationDrop(ctx, c.tx, dbsqlc.CohortEvaluationDropParams{CohortID: id, Error: &why}); err != nil {
			return fmt.Errorf("end evaluation: %w", err)
		}
		return audit.Write(ctx, c.tx, audit.Entry{Action: audit.CohortRemoved, Target: target(id), Before: told(was)})
	})
}

// Ask has a cohort found now; one that is being found already is not asked for again. One that
// keeps its members is found once.
func (s *Service) Ask(ctx context.Context, id int64) (of Cohort, err error) {
	err = s.change(ctx, func(c change) error {
		var ok bool
		if of, ok = c.cohorts[id]; !ok {
			return ErrNone
		}
		if of.Kind == Static && of.EvaluatedAt != nil {
			return fault.Input("id", "A static cohort keeps its members.")
		}
		if err := c.ask(ctx, id, int32(of.Version), dbsqlc.CohortEvaluationReasonASKED, &of.Condition); err != nil {
			return err
		}
		return audit.Write(ctx, c.tx, audit.Entry{Action: audit.CohortAsked, Target: target(id)})
	})
	return of, err
}

func target(id int64) audit.Target { return audit.Target{Type: "cohort", ID: fmt.Sprint(id)} }

// told is what the audit keeps of a cohort. Of a condition that names what is known of people
// there is no more than that it was changed.
func told(c Cohort) any {
	kept := map[string]any{"name": c.Name, "kind": c.Kind, "version": c.Version}
	if !c.Condition.Personal() {
		kept["condition"] = &c.Condition
	}
	return kept
}
