package revenue

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Rule tells when churn counts for the tenant that asks.
func (s *Service) Rule(ctx context.Context) (rule ChurnRule, err error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return rule, err
	}
	topic.Note(ctx, topic.Exactly(who.Tenant, topic.Terms, ""))
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		settings, err := dbsqlc.New().RevenueSettings(ctx, tx)
		rule = ChurnRule(settings.ChurnRule)
		return err
	})
	if err != nil {
		return rule, fmt.Errorf("read tenant: %w", err)
	}
	return rule, nil
}

// SetRule says when churn counts for the tenant that asks, now and in the past: all movements are
// derived again. What was known before is still known as of then.
func (s *Service) SetRule(ctx context.Context, rule ChurnRule) error {
	who, err := access.Require(ctx, access.ManageTenant)
	if err != nil {
		return err
	}
	if rule != AtPeriodEnd && rule != AtCancellation {
		return fault.Input("rule", "There is no such rule.")
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		h, err := enter(ctx, tx)
		if err != nil {
			return err
		}
		before, err := dbsqlc.New().TenantSetChurnRule(ctx, tx, string(rule))
		if err != nil {
			return err
		}
		if h.rule = rule; before != string(rule) {
			if err := h.deriveAll(ctx, tx); err != nil {
				return err
			}
		}
		of := func(rule string) any { return map[string]string{"churnRule": rule} }
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.TenantChanged, Target: audit.Target{Type: "tenant", ID: who.Tenant.String()}, Before: of(before), After: of(string(rule)),
		})
	})
	if err != nil {
		return fmt.Errorf("set churn rule: %w", err)
	}
	return nil
}

// deriveAll goes through all accounts that have subscriptions.
func (h house) deriveAll(ctx context.Context, tx pgx.Tx) error {
	for after := int64(0); ; {
		accounts, err := dbsqlc.New().RevenueAccountPage(ctx, tx, dbsqlc.RevenueAccountPageParams{AfterID: after, Most: accountsAtOnce})
		if err != nil || len(accounts) == 0 {
			return err
		}
		if err := h.derive(ctx, tx, accounts); err != nil {
			return err
		}
		after = accounts[len(accounts)-1]
	}
}
