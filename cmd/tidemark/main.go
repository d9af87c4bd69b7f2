// Command tidemark is live SaaS analytics over GraphQL, in one binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// commands is the command line. Every flag of the configuration can be given in the
// environment instead.
type commands struct {
	app.Config
	Validate bool `help:"Check the configuration, and exit."`

	Up        upCommand         `cmd:"" help:"Run everything: PostgreSQL and Redis if none is configured, migrations, a demo, server and worker."`
	Serve     serveCommand      `cmd:"" help:"Serve ingest, GraphQL and the playground."`
	Work      workCommand       `cmd:"" help:"Follow the database's changes and keep house. At least one must run."`
	Migrate   migrateCommand    `cmd:"" help:"Bring the database to the newest migration."`
	Demo      demoCommand       `cmd:"" help:"Load a demo of a given size, into new tenants."`
	Import    importCommand     `cmd:"" help:"Import files of events, as NDJSON or CSV."`
	Tenant    tenantCommands    `cmd:"" help:"Manage tenants."`
	Key       keyCommands       `cmd:"" help:"Manage keys."`
	Member    memberCommands    `cmd:"" help:"Manage who belongs to a tenant."`
	Documents documentsCommands `cmd:"" help:"Manage trusted documents of GraphQL, on a server."`
	Audit     auditCommand      `cmd:"" help:"Look after the log of who did what."`
	Archive   archiveCommand    `cmd:"" help:"Look after the archive of raw events."`
	Secret    secretCommands    `cmd:"" help:"Manage the keys that stored secrets are sealed under."`
	Schema    schemaCommand     `cmd:"" help:"Print the GraphQL schema."`
}

// Events come and go in great numbers, and live for a moment: collecting less often costs
// memory, of which there is a bound, and saves a tenth of the time. GOGC and GOMEMLIMIT in
// the environment have the last word.
const (
	collectAt   = 300     // percent of growth
	memoryLimit = 1 << 30 // bytes, from where on collecting often is better
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run returns the exit code: 0, or 1 for a failure, or 2 for a wrong command line, or 3 for
// an import or a registration that took not all.
func run(ctx context.Context, args []string) int {
	var cli commands
	parser, err := kong.New(&cli, kong.Name("tidemark"), kong.Description("Live SaaS analytics over GraphQL."), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(os.Stderr, "tidemark:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if err != nil {
		parser.Errorf("%s", err)
		return 2
	}
	if err := cli.check(command.Command()); err != nil {
		fmt.Fprintf(os.Stderr, "tidemark: the configuration can't work:\n%s\n", err)
		return 2
	}
	if cli.Validate {
		fmt.Println("The configuration is fine.")
		return 0
	}
	app.UseLogger(cli.Logger())
	cli.UseLimits()
	ctx = audit.WithActor(ctx, audit.AtCommandLine())
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(cli.Config); err != nil {
		return fail(err)
	}
	return 0
}

// check reports all that is wrong with the configuration, for the command at hand.
func (c *commands) check(command string) error {
	if strings.HasPrefix(command, "import") || strings.HasPrefix(command, "documents") {
		return nil // it is a client, on a machine that may serve something else
	}
	switch command {
	case "serve", "work":
		return errors.Join(c.Check(true, true), c.NeedSecretKeys())
	case "secret rotate":
		return errors.Join(c.Check(true, false), c.NeedSecretKeys())
	case "migrate", "tenant create", "tenant list", "tenant retention", "tenant suspend", "tenant resume", "audit verify", "audit export", "key create", "key revoke", "member invite",
		"archive run", "archive list", "archive restore", "archive verify":
		return c.Check(true, false)
	}
	return c.Check(false, false)
}

func fail(err error) int {
	if errors.Is(err, errSomeRefused) {
		return 3
	}
	if f, ok := fault.Of(err); ok {
		fmt.Fprintln(os.Stderr, "tidemark:", f.Message)
		return 1
	}
	fmt.Fprintln(os.Stderr, "tidemark:", err)
	return 1
}
