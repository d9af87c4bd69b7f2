package registry

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

const (
	maxPlanBytes    = 512 << 10
	previewPage     = 500    // events that are read at once
	previewMost     = 10_000 // events that a preview looks at
	maxPreviewDays  = 31
	previewPatience = 10 * time.Second
)

var errNoVersion = fault.New(fault.NotFound, "The tracking plan has no such version.").In("version")

func planSpans(id tenant.ID) []topic.Span { return []topic.Span{only(id, topic.Plan)} }

// CurrentPlan gives the plan that holds; nil: there is none.
func (s *Service) CurrentPlan(ctx context.Context) (v *Version, err error) {
	err = s.read(ctx, planSpans, func(tx pgx.Tx) error {
		v, err = currentVersion(ctx, tx)
		return err
	})
	return v, err
}

// PlanVersion finds a version of the plan, or NOT_FOUND.
func (s *Service) PlanVersion(ctx context.Context, number int) (found *Version, err error) {
	if number < 1 || number > math.MaxInt32 {
		return nil, errNoVersion
	}
	err = s.read(ctx, planSpans, func(tx pgx.Tx) error {
		row, err := dbsqlc.New().TrackingPlanGet(ctx, tx, int32(number))
		if errors.Is(err, pgx.ErrNoRows) {
			return errNoVersion
		}
		if err != nil {
			return fmt.Errorf("read version of the plan: %w", err)
		}
		list, err := versionsOf(ctx, tx, []dbsqlc.TrackingPlanPageRow{dbsqlc.TrackingPlanPageRow(row)})
		if err == nil {
			found = &list[0]
		}
		return err
	})
	return found, err
}

// PlanVersions lists the versions, the newest first, from the one before a number on.
func (s *Service) PlanVersions(ctx context.Context, first, beforeNumber int) (page PageOf[Version], err error) {
	if err := checkFirst(first); err != nil {
		return page, err
	}
	if beforeNumber == 0 {
		beforeNumber = math.MaxInt32
	}
	err = s.read(ctx, planSpans, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().TrackingPlanPage(ctx, tx, dbsqlc.TrackingPlanPageParams{Before: int32(beforeNumber), Most: int64(first) + 1})
		if err != nil {
			return fmt.Errorf("read page of plans: %w", err)
		}
		list, err := versionsOf(ctx, tx, rows)
		if err != nil {
			return err
		}
		page = cut(list, first)
		total, err := dbsqlc.New().TrackingPlanCount(ctx, tx)
		page.Total = int(total)
		return err
	})
	return page, err
}

func versionsOf(ctx context.Context, tx pgx.Tx, rows []dbsqlc.TrackingPlanPageRow) ([]Version, error) {
	current, err := dbsqlc.New().TrackingPlanVersion(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("read current version: %w", err)
	}
	list := make([]Version, len(rows))
	for i, row := range rows {
		if list[i], err = versionOf(row); err != nil {
			return nil, err
		}
		list[i].Current = row.Version == current
	}
	return list, nil
}

// Save makes the plan a new version, which holds from then on: here at once, on other
// servers within a second. basedOn, if it is given, is the version that it was made from;
// if that is no longer the current one, nothing is saved.
func (s *Service) Save(ctx context.Context, plan Plan, basedOn *int) (*Version, error) {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return nil, err
	}
	document, err := documentOf(&plan)
	if err != nil {
		return nil, err
	}
	var saved Version
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		row, err := save(ctx, tx, who, &plan, document, basedOn)
		if err != nil {
			return err
		}
		saved, err = versionOf(dbsqlc.TrackingPlanPageRow(row))
		saved.Current = true
		return err
	})
	if err != nil {
		return nil, err
	}
	s.plans.Changed(who.Tenant)
	return &saved, nil
}

func documentOf(plan *Plan) ([]byte, error) {
	if _, problem := NewRules(plan, 0); problem != nil {
		return nil, problem
	}
	document, err := json.Marshal(plan)
	if err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	if len(document) > maxPlanBytes {
		return nil, fault.Newf(fault.TooLarge, "A plan has at most %d bytes.", maxPlanBytes).In("plan")
	}
	return document, nil
}

// save waits for its turn among the tenant's writers, so that no batch that knew the plan
// before takes samples of what this one calls personal after they were forgotten.
func save(ctx context.Context, tx pgx.Tx, who access.Principal, plan *Plan, document []byte, basedOn *int) (row dbsqlc.TrackingPlanInsertRow, err error) {
	queries := dbsqlc.New()
	if _, err := queries.EventTakeTurn(ctx, tx); err != nil {
		return row, fmt.Errorf("take turn: %w", err)
	}
	current, err := queries.TrackingPlanVersion(ctx, tx)
	if err != nil {
		return row, fmt.Errorf("read current version: %w", err)
	}
	if basedOn != nil && *basedOn != int(current) {
		return row, fault.Input("basedOn", "The current version is another one: %d.", current)
	}
	types, names := plan.personal()
	if _, err := queries.EventPropertyForgetSamplesOf(ctx, tx, dbsqlc.EventPropertyForgetSamplesOfParams{Types: types, Names: names}); err != nil {
		return row, fmt.Errorf("forget samples of personal properties: %w", err)
	}
	row, err = queries.TrackingPlanInsert(ctx, tx, dbsqlc.TrackingPlanInsertParams{Version: current + 1, Plan: document, SavedBy: who.By()})
	if err != nil {
		return row, fmt.Errorf("insert plan: %w", err)
	}
	// What a version says stays in its row; the log says which followed which.
	return row, audit.Write(ctx, tx, audit.Entry{
		Action: audit.PlanSaved, Target: audit.Target{Type: "plan", ID: fmt.Sprint(row.Version)},
		Before: map[string]int32{"version": current},
		After:  map[string]any{"version": row.Version, "events": len(plan.Events), "sha256": fmt.Sprintf("%x", sha256.Sum256(document))},
	})
}

// Preview is what a plan would have made of events that are stored.
type Preview struct {
	Since      time.Time
	Checked    int
	Violating  int
	Complete   bool // every stored event since then was looked at
	Violations []PreviewedViolation
}

// PreviewedViolation is how often one rule would have been broken.
type PreviewedViolation struct {
	EventType string
	Property  *string
	Rule      Rule
	Count     int
	MessageID string // of one of the events
}

// Preview holds the latest events against a plan that nobody has saved.
func (s *Service) Preview(ctx context.Context, plan Plan, days int) (*Preview, error) {
	if days < 1 || days > maxPreviewDays {
		return nil, fault.Input("days", "Between 1 and %d are allowed.", maxPreviewDays)
	}
	rules, problem := NewRules(&plan, 0)
	if problem != nil {
		return nil, problem
	}
	ctx, cancel := context.WithTimeout(ctx, previewPatience)
	defer cancel()
	p := previewing{rules: rules, index: map[violationKey]int{}}
	err := s.read(ctx, observedSpans, func(tx pgx.Tx) error {
		now, err := dbsqlc.New().EventClock(ctx, tx)
		if err != nil {
			return fmt.Errorf("read clock: %w", err)
		}
		p.Since = now.UTC().AddDate(0, 0, -days)
		return p.run(ctx, tx)
	})
	return &p.Preview, err
}

// previewing is a preview on its way.
type previewing struct {
	Preview
	rules *Rules
	index map[violationKey]int
}

func (p *previewing) run(ctx context.Context, tx pgx.Tx) error {
	params := dbsqlc.TrackingPlanSampleParams{
		Since: p.Since, BeforeAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), BeforeID: math.MaxInt64, Most: previewPage,
	}
	p.Violations = []PreviewedViolation{}
	for p.Checked < previewMost {
		rows, err := dbsqlc.New().TrackingPlanSample(ctx, tx, params)
		if err != nil {
			return fmt.Errorf("read events to preview: %w", err)
		}
		for i := range rows {
			p.check(&rows[i])
		}
		if len(rows) < previewPage {
			p.Complete = true
			return nil
		}
		last := rows[len(rows)-1]
		params.BeforeAt, params.BeforeID = last.OccurredAt, last.EventID
	}
	return nil
}

func (p *previewing) check(row *dbsqlc.TrackingPlanSampleRow) {
	s := Subject{Type: row.Type}
	if p.rules.Plans(row.Type) {
		s.Members, s.Object = Shape(row.Properties), row.Properties
	}
	found := p.rules.Check(s).Violations
	p.Checked++
	if len(found) > 0 {
		p.Violating++
	}
	for _, v := range found {
		key := keyOf(row.Type, v)
		i, ok := p.index[key]
		if !ok {
			if len(p.Violations) >= maxPage {
				continue
			}
			i = len(p.Violations)
			p.index[key] = i
			p.Violations = append(p.Violations, PreviewedViolation{
				EventType: key.eventType, Property: orNull(key.property), Rule: key.rule, MessageID: row.MessageID,
			})
		}
		p.Violations[i].Count++
	}
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
