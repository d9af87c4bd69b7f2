package scenario_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
)

// How people sign in, and what becomes of it.
func TestSessions(t *testing.T) {
	beginStaff(t).tell(t, []chapter{
		{"who signs in is known", whoSignsInIsKnown},
		{"a wrong sign in tells nothing", aWrongSignInTellsNothing},
		{"one attempt a document", oneAttemptADocument},
		{"guesses are locked", guessesAreLocked},
		{"a refresh token is good once", aRefreshTokenIsGoodOnce},
		{"twenty refreshes at once", twentyRefreshesAtOnce},
		{"sessions are ended", sessionsAreEnded},
		{"an ended session is shown out", anEndedSessionIsShownOut},
		{"tenants are switched", tenantsAreSwitched},
		{"a forged token opens nothing", aForgedTokenOpensNothing},
		{"a password is changed", aPasswordIsChanged},
	})
}

func whoSignsInIsKnown(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Analyst)
	v := ann.viewer(t, s.kit)
	wantEqual(t, "who", []string{v.Email, v.Name, v.TenantID}, []string{ann.email, "Somebody", ann.TenantID})
	wantEqual(t, "permissions", v.Permissions, []string{"READ_METRICS", "READ", "READ_REVENUE", "READ_SCHEMA", "EDIT_REPORTS"})
	wantEqual(t, "memberships", len(v.Memberships), 1)
	wantEqual(t, "role", v.Memberships[0].RoleName, "Analyst")
	if len(v.Sessions.Nodes) != 1 || !v.Sessions.Nodes[0].Current || v.Sessions.Nodes[0].Address != "127.0.0.1" || !strings.HasPrefix(v.Sessions.Nodes[0].UserAgent, "Go-http") {
		t.Errorf("sessions %+v", v.Sessions)
	}
	again := ann.signIn(t)
	if again.AccessToken == ann.AccessToken || !works(t, s.kit, again.AccessToken) || !works(t, s.kit, ann.AccessToken) {
		t.Error("a second session takes the place of the first, or is none")
	}
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	if got := must[struct{ Count int }](t, s.kit, ann.AccessToken, `{ events(`+ever+`) { count } }`, nil); got.Count != 1 {
		t.Errorf("Ann sees %d events", got.Count)
	}
	eve := s.join(t, s.globex, "eve@globex.example", access.Owner)
	if got := must[struct{ Count int }](t, s.kit, eve.AccessToken, `{ events(`+ever+`) { count } }`, nil); got.Count != 0 {
		t.Errorf("the stranger sees %d events", got.Count)
	}
	wantCode(t, s.kit, ann.AccessToken, `mutation { setEventRetention(months: 3) { id } }`, nil, "FORBIDDEN")
	key := must[viewer](t, s.kit, s.acme.ReadKey, viewerIt, nil)
	if key.Email != "" || key.MemberID != "" || len(key.Memberships)+len(key.Sessions.Nodes) != 0 {
		t.Errorf("a key is %+v", key)
	}
}

// An address that nobody has, a wrong password, and somebody who was removed are one.
func aWrongSignInTellsNothing(t *testing.T, s story) {
	ann, gone := s.join(t, s.acme, "ann@acme.example", access.Viewer), s.join(t, s.acme, "gone@acme.example", access.Viewer)
	owner := s.join(t, s.acme, "owner@acme.example", access.Owner)
	must[string](t, s.kit, owner.AccessToken, removeMemberIt, vars{"id": gone.viewer(t, s.kit).MemberID})
	var answers []string
	for _, who := range []vars{
		{"email": ann.email, "password": "tulip granite ferr"}, {"email": gone.email, "password": passphrase},
		{"email": "nobody." + ann.email, "password": passphrase}, {"email": "no address", "password": passphrase},
		{"email": ann.email, "password": ""}, {"email": ann.email, "password": strings.Repeat("x", 10_000)},
	} {
		reply := s.kit.Ask(t, "", signIn, who)
		if len(reply.Errors) != 1 {
			t.Fatalf("%v: %+v %s", who, reply.Errors, reply.Data)
		}
		answers = append(answers, fmt.Sprint(reply.Errors[0].Message, reply.Errors[0].Extensions))
		if answers[0] != answers[len(answers)-1] {
			t.Errorf("%v: %s, want %s", who, answers[len(answers)-1], answers[0])
		}
	}
	stranger := s.join(t, s.globex, "eve@globex.example", access.Owner)
	wantCode(t, s.kit, "", signIn, vars{"email": ann.email, "password": passphrase, "tenant": stranger.TenantID}, "NOT_FOUND")
}

// A hundred attempts in one document are none (rule 3).
func oneAttemptADocument(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Viewer)
	var many strings.Builder
	many.WriteString("mutation {")
	for i := range 100 {
		fmt.Fprintf(&many, ` a%d: signIn(email: %q, password: "x") { state }`, i, ann.email)
	}
	many.WriteString("}")
	wantCode(t, s.kit, "", many.String(), nil, "BAD_USER_INPUT")
	var failed int
	s.kit.Scan(t, `select count(*) from audit_entry where action = 'SIGN_IN_FAILED' and tenant_id = $1`, []any{s.acme.ID}, &failed)
	if failed != 0 {
		t.Errorf("%d attempts were made", failed)
	}
	if in := ann.signIn(t); in.State != "SIGNED_IN" {
		t.Errorf("afterwards: %+v", in)
	}
}

// Guesses lock the account for a while, the right password included, and nobody else's.
func guessesAreLocked(t *testing.T, s story) {
	ann, bob := s.join(t, s.acme, "ann@acme.example", access.Viewer), s.join(t, s.acme, "bob@acme.example", access.Viewer)
	for range 5 {
		wantCode(t, s.kit, "", signIn, vars{"email": ann.email, "password": "wrong wrong wrong"}, "UNAUTHENTICATED")
	}
	wantCode(t, s.kit, "", signIn, vars{"email": strings.ToUpper(ann.email), "password": passphrase}, "RATE_LIMITED")
	if in := bob.signIn(t); in.State != "SIGNED_IN" {
		t.Errorf("Bob: %+v", in)
	}
	var told int
	s.kit.Scan(t, `select count(*) from audit_entry where action = 'SIGN_IN_FAILED' and tenant_id = $1`, []any{s.acme.ID}, &told)
	wantEqual(t, "failures in the log", told, 5)
}

func aRefreshTokenIsGoodOnce(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Viewer)
	second := must[signedIn](t, s.kit, "", refreshIt, vars{"refreshToken": ann.RefreshToken})
	third := must[signedIn](t, s.kit, "", refreshIt, vars{"refreshToken": second.RefreshToken})
	if !works(t, s.kit, third.AccessToken) || third.RefreshToken == second.RefreshToken {
		t.Error("the third tokens are no good")
	}
	other := ann.signIn(t)
	wantCode(t, s.kit, "", refreshIt, vars{"refreshToken": ann.RefreshToken}, "UNAUTHENTICATED")
	wantCode(t, s.kit, "", refreshIt, vars{"refreshToken": third.RefreshToken}, "UNAUTHENTICATED")
	soon(t, "the end of the family", func() bool { return !works(t, s.kit, third.AccessToken) && !works(t, s.kit, ann.AccessToken) })
	if !works(t, s.kit, other.AccessToken) {
		t.Error("another session has ended as well")
	}
	for _, token := range []string{"", "x", "tmf_", ann.RefreshToken + "x", strings.Repeat("tmf_A", 1000), s.acme.ReadKey} {
		wantCode(t, s.kit, "", refreshIt, vars{"refreshToken": token}, "UNAUTHENTICATED")
	}
	var reused int
	s.kit.Scan(t, `select count(*) from audit_entry where action = 'SESSION_REUSED' and tenant_id = $1`, []any{s.acme.ID}, &reused)
	wantEqual(t, "lines about the reuse", reused, 1)
}

func twentyRefreshesAtOnce(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Viewer)
	var mu sync.Mutex
	var won []signedIn
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			in, code := field[signedIn](t, s.kit, "", refreshIt, vars{"refreshToken": ann.RefreshToken})
			if code == "" {
				mu.Lock()
				won = append(won, in)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(won) > 1 {
		t.Errorf("%d of 20 have won", len(won))
	}
	for _, in := range won {
		wantCode(t, s.kit, "", refreshIt, vars{"refreshToken": in.RefreshToken}, "UNAUTHENTICATED")
	}
	soon(t, "the end of the family", func() bool { return !works(t, s.kit, ann.AccessToken) })
}

func sessionsAreEnded(t *testing.T, s story) {
	ann, bob := s.join(t, s.acme, "ann@acme.example", access.Viewer), s.join(t, s.acme, "bob@acme.example", access.Viewer)
	second, third := ann.signIn(t), ann.signIn(t)
	v := third.viewer(t, s.kit)
	wantEqual(t, "sessions", v.Sessions.TotalCount, 3)
	for _, session := range bob.viewer(t, s.kit).Sessions.Nodes {
		wantCode(t, s.kit, third.AccessToken, endIt, vars{"id": session.ID}, "NOT_FOUND")
	}
	wantCode(t, s.kit, third.AccessToken, endIt, vars{"id": v.MemberID}, "NOT_FOUND")
	wantCode(t, s.kit, s.acme.ReadKey, endIt, vars{"id": v.Sessions.Nodes[0].ID}, "FORBIDDEN")
	wantCode(t, s.kit, "", endIt, vars{"id": v.Sessions.Nodes[0].ID}, "UNAUTHENTICATED")
	must[string](t, s.kit, third.AccessToken, endIt, vars{"id": v.Sessions.Nodes[2].ID}) // the first
	soon(t, "the end of the first", func() bool { return !works(t, s.kit, ann.AccessToken) })
	wantEqual(t, "others", must[int](t, s.kit, third.AccessToken, endOthers, nil), 1)
	soon(t, "the end of the second", func() bool { return !works(t, s.kit, second.AccessToken) })
	wantEqual(t, "signed out", must[bool](t, s.kit, third.AccessToken, signOut, nil), true)
	soon(t, "the end of the third", func() bool { return !works(t, s.kit, third.AccessToken) })
	wantCode(t, s.kit, "", refreshIt, vars{"refreshToken": third.RefreshToken}, "UNAUTHENTICATED")
	if !works(t, s.kit, bob.AccessToken) {
		t.Error("Bob was signed out")
	}
}

// Who watches is shown out when their session ends, and asked to come again when their role
// changes (rule 7).
func anEndedSessionIsShownOut(t *testing.T, s story) {
	owner := s.join(t, s.acme, "owner@acme.example", access.Owner)
	ann, bob := s.join(t, s.acme, "ann@acme.example", access.Analyst), s.join(t, s.acme, "bob@acme.example", access.Analyst)
	query := live(`events(` + thatDay + `) { count }`)
	anns, bobs := s.kit.Connect(t, ann.AccessToken), s.kit.Connect(t, bob.AccessToken)
	wantNext(t, socketWatcher{anns, anns.Subscribe(t, query)}, `"count":0`)
	wantNext(t, socketWatcher{bobs, bobs.Subscribe(t, query)}, `"count":0`)
	must[bool](t, s.kit, ann.AccessToken, signOut, nil)
	if got, ended := (ending{t, anns}).end(); !ended || got.Closed != 4401 {
		t.Errorf("Ann's socket ends with %+v, want 4401", got)
	}
	must[any](t, s.kit, owner.AccessToken, changeRoleIt, vars{"id": bob.viewer(t, s.kit).MemberID, "role": roleNamed(t, s.kit, owner.AccessToken, "Viewer")})
	if got, ended := (ending{t, bobs}).end(); !ended || got.Closed != 1012 {
		t.Errorf("Bob's socket ends with %+v, want 1012", got)
	}
	again := s.kit.Connect(t, bob.AccessToken)
	wantNext(t, socketWatcher{again, again.Subscribe(t, query)}, `"count":0`)
	must[string](t, s.kit, owner.AccessToken, removeMemberIt, vars{"id": bob.viewer(t, s.kit).MemberID})
	if got, ended := (ending{t, again}).end(); !ended || got.Closed != 4401 {
		t.Errorf("Bob's socket ends with %+v, want 4401", got)
	}
	wantCode(t, s.kit, "", refreshIt, vars{"refreshToken": bob.RefreshToken}, "UNAUTHENTICATED")
}

func tenantsAreSwitched(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Viewer)
	stranger := s.join(t, s.globex, "eve@globex.example", access.Owner)
	wantCode(t, s.kit, ann.AccessToken, switchIt, vars{"tenant": stranger.TenantID}, "NOT_FOUND")
	wantCode(t, s.kit, ann.AccessToken, switchIt, vars{"tenant": "x"}, "NOT_FOUND")
	token := s.invited(t, s.globex, ann.email, access.Analyst)
	wantCode(t, s.kit, "", acceptIt, vars{"token": token, "name": "Ann", "password": "another password"}, "UNAUTHENTICATED")
	must[signedIn](t, s.kit, "", acceptIt, vars{"token": token, "name": "Ann", "password": passphrase})
	wantEqual(t, "memberships", len(ann.viewer(t, s.kit).Memberships), 2)
	there := must[signedIn](t, s.kit, ann.AccessToken, switchIt, vars{"tenant": stranger.TenantID})
	wantEqual(t, "tenant", there.viewer(t, s.kit).TenantID, stranger.TenantID)
	soon(t, "the end of the first session", func() bool { return !works(t, s.kit, ann.AccessToken) })
	wantEqual(t, "tenant", must[signedIn](t, s.kit, "", signIn, vars{"email": ann.email, "password": passphrase, "tenant": stranger.TenantID}).TenantID, stranger.TenantID)
	wantEqual(t, "tenant", ann.signIn(t).TenantID, ann.TenantID)
}

// Tokens that are not ours, or not for this, are refused before anything is looked up (rule 8).
func aForgedTokenOpensNothing(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Owner)
	parts := strings.Split(ann.AccessToken, ".")
	for name, token := range map[string]string{
		"a cut signature": ann.AccessToken[:len(ann.AccessToken)-4], "no signature": parts[0] + "." + parts[1] + ".",
		"none": "eyJhbGciOiJub25lIn0." + parts[1] + ".", "another payload": parts[0] + ".e30." + parts[2],
		"dots": "ey" + strings.Repeat(".", 3_000), "two parts": parts[0] + "." + parts[1], "a space": parts[0] + ". " + parts[1] + "." + parts[2],
	} {
		reply := s.kit.Do(t, http.MethodPost, "/graphql", token, `{"query":"{ viewer { tenantId } }"}`)
		if reply.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, reply.Status, reply.Body)
		}
	}
}

func aPasswordIsChanged(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Viewer)
	other := ann.signIn(t)
	const fresh = "brass lantern oversea"
	wantCode(t, s.kit, ann.AccessToken, changeIt, vars{"password": "wrong wrong wrong", "newPassword": fresh}, "BAD_USER_INPUT")
	for _, bad := range []string{"short", "password1234", strings.SplitN(ann.email, "@", 2)[0]} {
		wantCode(t, s.kit, ann.AccessToken, changeIt, vars{"password": passphrase, "newPassword": bad}, "BAD_USER_INPUT")
	}
	must[bool](t, s.kit, ann.AccessToken, changeIt, vars{"password": passphrase, "newPassword": fresh})
	soon(t, "the end of the other session", func() bool { return !works(t, s.kit, other.AccessToken) })
	if !works(t, s.kit, ann.AccessToken) {
		t.Error("the session that changed it has ended")
	}
	wantCode(t, s.kit, "", signIn, vars{"email": ann.email, "password": passphrase}, "UNAUTHENTICATED")
	must[signedIn](t, s.kit, "", signIn, vars{"email": ann.email, "password": fresh})
}
