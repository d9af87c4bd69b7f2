package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

type tenantCommands struct {
	Create    tenantCreate    `cmd:"" help:"Make a tenant, and print its id."`
	List      tenantList      `cmd:"" help:"List all tenants."`
	Retention tenantRetention `cmd:"" help:"Say how long a tenant's raw events stay in the database."`
	Suspend   tenantSuspend   `cmd:"" help:"Shut a tenant: nobody is let in, nothing is taken, and what is watched ends."`
	Resume    tenantResume    `cmd:"" help:"Open a suspended tenant again."`
}

type tenantCreate struct {
	Name      string `required:"" help:"What people call it."`
	Zone      string `default:"UTC" help:"IANA zone in which its days begin, for good; such as Europe/Berlin."`
	WeekStart string `default:"monday" help:"Day with which its weeks begin."`
}

func (c tenantCreate) Run(ctx context.Context, config app.Config) error {
	weekStart, err := parseWeekday(c.WeekStart)
	if err != nil {
		return err
	}
	return withWorker(ctx, config, func(worker *postgres.Worker) error {
		id, err := access.CreateTenant(ctx, worker, c.Name, c.Zone, weekStart)
		if err != nil {
			return err
		}
		fmt.Println(id)
		return nil
	})
}

func parseWeekday(name string) (time.Weekday, error) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(day.String(), name) {
			return day, nil
		}
	}
	return 0, fault.Input("week-start", "A week starts on a day such as monday or sunday.")
}

type tenantList struct{}

func (tenantList) Run(ctx context.Context, config app.Config) error {
	return withWorker(ctx, config, func(worker *postgres.Worker) error {
		tenants, err := access.Tenants(ctx, worker)
		for _, t := range tenants {
			fmt.Printf("%s  %-24s %s\n", t.TenantID, t.Zone, t.Name)
		}
		return err
	})
}

type tenantRetention struct {
	Tenant  string `required:"" help:"Id of the tenant."`
	Months  int    `xor:"time" required:"" help:"Whole months before the running one; 1 to 1200. What is past them moves into the archive."`
	Forever bool   `xor:"time" required:"" help:"Keep them all."`
}

func (c tenantRetention) Run(ctx context.Context, config app.Config) error {
	id, err := parseTenant(c.Tenant)
	if err != nil {
		return err
	}
	months := &c.Months
	if c.Forever {
		months = nil
	}
	return withWorker(ctx, config, func(worker *postgres.Worker) error {
		return access.SetEventRetention(ctx, worker, id, months)
	})
}

type tenantSuspend struct {
	Tenant string `arg:"" help:"Id of the tenant."`
}

func (c tenantSuspend) Run(ctx context.Context, config app.Config) error {
	return suspend(ctx, config, c.Tenant, true)
}

type tenantResume struct {
	Tenant string `arg:"" help:"Id of the tenant."`
}

func (c tenantResume) Run(ctx context.Context, config app.Config) error {
	return suspend(ctx, config, c.Tenant, false)
}

func suspend(ctx context.Context, config app.Config, tenant string, suspended bool) error {
	id, err := parseTenant(tenant)
	if err != nil {
		return err
	}
	return withWorker(ctx, config, func(worker *postgres.Worker) error {
		return access.Suspend(audit.WithActor(ctx, audit.AtCommandLine()), worker, id, suspended)
	})
}

func parseTenant(text string) (tenant.ID, error) {
	id, err := tenant.Parse(text)
	if err != nil {
		return tenant.None, fault.Input("tenant", "A tenant's id is a UUID, as tenant create has printed it.").Because(err)
	}
	return id, nil
}
