package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/demo"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// DemoPerson is somebody who can sign in to a demo company.
type DemoPerson struct {
	Email string `json:"email"`
	Role  string `json:"role"`
}

// demoRoles are what the people of each demo company are.
var demoRoles = []access.Builtin{access.Owner, access.Analyst, access.Viewer}

// peopleDemo gives each demo company people, all with one password, which is made for this
// installation and kept in the demo's file. Who is there already stays.
func (n *Node) peopleDemo(ctx context.Context, dir string, state DemoState) (DemoState, error) {
	if state.Password == "" {
		state.Password = rand.Text()
	}
	staff, err := n.Staff()
	if err != nil {
		return state, err
	}
	for i, c := range demo.Companies() {
		t := &state.Tenants[i]
		id, err := tenant.Parse(t.Tenant)
		if err != nil {
			return state, err
		}
		for _, role := range demoRoles[min(len(t.People), len(demoRoles)):] {
			// The company's id makes the address its own: another demo in this database has others.
			p := DemoPerson{Email: fmt.Sprintf("%s.%s@%s.example", demoNames[role], t.Tenant[len(t.Tenant)-6:], c.Key), Role: string(role)}
			link, err := staff.InviteFirst(ctx, id, p.Email, role)
			if err != nil {
				return state, err
			}
			u, err := url.Parse(link)
			if err != nil {
				return state, fmt.Errorf("read invitation: %w", err)
			}
			values, err := url.ParseQuery(u.Fragment)
			if err != nil {
				return state, fmt.Errorf("read invitation: %w", err)
			}
			if _, err := staff.AcceptInvitation(ctx, values.Get("token"), demoNames[role], state.Password); err != nil {
				return state, fmt.Errorf("let %s into the demo: %w", p.Email, err)
			}
			t.People = append(t.People, p)
			if err := writeSecret(demoFile(dir), state); err != nil {
				return state, err
			}
		}
	}
	return state, nil
}

var demoNames = map[access.Builtin]string{access.Owner: "olga", access.Analyst: "anna", access.Viewer: "vera"}
