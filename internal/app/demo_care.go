package app

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/people"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

const (
	demoOwned   = 24 // accounts of each company that somebody looks after
	demoNotedOf = 3  // of so many, one has a note
)

// demoNotes are what is noted of accounts.
var demoNotes = []string{
	"Wants to roll out to a second office in spring. Ask again in March.",
	"Champion has left; the new contact has not signed in yet.",
	"Happy with support. Would be a reference.",
	"Compares prices before the renewal.",
}

// careDemo has the people of each demo company look after some accounts, unless they do already.
func (n *Node) careDemo(ctx context.Context, state DemoState) error {
	staff, err := n.Staff()
	if err != nil {
		return err
	}
	return inEach(ctx, state, func(ctx context.Context, of tenant.ID) error { return n.careFor(ctx, staff, of) })
}

func (n *Node) careFor(ctx context.Context, staff *people.Service, of tenant.ID) error {
	customers := customer.NewService(n.app)
	accounts, err := customers.ListAccounts(ctx, customer.ListQuery{Order: customer.ByFirstSeen, Direction: customer.Ascending, First: demoOwned})
	if err != nil || len(accounts.Items) == 0 {
		return err
	}
	ids := make([]int64, len(accounts.Items))
	for i, account := range accounts.Items {
		ids[i] = account.Item.ID
	}
	owned, err := customers.AccountOwners(ctx, ids)
	if err != nil || len(owned) > 0 {
		return err
	}
	colleagues, _, err := staff.Members(ctx, len(demoRoles), nil)
	if err != nil || len(colleagues.Members) == 0 {
		return err
	}
	ctx, err = n.asCarer(ctx, of, colleagues.Members)
	if err != nil {
		return err
	}
	for i, account := range ids {
		subject := customer.Subject{Kind: identity.OfAccount, ID: account}
		if i%demoNotedOf == 0 {
			if _, err := customers.AddNote(ctx, subject, demoNotes[i/demoNotedOf%len(demoNotes)]); err != nil {
				return err
			}
		}
		if _, err := customers.SetOwner(ctx, subject, &colleagues.Members[i%len(colleagues.Members)].Login); err != nil {
			return err
		}
	}
	return nil
}

// asCarer is a context of the first of the members who may look after customers.
func (n *Node) asCarer(ctx context.Context, of tenant.ID, members []people.Member) (context.Context, error) {
	err := n.app.Read(ctx, of, func(tx pgx.Tx) error {
		for _, m := range members {
			who, _, err := access.MemberPrincipal(ctx, tx, m.Login)
			if err != nil {
				return err
			}
			if who.May(access.EditCustomers) {
				ctx = access.With(ctx, who)
				return nil
			}
		}
		return nil
	})
	return ctx, err
}
