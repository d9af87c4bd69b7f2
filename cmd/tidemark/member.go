package main

import (
	"context"
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/app"
)

type memberCommands struct {
	Invite memberInvite `cmd:"" help:"Invite somebody to a tenant, such as its first owner, and print the link."`
}

type memberInvite struct {
	Tenant string `required:"" help:"Id of the tenant."`
	Email  string `required:"" help:"The address. A mail goes out as well, if mail is configured."`
	Role   string `default:"OWNER" enum:"OWNER,ADMIN,ANALYST,VIEWER" help:"What they are to be: OWNER, ADMIN, ANALYST or VIEWER."`
}

func (c memberInvite) Run(ctx context.Context, config app.Config) error {
	id, err := parseTenant(c.Tenant)
	if err != nil {
		return err
	}
	link, err := app.InviteMember(ctx, config, id, c.Email, access.Builtin(c.Role))
	if err != nil {
		return err
	}
	fmt.Println(link)
	return nil
}
