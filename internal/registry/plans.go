package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// believeFor is for how long a plan is taken to be the current one, unless it is known to
// have changed.
const believeFor = time.Second

// Plans knows the rules of each tenant that sends.
type Plans struct {
	app     *postgres.App
	tenants sync.Map // tenant.ID -> *belief
}

// belief is what is known of one tenant's plan.
type belief struct {
	now     atomic.Pointer[believed]
	changed atomic.Int64  // how often the plan is known to have changed
	turn    chan struct{} // has room for who reads it
}

type believed struct {
	rules *Rules // nil: there is no plan
	until time.Time
}

// NewPlans makes a cache of plans.
func NewPlans(app *postgres.App) *Plans { return &Plans{app: app} }

// Of gives a tenant's rules; nil if it has no plan.
func (p *Plans) Of(ctx context.Context, id tenant.ID) (*Rules, error) {
	b := p.belief(id)
	if now := b.now.Load(); now != nil && time.Now().Before(now.until) {
		return now.rules, nil
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, fault.New(fault.Timeout, "The tracking plan could not be read in time.").Because(ctx.Err())
	}
	if now := b.now.Load(); now != nil && time.Now().Before(now.until) {
		return now.rules, nil // somebody else has read it meanwhile
	}
	return p.read(ctx, id, b)
}

// Changed makes the next look at a tenant's plan read it afresh.
func (p *Plans) Changed(id tenant.ID) {
	b := p.belief(id)
	b.changed.Add(1)
	b.now.Store(nil)
}

func (p *Plans) belief(id tenant.ID) *belief {
	if b, ok := p.tenants.Load(id); ok {
		return b.(*belief)
	}
	b, _ := p.tenants.LoadOrStore(id, &belief{turn: make(chan struct{}, 1)})
	return b.(*belief)
}

func (p *Plans) read(ctx context.Context, id tenant.ID, b *belief) (*Rules, error) {
	changes, asked := b.changed.Load(), time.Now()
	var known *Rules
	if before := b.now.Load(); before != nil {
		known = before.rules
	}
	rules, err := p.load(ctx, id, known)
	if err != nil {
		return nil, err
	}
	b.now.Store(&believed{rules, asked.Add(believeFor)})
	if b.changed.Load() != changes { // while it was read: what was read may be the old one
		b.now.Store(nil)
	}
	return rules, nil
}

// load reads the current plan, unless it is the one that is known.
func (p *Plans) load(ctx context.Context, id tenant.ID, known *Rules) (rules *Rules, err error) {
	err = p.app.Read(ctx, id, func(tx pgx.Tx) error {
		version, err := dbsqlc.New().TrackingPlanVersion(ctx, tx)
		if err != nil || version == 0 {
			return err
		}
		if known != nil && known.version() == version {
			rules = known
			return nil
		}
		current, err := currentVersion(ctx, tx)
		if err != nil {
			return err
		}
		rules, err = rulesOf(current)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read tracking plan: %w", err)
	}
	return rules, nil
}

// rulesOf makes a saved plan ready. It was checked before it was saved.
func rulesOf(v *Version) (*Rules, error) {
	rules, problem := NewRules(&v.Plan, v.Number)
	if problem != nil {
		return nil, fmt.Errorf("version %d of the tracking plan: %s", v.Number, problem.Error())
	}
	return rules, nil
}

// currentVersion reads the plan that holds; nil: there is none.
func currentVersion(ctx context.Context, tx pgx.Tx) (*Version, error) {
	row, err := dbsqlc.New().TrackingPlanCurrent(ctx, tx)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read current plan: %w", err)
	}
	v, err := versionOf(dbsqlc.TrackingPlanPageRow(row))
	if err != nil {
		return nil, err
	}
	v.Current = true
	return &v, nil
}

func versionOf(row dbsqlc.TrackingPlanPageRow) (Version, error) {
	v := Version{Number: int(row.Version), SavedAt: row.SavedAt.UTC(), SavedBy: row.SavedBy}
	if err := json.Unmarshal(row.Plan, &v.Plan); err != nil {
		return Version{}, fmt.Errorf("read version %d of the plan: %w", row.Version, err)
	}
	return v, nil
}
