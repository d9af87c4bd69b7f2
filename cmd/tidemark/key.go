package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/secret"
)

type keyCommands struct {
	Create keyCreate `cmd:"" help:"Make a key, and print it. It is not shown again."`
	List   keyList   `cmd:"" help:"List a tenant's keys, with their ids, and without their secrets."`
	Rotate keyRotate `cmd:"" help:"Make a key that follows another, and print it. The other works on for a while."`
	Revoke keyRevoke `cmd:"" help:"End a tenant's keys of a name."`
}

type keyCreate struct {
	Tenant     string        `required:"" help:"Id of the tenant."`
	Kind       string        `required:"" enum:"write,read,manage,publish,embed" help:"write: may only send events. read: may only read. manage: may set up the tenant, correct and erase data, and read. publish: may only send events, from browsers. embed: signs embed tokens."`
	Name       string        `default:"default" help:"What people call it."`
	Permission []string      `help:"What it may do, of what its kind may, such as READ_METRICS; may be repeated. All of it unless given."`
	Origin     []string      `help:"Of a publishable key: a page's origin that may send with it, such as https://www.example.com; may be repeated. Any unless given."`
	Expires    time.Duration `help:"After how long it ends, such as 720h. When it is revoked unless given."`
}

func (c keyCreate) Run(ctx context.Context, config app.Config) error {
	id, err := parseTenant(c.Tenant)
	if err != nil {
		return err
	}
	draft, err := c.draft()
	if err != nil {
		return err
	}
	vault, err := vaultFor(config, c.Kind == string(access.EmbedKey))
	if err != nil {
		return err
	}
	return withWorker(ctx, config, func(worker *postgres.Worker) error {
		key, err := access.CreateKeyAs(audit.WithActor(ctx, audit.AtCommandLine()), worker, vault, id, draft)
		if err == nil {
			fmt.Println(key)
		}
		return err
	})
}

func (c keyCreate) draft() (access.KeyDraft, error) {
	draft := access.KeyDraft{Kind: access.Kind(c.Kind), Name: c.Name, Origins: c.Origin}
	for _, name := range c.Permission {
		permission := access.Permission(strings.ToUpper(name))
		if !permission.Known() {
			return draft, fault.Input("permission", "There is no such permission. The schema's enum Permission lists them.")
		}
		draft.Permissions |= access.Of(permission)
	}
	if c.Expires != 0 {
		at := time.Now().Add(c.Expires)
		draft.ExpiresAt = &at
	}
	return draft, nil
}

// vaultFor opens the configured secret keys, if they are needed.
func vaultFor(config app.Config, needed bool) (*secret.Vault, error) {
	if !needed {
		return nil, nil
	}
	return config.Vault()
}

type keyList struct {
	Tenant string `required:"" help:"Id of the tenant."`
}

func (c keyList) Run(ctx context.Context, config app.Config) error {
	id, err := parseTenant(c.Tenant)
	if err != nil {
		return err
	}
	return withWorker(ctx, config, func(worker *postgres.Worker) error {
		keys, err := access.KeysOf(ctx, worker, id)
		for _, k := range keys {
			fmt.Printf("%s  %-8s %s…  %-32s %s\n", k.ApiKeyID, k.Kind, k.Prefix, stateOf(k), k.Name)
		}
		return err
	})
}

func stateOf(k dbsqlc.APIKeyListOfRow) string {
	switch {
	case k.RevokedAt != nil:
		return "revoked " + k.RevokedAt.UTC().Format(time.RFC3339)
	case k.ExpiresAt != nil:
		return "until " + k.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return "for good"
}

type keyRotate struct {
	Tenant  string        `required:"" help:"Id of the tenant."`
	ID      string        `arg:"" help:"Id of the key, as key list prints it."`
	Overlap time.Duration `default:"24h" help:"For how long both work; at most 720h. With 0 the other ends at once."`
}

func (c keyRotate) Run(ctx context.Context, config app.Config) error {
	id, err := parseTenant(c.Tenant)
	if err != nil {
		return err
	}
	old, err := uuid.Parse(c.ID)
	if err != nil {
		return fault.Input("id", "A key's id is a UUID, as key list prints it.")
	}
	// Which kind it is of is not known yet: without secret keys others can be rotated still.
	vault, _ := config.Vault()
	return withWorker(ctx, config, func(worker *postgres.Worker) error {
		key, err := access.RotateKeyAs(audit.WithActor(ctx, audit.AtCommandLine()), worker, vault, id, old, c.Overlap)
		if err == nil {
			fmt.Println(key)
		}
		return err
	})
}

type keyRevoke struct {
	Tenant string `required:"" help:"Id of the tenant."`
	Name   string `required:"" help:"Name of the keys."`
}

func (c keyRevoke) Run(ctx context.Context, config app.Config) error {
	id, err := parseTenant(c.Tenant)
	if err != nil {
		return err
	}
	return withWorker(ctx, config, func(worker *postgres.Worker) error {
		revoked, err := access.RevokeKeys(audit.WithActor(ctx, audit.AtCommandLine()), worker, id, c.Name)
		if err != nil {
			return err
		}
		fmt.Printf("%d keys revoked.\n", revoked)
		return nil
	})
}
