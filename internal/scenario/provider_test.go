package scenario_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
)

// Sign-ins at a provider of identities.
func TestProviders(t *testing.T) {
	beginStaff(t).tell(t, []chapter{
		{"a provider lets people in", aProviderLetsPeopleIn},
		{"a provider vouches for its own alone", aProviderVouchesForItsOwnAlone},
		{"an owner connects a provider", anOwnerConnectsAProvider},
		{"nobody else's visit", nobodyElsesVisit},
		{"a providers word is good for its tenant", aProvidersWordIsGoodForItsTenant},
	})
}

// connect lets a tenant's people sign in at a provider.
func (s story) connect(t *testing.T, p *idp, owner person, changes vars) (id, start string) {
	t.Helper()
	draft := vars{"name": "Corp", "issuer": p.URL, "clientId": "tidemark", "clientSecret": idpSecret, "allowedDomains": []string{"Corp.example"},
		"defaultRole": roleNamed(t, s.kit, owner.AccessToken, "Viewer")}
	for name, value := range changes {
		draft[name] = value
	}
	made := must[struct{ ID, StartURL string }](t, s.kit, owner.AccessToken, createProviderIt, vars{"provider": draft})
	return made.ID, made.StartURL
}

// through signs somebody in by a provider.
func (s story) through(t *testing.T, start string) signedIn {
	t.Helper()
	b := newBrowser(t)
	told := b.visit(t, b.begin(start))
	if told.Get("code") == "" {
		t.Fatalf("the app is told %v", told)
	}
	return must[signedIn](t, s.kit, "", exchangeIt, vars{"code": told.Get("code"), "verifier": b.verifier})
}

func aProviderLetsPeopleIn(t *testing.T, s story) {
	p, owner := newIDP(t), s.join(t, s.acme, "owner@acme.example", access.Owner)
	id, start := s.connect(t, p, owner, nil)
	in := s.through(t, start)
	v := in.viewer(t, s.kit)
	wantEqual(t, "who", []any{v.Email, v.Name, v.Memberships[0].RoleName, v.TenantID}, []any{"ann@corp.example", "Ann of Corp", "Viewer", owner.TenantID})
	again := s.through(t, start)
	wantEqual(t, "again", again.viewer(t, s.kit).MemberID, v.MemberID)
	p.say(jwt.MapClaims{"sub": "subject-2"}) // the address has changed hands
	b := newBrowser(t)
	wantEqual(t, "another subject", b.visit(t, b.begin(start)).Get("error"), "FORBIDDEN")
	p.say(nil)
	must[string](t, s.kit, owner.AccessToken, removeMemberIt, vars{"id": v.MemberID})
	wantEqual(t, "removed", b.visit(t, b.begin(start)).Get("error"), "FORBIDDEN")
	must[string](t, s.kit, owner.AccessToken, removeProviderIt, vars{"id": id})
	if got := b.visit(t, b.begin(start)).Get("status"); !strings.HasPrefix(got, "404") {
		t.Errorf("a provider that was removed: %s", got)
	}
	soon(t, "the end of the sessions", func() bool { return !works(t, s.kit, in.AccessToken) && !works(t, s.kit, again.AccessToken) })
}

// What it may not say, or says wrongly, lets nobody in.
func aProviderVouchesForItsOwnAlone(t *testing.T, s story) {
	p, owner := newIDP(t), s.join(t, s.acme, "owner@acme.example", access.Owner)
	_, start := s.connect(t, p, owner, nil)
	for name, says := range map[string]jwt.MapClaims{
		"another domain":     {"email": "ann@other.example"},
		"a domain within":    {"email": "ann@corp.example.other.example"},
		"two addresses":      {"email": "ann@corp.example,eve@other.example"},
		"not verified":       {"email_verified": false},
		"no word of it":      {"email_verified": nil},
		"no address":         {"email": ""},
		"another audience":   {"aud": "somebody else"},
		"another issuer":     {"iss": "https://other.example"},
		"another visit's":    {"nonce": "x"},
		"a token of old":     {"exp": time.Now().Add(-time.Hour).Unix()},
		"a line end in it":   {"email": "ann@corp.example\r\nBcc: x@corp.example"},
		"no subject at all":  {"sub": ""},
		"a subject too long": {"sub": strings.Repeat("x", 300)},
	} {
		p.say(says)
		b := newBrowser(t)
		if told := b.visit(t, b.begin(start)); told.Get("error") == "" || told.Get("code") != "" {
			t.Errorf("%s: the app is told %v", name, told)
		}
	}
	_, members := s.connect(t, p, owner, vars{"name": "Members", "defaultRole": nil})
	p.say(jwt.MapClaims{"email": "nobody@corp.example", "sub": "nobody"})
	b := newBrowser(t)
	wantEqual(t, "no member", b.visit(t, b.begin(members)).Get("error"), "FORBIDDEN")
	wantEqual(t, "members", len(membersOf(t, s, owner.AccessToken)), 1)
}

func anOwnerConnectsAProvider(t *testing.T, s story) {
	p, owner := newIDP(t), s.join(t, s.acme, "owner@acme.example", access.Owner)
	admin, eve := s.join(t, s.acme, "admin@acme.example", access.Admin), s.join(t, s.globex, "eve@globex.example", access.Owner)
	draft := func(changes vars) vars {
		d := vars{"name": "Corp", "issuer": p.URL, "clientId": "tidemark", "clientSecret": idpSecret, "allowedDomains": []string{"corp.example"}}
		for name, value := range changes {
			d[name] = value
		}
		return vars{"provider": d}
	}
	wantCode(t, s.kit, admin.AccessToken, createProviderIt, draft(nil), "FORBIDDEN")
	wantCode(t, s.kit, s.acme.ManageKey, createProviderIt, draft(nil), "FORBIDDEN")
	for _, bad := range []vars{
		{"issuer": "http://127.0.0.1:1"}, {"issuer": "file:///etc/passwd"}, {"issuer": "https://user:pw@corp.example"}, {"issuer": "x"}, {"issuer": p.URL + "/elsewhere"},
		{"allowedDomains": []string{}}, {"allowedDomains": []string{"*"}}, {"allowedDomains": []string{"@corp.example"}}, {"name": ""},
		{"defaultRole": roleNamed(t, s.kit, owner.AccessToken, "Owner")},
	} {
		wantCode(t, s.kit, owner.AccessToken, createProviderIt, draft(bad), "BAD_USER_INPUT")
	}
	wantCode(t, s.kit, owner.AccessToken, createProviderIt, draft(vars{"defaultRole": roleNamed(t, s.kit, eve.AccessToken, "Viewer")}), "NOT_FOUND")
	id, start := s.connect(t, p, owner, vars{"countsAsSecondFactor": true})
	type list struct {
		Nodes []struct {
			ID, StartURL   string
			AllowedDomains []string
		}
		TotalCount int
	}
	mine := must[list](t, s.kit, admin.AccessToken, providersIt, nil)
	wantEqual(t, "mine", []any{mine.TotalCount, mine.Nodes[0].ID, mine.Nodes[0].StartURL, mine.Nodes[0].AllowedDomains}, []any{1, id, start, []string{"corp.example"}})
	wantEqual(t, "Globex's", must[list](t, s.kit, eve.AccessToken, providersIt, nil).TotalCount, 0)
	wantCode(t, s.kit, eve.AccessToken, removeProviderIt, vars{"id": id}, "NOT_FOUND")
	wantCode(t, s.kit, eve.AccessToken, staffNode, vars{"id": id}, "NOT_FOUND")
	var open int
	s.kit.Scan(t, `select count(*) from identity_provider where position($1::bytea in sealed_client_secret) > 0`, []any{[]byte(idpSecret)}, &open)
	wantEqual(t, "secrets in plain text", open, 0)
}

// An answer counts in the browser that asked, and its code in the app that began the visit.
func nobodyElsesVisit(t *testing.T, s story) {
	p, owner := newIDP(t), s.join(t, s.acme, "owner@acme.example", access.Owner)
	_, start := s.connect(t, p, owner, nil)
	ann, eve := newBrowser(t), newBrowser(t)
	told := ann.visit(t, ann.begin(start))
	wantCode(t, s.kit, "", exchangeIt, vars{"code": told.Get("code"), "verifier": eve.verifier}, "UNAUTHENTICATED")
	wantCode(t, s.kit, "", exchangeIt, vars{"code": told.Get("code"), "verifier": ann.verifier}, "UNAUTHENTICATED") // it is used up
	callback := s.kit.URL + "/auth/oidc/callback?code=x&state=y"
	wantEqual(t, "without a cookie", eve.visit(t, callback).Get("error"), "UNAUTHENTICATED")
	for _, challenge := range []string{"", "?challenge=", "?challenge=short", "?challenge=" + strings.Repeat("x", 500)} {
		if got := eve.visit(t, start+challenge).Get("status"); !strings.HasPrefix(got, "400") {
			t.Errorf("a challenge %q: %s", challenge, got)
		}
	}
	other := strings.Replace(start, s.acme.ID.String(), s.globex.ID.String(), 1)
	for _, address := range []string{other, s.kit.URL + "/auth/oidc/x/y/start", s.kit.URL + "/auth/oidc/"} {
		if got := eve.visit(t, eve.begin(address)).Get("status"); !strings.HasPrefix(got, "404") {
			t.Errorf("%s: %s", address, got)
		}
	}
	if reply := s.kit.Do(t, http.MethodPost, "/auth/oidc/callback", "", ""); reply.Status == http.StatusOK {
		t.Errorf("a POST: %d", reply.Status)
	}
}

// A provider of one tenant opens no other, whose member may have the same address.
func aProvidersWordIsGoodForItsTenant(t *testing.T, s story) {
	p, eve := newIDP(t), s.join(t, s.globex, "eve@globex.example", access.Owner)
	ann := s.join(t, s.acme, "ann@corp.example", access.Owner)
	_, start := s.connect(t, p, eve, nil)
	p.say(jwt.MapClaims{"email": ann.email, "sub": "ann"})
	as := s.through(t, start)
	v := as.viewer(t, s.kit)
	wantEqual(t, "there", []any{v.Email, v.TenantID, len(v.Memberships), v.Sessions.TotalCount}, []any{ann.email, eve.TenantID, 1, 1})
	wantCode(t, s.kit, as.AccessToken, switchIt, vars{"tenant": ann.TenantID}, "FORBIDDEN")
	wantCode(t, s.kit, as.AccessToken, changeIt, vars{"password": passphrase, "newPassword": "brass lantern oversea"}, "FORBIDDEN")
	wantCode(t, s.kit, as.AccessToken, enrollIt, vars{"password": passphrase}, "FORBIDDEN")
	wantEqual(t, "others ended", must[int](t, s.kit, as.AccessToken, endOthers, nil), 0)
	if !works(t, s.kit, ann.AccessToken) {
		t.Error("Ann's own session has ended")
	}
	// A second factor is asked for here, where the provider's does not count as one.
	app, _ := ann.enrol(t)
	challenged := s.through(t, start)
	wantEqual(t, "state", challenged.State, "SECOND_FACTOR_NEEDED")
	in := must[signedIn](t, s.kit, "", verifyIt, vars{"challenge": challenged.Challenge, "code": app.code(t, 0)})
	wantCode(t, s.kit, in.AccessToken, switchIt, vars{"tenant": ann.TenantID}, "FORBIDDEN")
}
