package graph

import (
	"context"
	"slices"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/health"
)

// healthInputs reads what is to count. What is given as 0 is not what is left out.
func healthInputs(given []model.HealthInputInput) []health.Input {
	inputs := make([]health.Input, len(given))
	for i, in := range given {
		inputs[i] = health.Input{
			Key: in.Key, Name: in.Name, Kind: in.Kind, Weight: in.Weight, Worst: in.Worst, Best: in.Best,
			Days: orNothing(in.Days), Types: in.Types, Trait: orEmpty(in.Trait), StaleAfter: orNothing(in.StaleAfterDays),
		}
	}
	return inputs
}

// orNothing is the number that was given. One below 1 stays out of all bounds, as 0 means none.
func orNothing(n *int) int {
	switch {
	case n == nil:
		return 0
	case *n < 1:
		return -1
	}
	return *n
}

func toHealthModel(m *health.Saved) *model.HealthModel {
	out := &model.HealthModel{
		Version: m.Version, ChangedAt: m.ChangedAt, ChangedBy: m.ChangedBy.String(), Inputs: make([]model.HealthInput, len(m.Inputs)),
		Calculation: &model.HealthCalculation{
			State: m.State, Progress: m.Progress, CalculatedAt: m.CalculatedAt, Accounts: m.Accounts, Complete: m.Complete, Failure: m.Failure,
		},
	}
	for i, in := range m.Inputs {
		out.Inputs[i] = model.HealthInput{
			Key: in.Key, Name: in.Name, Kind: in.Kind, Weight: in.Weight, Worst: in.Worst, Best: in.Best,
			Days: orNull(in.Days), Types: in.Types, Trait: orNull(in.Trait), StaleAfterDays: orNull(in.StaleAfter),
		}
	}
	return out
}

// shownContributions hides what tells of payments from who may not read of them.
func shownContributions(ctx context.Context, list []health.Contribution) []health.Contribution {
	if who, _ := access.From(ctx); who.May(access.ReadRevenue) {
		return list
	}
	shown := slices.Clone(list)
	for i := range shown {
		if shown[i].Kind.Monetary() {
			shown[i].Value = nil
		}
	}
	return shown
}

// healthCorrected gives an account as it is after its override was changed.
func healthCorrected(ctx context.Context, account int64, err error) (*customer.Account, error) {
	if err != nil {
		return nil, err
	}
	loader.From(ctx).ForgetHealth()
	return existing(loader.From(ctx).Account.Load(ctx, account)())
}

// healthChangeKey writes where a change stands: as an event does, by instant and number.
func healthChangeKey(c *health.Change) string {
	return positionKey(event.Position{OccurredAt: c.Time, ID: c.ID})
}
