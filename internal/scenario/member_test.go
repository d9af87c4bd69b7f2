package scenario_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
)

// Who belongs to a tenant, and as what.
func TestMembers(t *testing.T) {
	beginStaff(t).tell(t, []chapter{
		{"somebody is invited", somebodyIsInvited},
		{"a invitation is good once", anInvitationIsGoodOnce},
		{"nobody promotes themselves", nobodyPromotesThemselves},
		{"the last owner stays", theLastOwnerStays},
		{"roles are made and changed", rolesAreMadeAndChanged},
		{"a member is removed and comes back", aMemberIsRemovedAndComesBack},
		{"strangers see nobody", strangersSeeNobody},
		{"somebody looks as another", somebodyLooksAsAnother},
		{"a password is forgotten", aPasswordIsForgotten},
	})
}

type colleague struct {
	ID, Email, Name string
	Role            struct{ ID, Builtin, Name string }
}

func membersOf(t *testing.T, s story, token string) (all []colleague) {
	t.Helper()
	after := ""
	for {
		variables := vars{"first": 2}
		if after != "" {
			variables["after"] = after
		}
		page := must[struct {
			Nodes    []colleague
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
			TotalCount int
		}](t, s.kit, token, membersIt, variables)
		all = append(all, page.Nodes...)
		if !page.PageInfo.HasNextPage {
			if len(all) != page.TotalCount {
				t.Errorf("%d members on all pages, %d in all", len(all), page.TotalCount)
			}
			return all
		}
		after = page.PageInfo.EndCursor
	}
}

func somebodyIsInvited(t *testing.T, s story) {
	owner := s.join(t, s.acme, "owner@acme.example", access.Owner)
	role := roleNamed(t, s.kit, owner.AccessToken, "Analyst")
	const email = "new.invited@acme.example"
	first := must[struct{ ID, Email string }](t, s.kit, owner.AccessToken, inviteIt, vars{"email": " New.Invited@acme.example ", "role": role})
	wantEqual(t, "address", first.Email, email)
	link := s.mailTo(t, email, "Acme")
	if !strings.HasPrefix(link, "http://app.example.com/accept-invitation#token=tmi_") {
		t.Errorf("the link is %s", link)
	}
	second := must[struct{ ID string }](t, s.kit, owner.AccessToken, inviteIt, vars{"email": email, "role": role})
	wantCode(t, s.kit, "", acceptIt, vars{"token": fragmentOf(t, link, "token"), "name": "New", "password": passphrase}, "NOT_FOUND")
	list := must[struct{ Nodes []struct{ ID string } }](t, s.kit, owner.AccessToken, invitationsIt, nil)
	wantEqual(t, "open invitations", list.Nodes, []struct{ ID string }{second})
	must[string](t, s.kit, owner.AccessToken, uninviteIt, vars{"id": second.ID})
	wantCode(t, s.kit, owner.AccessToken, uninviteIt, vars{"id": second.ID}, "NOT_FOUND")
	for _, bad := range []string{"", "x", "a@b\r\nBcc: c@d.example", "a b@c.example", strings.Repeat("x", 300) + "@a.example", "<a@b.example>"} {
		wantCode(t, s.kit, owner.AccessToken, inviteIt, vars{"email": bad, "role": role}, "BAD_USER_INPUT")
	}
	wantCode(t, s.kit, owner.AccessToken, inviteIt, vars{"email": email, "role": "x"}, "NOT_FOUND")
	wantCode(t, s.kit, s.acme.ReadKey, inviteIt, vars{"email": email, "role": role}, "FORBIDDEN")
}

func anInvitationIsGoodOnce(t *testing.T, s story) {
	token := s.invited(t, s.acme, "once.only@acme.example", access.Viewer)
	for _, weak := range []string{"short", "password1234", "once.only2026"} {
		wantCode(t, s.kit, "", acceptIt, vars{"token": token, "name": "Once Only", "password": weak}, "BAD_USER_INPUT")
	}
	wantCode(t, s.kit, "", acceptIt, vars{"token": token, "name": " ", "password": passphrase}, "BAD_USER_INPUT")
	var mu sync.Mutex
	var all sync.WaitGroup
	won := 0
	for range 8 {
		all.Go(func() {
			if _, code := field[signedIn](t, s.kit, "", acceptIt, vars{"token": token, "name": "Once", "password": passphrase}); code == "" {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	wantEqual(t, "accepted", won, 1)
	for _, bad := range []string{token, token + "x", "", "tmi_x", s.acme.ReadKey} {
		wantCode(t, s.kit, "", acceptIt, vars{"token": bad, "name": "Once", "password": passphrase}, "NOT_FOUND")
	}
}

// Nobody becomes more than they are, nor makes anybody more than they are (rule 16).
func nobodyPromotesThemselves(t *testing.T, s story) {
	owner, admin := s.join(t, s.acme, "owner@acme.example", access.Owner), s.join(t, s.acme, "admin@acme.example", access.Admin)
	viewer := s.join(t, s.acme, "viewer@acme.example", access.Viewer)
	owners, admins := roleNamed(t, s.kit, owner.AccessToken, "Owner"), roleNamed(t, s.kit, owner.AccessToken, "Admin")
	id := func(p person) string { return p.viewer(t, s.kit).MemberID }
	wantCode(t, s.kit, viewer.AccessToken, changeRoleIt, vars{"id": id(viewer), "role": owners}, "FORBIDDEN")
	wantCode(t, s.kit, admin.AccessToken, changeRoleIt, vars{"id": id(admin), "role": owners}, "FORBIDDEN")
	wantCode(t, s.kit, admin.AccessToken, changeRoleIt, vars{"id": id(viewer), "role": owners}, "FORBIDDEN")
	wantCode(t, s.kit, admin.AccessToken, changeRoleIt, vars{"id": id(owner), "role": admins}, "FORBIDDEN")
	wantCode(t, s.kit, admin.AccessToken, removeMemberIt, vars{"id": id(owner)}, "FORBIDDEN")
	wantCode(t, s.kit, admin.AccessToken, inviteIt, vars{"email": "friend@acme.example", "role": owners}, "FORBIDDEN")
	wantCode(t, s.kit, s.acme.ManageKey, inviteIt, vars{"email": "friend@acme.example", "role": owners}, "FORBIDDEN")
	wantCode(t, s.kit, admin.AccessToken, createRoleIt, vars{"role": vars{"name": "Spy", "permissions": []string{"READ", "IMPERSONATE"}}}, "FORBIDDEN")
	wantCode(t, s.kit, owner.AccessToken, createRoleIt, vars{"role": vars{"name": "Sender", "permissions": []string{"INGEST"}}}, "BAD_USER_INPUT")
	must[any](t, s.kit, admin.AccessToken, changeRoleIt, vars{"id": id(viewer), "role": admins})
	must[any](t, s.kit, owner.AccessToken, changeRoleIt, vars{"id": id(admin), "role": owners})
	// A tenant that is named elsewhere counts for nothing (rule 13).
	eve := s.join(t, s.globex, "eve@globex.example", access.Owner)
	wantCode(t, s.kit, eve.AccessToken, changeRoleIt, vars{"id": id(viewer), "role": owners}, "NOT_FOUND")
	wantCode(t, s.kit, eve.AccessToken, changeRoleIt, vars{"id": id(viewer), "role": roleNamed(t, s.kit, eve.AccessToken, "Owner")}, "NOT_FOUND")
	wantCode(t, s.kit, eve.AccessToken, inviteIt, vars{"email": "eve2@globex.example", "role": owners}, "NOT_FOUND")
}

// Two owners who unmake each other at once leave one.
func theLastOwnerStays(t *testing.T, s story) {
	one, two := s.join(t, s.acme, "one@acme.example", access.Owner), s.join(t, s.acme, "two@acme.example", access.Owner)
	ids := map[string]string{one.AccessToken: two.viewer(t, s.kit).MemberID, two.AccessToken: one.viewer(t, s.kit).MemberID}
	viewers := roleNamed(t, s.kit, one.AccessToken, "Viewer")
	var all sync.WaitGroup
	for token, other := range ids {
		all.Go(func() { field[any](t, s.kit, token, changeRoleIt, vars{"id": other, "role": viewers}) })
		all.Go(func() { field[any](t, s.kit, token, removeMemberIt, vars{"id": other}) })
	}
	all.Wait()
	var owners int
	s.kit.Scan(t, `select count(*) from member m join role r using (tenant_id, role_id) where m.tenant_id = $1 and r.builtin = 'OWNER' and m.removed_at is null`, []any{s.acme.ID}, &owners)
	wantEqual(t, "owners", owners, 1)
	for token := range ids {
		if v, code := field[viewer](t, s.kit, token, viewerIt, nil); code == "" {
			wantCode(t, s.kit, token, removeMemberIt, vars{"id": v.MemberID}, "FORBIDDEN")
			if v.Memberships[0].RoleName == "Owner" {
				wantCode(t, s.kit, token, changeRoleIt, vars{"id": v.MemberID, "role": viewers}, "FORBIDDEN")
			}
		}
	}
}

func rolesAreMadeAndChanged(t *testing.T, s story) {
	owner, ann := s.join(t, s.acme, "owner@acme.example", access.Owner), s.join(t, s.acme, "ann@acme.example", access.Viewer)
	made := must[struct {
		ID, Name    string
		Permissions []string
	}](t, s.kit, owner.AccessToken, createRoleIt, vars{"role": vars{"name": "Support", "permissions": []string{"READ", "READ_PII", "MANAGE_MEMBERS"}}})
	wantEqual(t, "permissions", made.Permissions, []string{"READ_METRICS", "READ", "READ_PII", "MANAGE_MEMBERS"})
	wantCode(t, s.kit, owner.AccessToken, createRoleIt, vars{"role": vars{"name": "support", "permissions": []string{}}}, "BAD_USER_INPUT")
	must[any](t, s.kit, owner.AccessToken, changeRoleIt, vars{"id": ann.viewer(t, s.kit).MemberID, "role": made.ID})
	soon(t, "Ann's new role", func() bool { return len(ann.viewer(t, s.kit).Permissions) == 4 })
	wantCode(t, s.kit, ann.AccessToken, updateRoleIt, vars{"id": made.ID, "role": vars{"name": "Support", "permissions": []string{"READ"}}}, "FORBIDDEN")
	wantCode(t, s.kit, owner.AccessToken, removeRoleIt, vars{"id": made.ID}, "BAD_USER_INPUT")
	wantCode(t, s.kit, owner.AccessToken, updateRoleIt, vars{"id": roleNamed(t, s.kit, owner.AccessToken, "Viewer"), "role": vars{"name": "V", "permissions": []string{}}}, "BAD_USER_INPUT")
	must[any](t, s.kit, owner.AccessToken, updateRoleIt, vars{"id": made.ID, "role": vars{"name": "Helpers", "permissions": []string{"READ_METRICS"}}})
	soon(t, "Ann's changed role", func() bool { return len(ann.viewer(t, s.kit).Permissions) == 1 })
	must[any](t, s.kit, owner.AccessToken, changeRoleIt, vars{"id": ann.viewer(t, s.kit).MemberID, "role": roleNamed(t, s.kit, owner.AccessToken, "Viewer")})
	must[string](t, s.kit, owner.AccessToken, removeRoleIt, vars{"id": made.ID})
	wantCode(t, s.kit, owner.AccessToken, removeRoleIt, vars{"id": made.ID}, "NOT_FOUND")
	actions := rows(t, ownerConn(t, s), `select action from audit_entry where tenant_id = $1 and action like 'ROLE%' order by seq`, s.acme.ID)
	wantEqual(t, "the log", actions, []string{"ROLE_CREATED", "ROLE_CHANGED", "ROLE_REMOVED"})
}

func aMemberIsRemovedAndComesBack(t *testing.T, s story) {
	owner, ann := s.join(t, s.acme, "owner@acme.example", access.Owner), s.join(t, s.acme, "ann@acme.example", access.Viewer)
	wantEqual(t, "members", len(membersOf(t, s, owner.AccessToken)), 2)
	must[string](t, s.kit, owner.AccessToken, removeMemberIt, vars{"id": ann.viewer(t, s.kit).MemberID})
	soon(t, "Ann's end", func() bool { return !works(t, s.kit, ann.AccessToken) })
	wantEqual(t, "members", len(membersOf(t, s, owner.AccessToken)), 1)
	token := s.invited(t, s.acme, ann.email, access.Analyst)
	back := must[signedIn](t, s.kit, "", acceptIt, vars{"token": token, "name": "Ann", "password": passphrase})
	wantEqual(t, "role", back.viewer(t, s.kit).Memberships[0].RoleName, "Analyst")
}

const staffNode = `query ($id: ID!) { node(id: $id) { id ... on Member { email } ... on Role { name } ... on Invitation { email } ... on IdentityProvider { name } } }`

func strangersSeeNobody(t *testing.T, s story) {
	owner, eve := s.join(t, s.acme, "owner@acme.example", access.Owner), s.join(t, s.globex, "eve@globex.example", access.Owner)
	invitation := must[struct{ ID string }](t, s.kit, owner.AccessToken, inviteIt, vars{"email": "new@acme.example", "role": roleNamed(t, s.kit, owner.AccessToken, "Viewer")})
	wantEqual(t, "Globex's members", len(membersOf(t, s, eve.AccessToken)), 1)
	for _, id := range []string{owner.viewer(t, s.kit).MemberID, invitation.ID, roleNamed(t, s.kit, owner.AccessToken, "Owner")} {
		if got := must[struct{ ID string }](t, s.kit, owner.AccessToken, staffNode, vars{"id": id}); got.ID != id {
			t.Errorf("the owner finds %+v", got)
		}
		wantCode(t, s.kit, eve.AccessToken, staffNode, vars{"id": id}, "NOT_FOUND")
		wantCode(t, s.kit, s.acme.ReadKey, staffNode, vars{"id": id}, "FORBIDDEN")
		wantCode(t, s.kit, eve.AccessToken, removeMemberIt, vars{"id": id}, "NOT_FOUND")
		wantCode(t, s.kit, eve.AccessToken, uninviteIt, vars{"id": id}, "NOT_FOUND")
		wantCode(t, s.kit, eve.AccessToken, removeRoleIt, vars{"id": id}, "NOT_FOUND")
	}
}

// Whoever looks as another sees what they see, changes nothing, and is named in the log.
func somebodyLooksAsAnother(t *testing.T, s story) {
	owner, admin := s.join(t, s.acme, "owner@acme.example", access.Owner), s.join(t, s.acme, "admin@acme.example", access.Admin)
	ann := s.join(t, s.acme, "ann@acme.example", access.Analyst)
	id := ann.viewer(t, s.kit).MemberID
	wantCode(t, s.kit, admin.AccessToken, impersonateIt, vars{"member": id, "reason": "a look"}, "FORBIDDEN")
	wantCode(t, s.kit, owner.AccessToken, impersonateIt, vars{"member": id, "reason": " "}, "BAD_USER_INPUT")
	as := must[signedIn](t, s.kit, owner.AccessToken, impersonateIt, vars{"member": id, "reason": "ticket 7"})
	if as.RefreshToken != "" {
		t.Error("there is a refresh token")
	}
	v := as.viewer(t, s.kit)
	wantEqual(t, "who", []any{v.Email, v.Impersonated, v.Permissions, len(v.Sessions.Nodes)}, []any{ann.email, true, []string{"READ_METRICS", "READ", "READ_REVENUE", "READ_SCHEMA"}, 0})
	wantEqual(t, "Ann's sessions", ann.viewer(t, s.kit).Sessions.TotalCount, 1)
	for _, document := range []string{endOthers, `mutation { enrollSecondFactor(password: "x") { uri } }`, `mutation { changePassword(password: "x", newPassword: "y") }`} {
		wantCode(t, s.kit, as.AccessToken, document, nil, "FORBIDDEN")
	}
	as2 := must[signedIn](t, s.kit, owner.AccessToken, impersonateIt, vars{"member": admin.viewer(t, s.kit).MemberID, "reason": "ticket 8"})
	wantCode(t, s.kit, as2.AccessToken, inviteIt, vars{"email": "x@acme.example", "role": roleNamed(t, s.kit, owner.AccessToken, "Viewer")}, "FORBIDDEN")
	wantCode(t, s.kit, as2.AccessToken, impersonateIt, vars{"member": id, "reason": "further"}, "FORBIDDEN")
	must[bool](t, s.kit, as.AccessToken, signOut, nil)
	soon(t, "the end of the look", func() bool { return !works(t, s.kit, as.AccessToken) })
	told := rows(t, ownerConn(t, s), `select action || ' ' || (impersonator is not null)::text from audit_entry where tenant_id = $1 and action like 'IMPERSONATION%' order by seq`, s.acme.ID)
	wantEqual(t, "the log", told, []string{"IMPERSONATION_BEGUN false", "IMPERSONATION_BEGUN false", "IMPERSONATION_ENDED true"})
	// The right to look ends with the looker's.
	two := s.join(t, s.acme, "two@acme.example", access.Owner)
	must[any](t, s.kit, two.AccessToken, changeRoleIt, vars{"id": owner.viewer(t, s.kit).MemberID, "role": roleNamed(t, s.kit, two.AccessToken, "Admin")})
	soon(t, "the end of the other look", func() bool { return !works(t, s.kit, as2.AccessToken) })
}

// Whether an address is known here, nobody is told (rule 11).
func aPasswordIsForgotten(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Viewer)
	wantEqual(t, "known", must[bool](t, s.kit, "", requestReset, vars{"email": strings.ToUpper(ann.email)}), true)
	wantEqual(t, "unknown", must[bool](t, s.kit, "", requestReset, vars{"email": "nobody.at.all@acme.example"}), true)
	link := s.mailTo(t, ann.email, "half an hour")
	if !strings.HasPrefix(link, "http://app.example.com/reset-password#token=tms_") {
		t.Errorf("the link is %s", link)
	}
	token := fragmentOf(t, link, "token")
	const fresh = "brass lantern oversea"
	wantCode(t, s.kit, "", resetIt, vars{"token": token, "password": "password1234"}, "BAD_USER_INPUT")
	must[bool](t, s.kit, "", resetIt, vars{"token": token, "password": fresh})
	wantCode(t, s.kit, "", resetIt, vars{"token": token, "password": "fjord-walnut-cymbal"}, "NOT_FOUND")
	wantCode(t, s.kit, "", resetIt, vars{"token": token[:len(token)-2] + "xx", "password": fresh}, "NOT_FOUND")
	soon(t, "the end of Ann's session", func() bool { return !works(t, s.kit, ann.AccessToken) })
	wantCode(t, s.kit, "", signIn, vars{"email": ann.email, "password": passphrase}, "UNAUTHENTICATED")
	must[signedIn](t, s.kit, "", signIn, vars{"email": ann.email, "password": fresh})
	var waiting int
	soon(t, "the end of the queue", func() bool {
		s.kit.Scan(t, `select (select count(*) from mail_outbox) + (select count(*) from password_reset_request where done_at is null)`, nil, &waiting)
		return waiting == 0
	})
	for _, r := range rows(t, ownerConn(t, s), `select coalesce(after::text, '') || coalesce(before::text, '') || target_id from audit_entry`) {
		if strings.Contains(r, "nobody.at.all") || strings.Contains(r, passphrase) || strings.Contains(r, "tms_") {
			t.Errorf("the log has %s", r)
		}
	}
}

// However many there are, their roles are read by one statement.
func TestRolesAreReadTogether(t *testing.T) {
	s := begin(t)
	owner := s.join(t, s.acme, "owner@acme.example", access.Owner)
	for _, name := range []string{"a", "b", "c"} {
		s.join(t, s.acme, name+"@acme.example", access.Viewer)
		s.invited(t, s.acme, "new."+name+"@acme.example", access.Analyst)
		s.connect(t, newIDP(t), owner, vars{"name": name})
	}
	for list, want := range map[string]int{"members": 4, "invitations": 3, "identityProviders": 3} {
		role := map[string]string{"identityProviders": "defaultRole"}[list]
		if role == "" {
			role = "role"
		}
		s.kit.Statements.Take()
		got := must[struct{ Nodes []any }](t, s.kit, owner.AccessToken, `{ `+list+` { nodes { `+role+` { name } } } }`, nil)
		asked := s.kit.Statements.Take()
		wantEqual(t, list, []int{len(got.Nodes), asked["RoleListByIDs"], asked["IdentityProviderGet"]}, []int{want, 1, 0})
	}
}
