package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/progress"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

type auditCommand struct {
	Verify auditVerify `cmd:"" help:"Read the log back, and tell where it is not as it was written."`
	Export auditExport `cmd:"" help:"Write a tenant's log out."`
}

// systemChain is how the log of what belongs to no tenant is named.
const systemChain = "system"

func parseChain(name string) (tenant.ID, error) {
	if name == systemChain {
		return tenant.None, nil
	}
	return parseTenant(name)
}

type auditVerify struct {
	Tenant string `help:"Id of the tenant, or system for what belongs to none; all of them unless given."`
	Expect string `type:"existingfile" help:"File with what an earlier run printed: finds what was cut off, or written anew, since."`
}

func (c auditVerify) Run(ctx context.Context, config app.Config) error {
	expect, err := c.anchors()
	if err != nil {
		return err
	}
	return withWorker(ctx, config, func(worker *postgres.Worker) error {
		chains, err := c.chains(ctx, worker, expect)
		if err != nil {
			return err
		}
		broken := 0
		for _, id := range chains {
			found, err := audit.Verify(ctx, worker, id, expect, progress.Of(os.Stderr, "verifying "+id.String(), "entries"))
			if err != nil {
				return err
			}
			if !report(found) {
				broken++
			}
		}
		if broken > 0 {
			return fault.Newf(fault.Internal, "%d of %d logs are not as they were written.", broken, len(chains))
		}
		return nil
	})
}

func (c auditVerify) anchors() ([]audit.Anchor, error) {
	if c.Expect == "" {
		return nil, nil
	}
	file, err := os.Open(c.Expect)
	if err != nil {
		return nil, fmt.Errorf("open anchors: %w", err)
	}
	defer file.Close()
	return audit.ReadAnchors(file)
}

// chains lists what is to be verified: also what there are only anchors of any more.
func (c auditVerify) chains(ctx context.Context, worker *postgres.Worker, expect []audit.Anchor) ([]tenant.ID, error) {
	if c.Tenant != "" {
		id, err := parseChain(c.Tenant)
		return []tenant.ID{id}, err
	}
	chains, err := audit.Chains(ctx, worker)
	for _, a := range expect {
		if !slices.Contains(chains, a.Tenant) {
			chains = append(chains, a.Tenant)
		}
	}
	return chains, err
}

// report prints the anchor of a log that is whole, and what is wrong with one that is not.
func report(found *audit.Finding) (whole bool) {
	if found.Whole() {
		if found.Entries > 0 {
			fmt.Println(found.End)
		}
		return true
	}
	for _, b := range found.Breaks {
		fmt.Fprintf(os.Stderr, "%s %d %s: %s\n", b.Tenant, b.Seq, b.Fault, b.Why)
	}
	if found.Untold > 0 {
		fmt.Fprintf(os.Stderr, "%s: and %d more.\n", found.End.Tenant, found.Untold)
	}
	return false
}

type auditExport struct {
	Tenant string `required:"" help:"Id of the tenant, or system for what belongs to none."`
	From   string `help:"The first instant, as 2026-05-01 or 2026-05-01T12:00:00Z, in UTC."`
	To     string `help:"The first instant that is no longer wanted."`
	Format string `default:"ndjson" enum:"ndjson,csv" help:"ndjson or csv."`
}

func (c auditExport) Run(ctx context.Context, config app.Config) error {
	export, err := c.export()
	if err != nil {
		return err
	}
	return withWorker(ctx, config, func(worker *postgres.Worker) error {
		out := bufio.NewWriter(os.Stdout)
		err := export.Run(ctx, worker.InTx, export.Format.Encoder(out))
		return errors.Join(err, out.Flush())
	})
}

func (c auditExport) export() (x audit.Export, err error) {
	if x.Tenant, err = parseChain(c.Tenant); err != nil {
		return x, err
	}
	if x.From, err = parseOptional("from", c.From); err != nil {
		return x, err
	}
	if x.To, err = parseOptional("to", c.To); err != nil {
		return x, err
	}
	x.Format, err = audit.ParseFormat(c.Format)
	return x, err
}

func parseOptional(field, text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	at, err := parseInstant(field, text)
	return &at, err
}
