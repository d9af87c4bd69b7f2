package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/progress"
)

type archiveCommand struct {
	Run     archiveRun     `cmd:"" help:"Move what is past its retention into the archive now."`
	List    archiveList    `cmd:"" help:"List what the archive has."`
	Restore archiveRestore `cmd:"" help:"Bring a range of a tenant's raw events back into the database."`
	Verify  archiveVerify  `cmd:"" help:"Read the archive back, and list what is damaged."`
}

// ofTenant narrows a command to one tenant.
type ofTenant struct {
	Tenant string `help:"Id of the tenant; all of them unless given."`
}

// each does something for the tenant that was named, or for all.
func (c ofTenant) each(ctx context.Context, worker *postgres.Worker, do func(dbsqlc.TenantListRow) error) error {
	tenants, err := access.Tenants(ctx, worker)
	if err != nil {
		return err
	}
	if c.Tenant != "" {
		if _, err := parseTenant(c.Tenant); err != nil {
			return err
		}
	}
	found := false
	for _, t := range tenants {
		if c.Tenant != "" && t.TenantID.String() != c.Tenant {
			continue
		}
		found = true
		if err := do(t); err != nil {
			return err
		}
	}
	if c.Tenant != "" && !found {
		return fault.New(fault.NotFound, "There is no such tenant.").In("tenant")
	}
	return nil
}

type archiveRun struct {
	ofTenant
	DryRun bool `help:"Only say what would be moved."`
}

func (c archiveRun) Run(ctx context.Context, config app.Config) error {
	return app.WithArchive(ctx, config, func(cold *archive.Archive, worker *postgres.Worker) error {
		return c.each(ctx, worker, func(t dbsqlc.TenantListRow) error {
			plan, err := cold.Plan(ctx, t)
			if err != nil {
				return err
			}
			total := 0
			for _, due := range plan {
				fmt.Printf("%s  %s  %d events\n", due.Tenant, month(due.Month.String()), due.Events)
				total += int(due.Events)
			}
			if c.DryRun {
				return nil
			}
			done, show := 0, progress.Events(os.Stderr, "archiving")
			return cold.Run(ctx, t, func(events int) {
				done += events
				show(done, max(total, done))
			})
		})
	})
}

func month(date string) string { return date[:len("2006-01")] }

type archiveList struct{ ofTenant }

func (c archiveList) Run(ctx context.Context, config app.Config) error {
	return app.WithArchive(ctx, config, func(cold *archive.Archive, worker *postgres.Worker) error {
		return c.each(ctx, worker, func(t dbsqlc.TenantListRow) error {
			parts, err := cold.Parts(ctx, t.TenantID)
			for _, p := range parts {
				fmt.Printf("%-9s %10d events %12d bytes  %s\n", p.State, p.Events, p.Bytes, p.Path)
			}
			return err
		})
	})
}

type archiveRestore struct {
	Tenant   string `required:"" help:"Id of the tenant."`
	From     string `required:"" help:"The first instant, as 2026-05-01 or 2026-05-01T12:00:00Z, in UTC. Months come back whole."`
	To       string `required:"" help:"The first instant that is no longer wanted."`
	KeepDays int    `default:"30" help:"How many days they stay at least, before they go again."`
}

func (c archiveRestore) Run(ctx context.Context, config app.Config) error {
	id, err := parseTenant(c.Tenant)
	if err != nil {
		return err
	}
	ask := archive.Restore{Tenant: id, Keep: time.Duration(c.KeepDays) * 24 * time.Hour}
	if ask.From, err = parseInstant("from", c.From); err != nil {
		return err
	}
	if ask.To, err = parseInstant("to", c.To); err != nil {
		return err
	}
	return app.WithArchive(ctx, config, func(cold *archive.Archive, _ *postgres.Worker) error {
		restored, err := cold.Restore(ctx, ask, progress.Events(os.Stderr, "restoring"))
		if err != nil {
			return err
		}
		fmt.Printf("%d events are back.\n", restored)
		return nil
	})
}

func parseInstant(field, text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fault.Input(field, "An instant reads like 2026-05-01 or 2026-05-01T12:00:00Z.")
}

type archiveVerify struct{ ofTenant }

func (c archiveVerify) Run(ctx context.Context, config app.Config) error {
	damaged := 0
	err := app.WithArchive(ctx, config, func(cold *archive.Archive, worker *postgres.Worker) error {
		return c.each(ctx, worker, func(t dbsqlc.TenantListRow) error {
			found, err := cold.Verify(ctx, t.TenantID, progress.Events(os.Stderr, "verifying"))
			for _, d := range found {
				fmt.Println(d.Why)
			}
			damaged += len(found)
			return err
		})
	})
	if err == nil && damaged > 0 {
		return fault.Newf(fault.Internal, "%d parts are damaged.", damaged)
	}
	return err
}
