package scenario_test

import (
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
)

// byPeople are the mutations that somebody who has signed in does, or is about to, and what
// each leaves in the log.
var byPeople = map[string]audit.Action{
	"acceptInvitation": audit.InvitationAccepted, "signIn": audit.SignedIn, "verifySecondFactor": audit.SignedIn,
	"changePassword": audit.PasswordChanged, "resetPassword": audit.PasswordReset,
	"switchTenant": audit.TenantSwitched, "signOut": audit.SignedOut, "endSession": audit.SessionEnded, "endOtherSessions": audit.SessionEnded,
	"confirmSecondFactor": audit.SecondFactorOn, "renewRecoveryCodes": audit.RecoveryCodesMade, "removeSecondFactor": audit.SecondFactorOff,
	"inviteMember": audit.MemberInvited, "revokeInvitation": audit.InvitationRevoked, "changeMemberRole": audit.MemberChanged, "removeMember": audit.MemberRemoved,
	"createRole": audit.RoleCreated, "updateRole": audit.RoleChanged, "removeRole": audit.RoleRemoved, "requireSecondFactor": audit.TenantChanged,
	"createIdentityProvider": audit.ProviderCreated, "removeIdentityProvider": audit.ProviderRemoved, "exchangeSignInCode": audit.SignedIn,
	"impersonate": audit.ImpersonationOn,
}

// leaves does something, and wants one entry more of what the mutation leaves, in any log.
func (s story) leaves(t *testing.T, told map[string]bool, mutation string, do func()) {
	t.Helper()
	count := func() (n int) {
		s.kit.Scan(t, `select count(*) from audit_entry where action = $1`, []any{string(byPeople[mutation])}, &n)
		return n
	}
	before := count()
	do()
	if n := count() - before; n < 1 {
		t.Errorf("%s leaves %d entries of %s", mutation, n, byPeople[mutation])
	}
	told[mutation] = true
}

// What people do with their logins, sessions and colleagues is noted, each of it.
func TestWhatPeopleDoIsNoted(t *testing.T) {
	s, told := begin(t), map[string]bool{}
	owner := s.join(t, s.acme, "owner@acme.example", access.Owner)
	var ann person
	s.leaves(t, told, "acceptInvitation", func() { ann = s.join(t, s.acme, "ann@acme.example", access.Viewer) })
	s.theirSessionsAreNoted(t, told, ann)
	s.theirColleaguesAreNoted(t, told, owner)
	s.theirProvidersAreNoted(t, told, owner)
	for mutation := range byPeople {
		if !told[mutation] {
			t.Errorf("nobody does %s in this story", mutation)
		}
	}
	s.wantWholeChain(t)
}

func (s story) theirSessionsAreNoted(t *testing.T, told map[string]bool, ann person) {
	t.Helper()
	const fresh = "brass lantern oversea"
	token := ann.AccessToken
	s.leaves(t, told, "signIn", func() { ann.signIn(t) })
	s.leaves(t, told, "endOtherSessions", func() { must[any](t, s.kit, token, endOthers, nil) })
	s.leaves(t, told, "endSession", func() {
		must[any](t, s.kit, token, endIt, vars{"id": ann.signIn(t).viewer(t, s.kit).Sessions.Nodes[0].ID})
	})
	ann.signedIn = ann.signIn(t)
	s.leaves(t, told, "signOut", func() { must[any](t, s.kit, ann.signIn(t).AccessToken, signOut, nil) })
	stranger := s.join(t, s.globex, "eve@globex.example", access.Owner)
	must[signedIn](t, s.kit, "", acceptIt, vars{"token": s.invited(t, s.globex, ann.email, access.Viewer), "name": "Ann", "password": passphrase})
	s.leaves(t, told, "switchTenant", func() {
		must[any](t, s.kit, ann.signIn(t).AccessToken, switchIt, vars{"tenant": stranger.TenantID})
	})
	ann.signedIn = must[signedIn](t, s.kit, "", signIn, vars{"email": ann.email, "password": passphrase, "tenant": ann.TenantID})
	var app authenticator
	var codes []string
	s.leaves(t, told, "confirmSecondFactor", func() { app, codes = ann.enrol(t) })
	s.leaves(t, told, "verifySecondFactor", func() {
		must[any](t, s.kit, "", verifyIt, vars{"challenge": ann.signIn(t).Challenge, "code": codes[0]})
	})
	s.leaves(t, told, "renewRecoveryCodes", func() {
		codes = must[[]string](t, s.kit, ann.AccessToken, renewIt, vars{"code": app.code(t, 0)})
	})
	s.leaves(t, told, "removeSecondFactor", func() { must[any](t, s.kit, ann.AccessToken, removeIt, vars{"code": codes[0]}) })
	s.leaves(t, told, "changePassword", func() {
		must[any](t, s.kit, ann.AccessToken, changeIt, vars{"password": passphrase, "newPassword": fresh})
	})
	must[bool](t, s.kit, "", requestReset, vars{"email": ann.email})
	s.leaves(t, told, "resetPassword", func() {
		must[any](t, s.kit, "", resetIt, vars{"token": fragmentOf(t, s.mailTo(t, ann.email, "half an hour"), "token"), "password": passphrase})
	})
}

func (s story) theirColleaguesAreNoted(t *testing.T, told map[string]bool, owner person) {
	t.Helper()
	token, viewers := owner.AccessToken, roleNamed(t, s.kit, owner.AccessToken, "Viewer")
	ben := s.join(t, s.acme, "ben@acme.example", access.Viewer)
	id := ben.viewer(t, s.kit).MemberID
	var invitation, role struct{ ID string }
	s.leaves(t, told, "inviteMember", func() {
		invitation = must[struct{ ID string }](t, s.kit, token, inviteIt, vars{"email": "new@acme.example", "role": viewers})
	})
	s.leaves(t, told, "revokeInvitation", func() { must[any](t, s.kit, token, uninviteIt, vars{"id": invitation.ID}) })
	draft := vars{"name": "Europe", "permissions": []string{"READ"}}
	s.leaves(t, told, "createRole", func() { role = must[struct{ ID string }](t, s.kit, token, createRoleIt, vars{"role": draft}) })
	s.leaves(t, told, "updateRole", func() { must[any](t, s.kit, token, updateRoleIt, vars{"id": role.ID, "role": draft}) })
	s.leaves(t, told, "changeMemberRole", func() { must[any](t, s.kit, token, changeRoleIt, vars{"id": id, "role": role.ID}) })
	must[any](t, s.kit, token, changeRoleIt, vars{"id": id, "role": viewers})
	s.leaves(t, told, "removeRole", func() { must[any](t, s.kit, token, removeRoleIt, vars{"id": role.ID}) })
	s.leaves(t, told, "impersonate", func() { must[any](t, s.kit, token, impersonateIt, vars{"member": id, "reason": "a look"}) })
	s.leaves(t, told, "removeMember", func() { must[any](t, s.kit, token, removeMemberIt, vars{"id": id}) })
	s.leaves(t, told, "requireSecondFactor", func() { must[any](t, s.kit, token, requireFactor, vars{"required": false}) })
}

func (s story) theirProvidersAreNoted(t *testing.T, told map[string]bool, owner person) {
	t.Helper()
	p := newIDP(t)
	var id, start string
	s.leaves(t, told, "createIdentityProvider", func() { id, start = s.connect(t, p, owner, nil) })
	s.leaves(t, told, "exchangeSignInCode", func() { s.through(t, start) })
	s.leaves(t, told, "removeIdentityProvider", func() { must[any](t, s.kit, owner.AccessToken, removeProviderIt, vars{"id": id}) })
}

// A role that somebody makes with row conditions narrows what its members see, over HTTP and
// live, and a change of it reaches them within two seconds.
func TestARoleOfSomeRowsIsMade(t *testing.T) {
	s := begin(t)
	owner, ann := s.join(t, s.acme, "owner@acme.example", access.Owner), s.join(t, s.acme, "ann@acme.example", access.Viewer)
	s.acme.Batch(t, with("m1", "E", `{"region":"EU"}`), with("m2", "E", `{"region":"US"}`), with("m3", "E", `{"region":"EU"}`))
	const count = `{ events(range: {from: "2024-01-01T00:00:00Z", to: "2028-01-01T00:00:00Z"}) { count } }`
	seen := func(p signedIn) int { return must[struct{ Count int }](t, s.kit, p.AccessToken, count, nil).Count }
	in := func(region string) vars {
		return vars{"name": "Region", "permissions": []string{"READ"}, "rows": vars{"events": []vars{{"property": []string{"region"}, "in": []string{region}}}}}
	}
	wantEqual(t, "before", seen(ann.signedIn), 3)
	wantCode(t, s.kit, owner.AccessToken, createRoleIt, vars{"role": vars{"name": "Bad", "permissions": []string{"READ", "MANAGE_DATA"}, "rows": in("EU")["rows"]}}, "BAD_USER_INPUT")
	wantCode(t, s.kit, owner.AccessToken, createRoleIt, vars{"role": vars{"name": "Empty", "permissions": []string{"READ"}, "rows": vars{}}}, "BAD_USER_INPUT")
	role := must[struct {
		ID   string
		Rows map[string]any
	}](t, s.kit, owner.AccessToken, createRoleIt, vars{"role": in("EU")})
	if len(role.Rows) == 0 {
		t.Error("the role does not tell its rows")
	}
	must[any](t, s.kit, owner.AccessToken, changeRoleIt, vars{"id": ann.viewer(t, s.kit).MemberID, "role": role.ID})
	soon(t, "two events of Europe", func() bool { return seen(ann.signedIn) == 2 })
	w := watchSocket(t, s.kit, ann.AccessToken, live(count[1:len(count)-1]))
	wantNext(t, w, `"count":2`)
	s.acme.Batch(t, with("m4", "E", `{"region":"EU"}`))
	wantNext(t, w, `"count":3`)
	must[any](t, s.kit, owner.AccessToken, updateRoleIt, vars{"id": role.ID, "role": in("US")})
	soon(t, "one event of America", func() bool { return seen(ann.signedIn) == 1 })
	wantEqual(t, "the owner sees", seen(owner.signedIn), 4)
	s.wantStrangerEmpty(t)
}
