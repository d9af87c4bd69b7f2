package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

func parseInputs(text []byte) (inputs []Input, err error) {
	if err := json.Unmarshal(text, &inputs); err != nil {
		return nil, fmt.Errorf("read inputs of health: %w", err)
	}
	return inputs, nil
}

// check refuses inputs that cannot be worked with, and those to who may not read what they
// measure: a score would tell it.
func check(who access.Principal, inputs []Input) error {
	if err := CheckInputs("inputs", inputs); err != nil {
		return err
	}
	for i, in := range inputs {
		if in.Kind.Monetary() && !who.May(access.ReadRevenue) {
			return access.Lacking(access.ReadRevenue).In(fmt.Sprintf("inputs[%d].kind", i))
		}
	}
	return nil
}

// Model tells what counts; nil: nobody has said it yet.
func (s *Service) Model(ctx context.Context) (saved *Saved, err error) {
	err = s.read(ctx, nil, func(tx pgx.Tx) error {
		saved, err = modelOf(ctx, tx)
		return err
	})
	return saved, err
}

func modelOf(ctx context.Context, tx pgx.Tx) (*Saved, error) {
	row, err := dbsqlc.New().HealthModelGet(ctx, tx)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read model of health: %w", err)
	}
	m := &Saved{Version: int(row.Version), ChangedAt: row.ChangedAt.UTC(), ChangedBy: row.ChangedBy}
	if m.Inputs, err = parseInputs(row.Inputs); err != nil {
		return nil, err
	}
	m.Calculation = Calculation{
		State: State(row.State), CalculatedAt: row.CalculatedAt, Failure: row.Error,
		Progress: float64(row.InputsDone) / float64(len(m.Inputs)),
	}
	if row.Accounts.Valid {
		accounts := int(row.Accounts.Int32)
		m.Accounts, m.Complete = &accounts, &row.Complete.Bool
	}
	return m, nil
}

// Set says what counts from now on, and has all accounts calculated anew.
func (s *Service) Set(ctx context.Context, inputs []Input) (saved *Saved, err error) {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return nil, err
	}
	if err := check(who, inputs); err != nil {
		return nil, err
	}
	text, err := json.Marshal(inputs)
	if err != nil {
		return nil, fmt.Errorf("write inputs of health: %w", err)
	}
	err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		was, err := modelOf(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := dbsqlc.New().HealthModelSet(ctx, tx, dbsqlc.HealthModelSetParams{Inputs: text, ChangedBy: who.By()}); err != nil {
			return fmt.Errorf("save model of health: %w", err)
		}
		if saved, err = modelOf(ctx, tx); err != nil {
			return err
		}
		e := audit.Entry{Action: audit.HealthModelSet, Target: audit.Target{Type: "health_model", ID: who.Tenant.String()}, After: inputs}
		if was != nil {
			e.Before = was.Inputs
		}
		return audit.Write(ctx, tx, e)
	})
	return saved, err
}

var errNoModel = fault.New(fault.NotFound, "Nobody has said yet what counts for health: set a model first.")
