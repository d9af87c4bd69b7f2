package scenario_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/totp"

	"github.com/tidemarkhq/tidemark/internal/access"
)

// ownerConn connects as the database's owner.
func ownerConn(t *testing.T, s story) *pgx.Conn {
	t.Helper()
	return owner(t, s.kit.DB)
}

// Codes besides the password.
func TestSecondFactor(t *testing.T) {
	beginStaff(t).tell(t, []chapter{
		{"a code is asked for and good once", aCodeIsAskedForAndGoodOnce},
		{"recovery codes are good once", recoveryCodesAreGoodOnce},
		{"codes are locked", codesAreLocked},
		{"a tenant requires it", aTenantRequiresIt},
	})
}

// app is somebody's authenticator.
type authenticator struct{ secret string }

// code is that of a number of steps from now.
func (a authenticator) code(t *testing.T, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(a.secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrol gives somebody a second factor; the step before now is used up by it.
func (p person) enrol(t *testing.T) (authenticator, []string) {
	t.Helper()
	wantCode(t, p.kit, p.AccessToken, enrollIt, vars{"password": "wrong wrong wrong"}, "BAD_USER_INPUT")
	made := must[struct{ Secret, URI string }](t, p.kit, p.AccessToken, enrollIt, vars{"password": passphrase})
	u, err := url.Parse(made.URI)
	if err != nil || u.Scheme != "otpauth" || u.Query().Get("secret") != made.Secret || u.Query().Get("issuer") != "Tidemark" {
		t.Errorf("the address is %s, %v", made.URI, err)
	}
	app := authenticator{made.Secret}
	wantCode(t, p.kit, p.AccessToken, confirmIt, vars{"code": app.code(t, -3)}, "UNAUTHENTICATED")
	codes := must[[]string](t, p.kit, p.AccessToken, confirmIt, vars{"code": app.code(t, -1)})
	if len(codes) != 10 {
		t.Errorf("%d recovery codes", len(codes))
	}
	return app, codes
}

func aCodeIsAskedForAndGoodOnce(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Viewer)
	app, _ := ann.enrol(t)
	v := ann.viewer(t, s.kit)
	wantEqual(t, "state", []any{v.HasSecondFactor, v.NeedsSecondFactor, v.RecoveryCodesLeft, v.Sessions.Nodes[0].SecondFactor}, []any{true, false, 10, true})
	wantCode(t, s.kit, ann.AccessToken, enrollIt, vars{"password": passphrase}, "BAD_USER_INPUT")
	in := ann.signIn(t)
	wantEqual(t, "first", []any{in.State, in.AccessToken, in.RefreshToken}, []any{"SECOND_FACTOR_NEEDED", "", ""})
	if works(t, s.kit, in.Challenge) {
		t.Error("a challenge opens something")
	}
	code := app.code(t, 0)
	wantCode(t, s.kit, "", verifyIt, vars{"challenge": ann.AccessToken, "code": code}, "UNAUTHENTICATED")
	var mu sync.Mutex
	var all sync.WaitGroup
	won := []signedIn{}
	for range 4 {
		all.Go(func() {
			if done, code := field[signedIn](t, s.kit, "", verifyIt, vars{"challenge": in.Challenge, "code": code}); code == "" {
				mu.Lock()
				won = append(won, done)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(won) != 1 || !works(t, s.kit, won[0].AccessToken) {
		t.Fatalf("%d of 4 replays in parallel have won", len(won))
	}
	wantCode(t, s.kit, "", verifyIt, vars{"challenge": in.Challenge, "code": code}, "UNAUTHENTICATED")
	must[bool](t, s.kit, won[0].AccessToken, removeIt, vars{"code": app.code(t, 1)})
	wantEqual(t, "without", ann.signIn(t).State, "SIGNED_IN")
}

func recoveryCodesAreGoodOnce(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Viewer)
	app, codes := ann.enrol(t)
	in := ann.signIn(t)
	must[signedIn](t, s.kit, "", verifyIt, vars{"challenge": in.Challenge, "code": codes[0]})
	wantCode(t, s.kit, "", verifyIt, vars{"challenge": in.Challenge, "code": codes[0]}, "UNAUTHENTICATED")
	wantEqual(t, "left", ann.viewer(t, s.kit).RecoveryCodesLeft, 9)
	fresh := must[[]string](t, s.kit, ann.AccessToken, renewIt, vars{"code": app.code(t, 0)})
	wantCode(t, s.kit, "", verifyIt, vars{"challenge": in.Challenge, "code": codes[1]}, "UNAUTHENTICATED")
	must[signedIn](t, s.kit, "", verifyIt, vars{"challenge": in.Challenge, "code": fresh[0]})
	var plain int
	s.kit.Scan(t, `select count(*) from recovery_code where position(replace($1, '-', '')::bytea in code_hash) > 0`, []any{fresh[1]}, &plain)
	wantEqual(t, "codes in plain text", plain, 0)
}

// Guesses lock the second factor, the right code included.
func codesAreLocked(t *testing.T, s story) {
	ann := s.join(t, s.acme, "ann@acme.example", access.Viewer)
	app, codes := ann.enrol(t)
	in := ann.signIn(t)
	for range 5 {
		wantCode(t, s.kit, "", verifyIt, vars{"challenge": in.Challenge, "code": app.code(t, 9)}, "UNAUTHENTICATED")
	}
	wantCode(t, s.kit, "", verifyIt, vars{"challenge": in.Challenge, "code": app.code(t, 0)}, "RATE_LIMITED")
	wantCode(t, s.kit, "", verifyIt, vars{"challenge": in.Challenge, "code": codes[0]}, "RATE_LIMITED")
}

// Where it is required, whoever has none can set one up, and nothing else.
func aTenantRequiresIt(t *testing.T, s story) {
	owner, ann := s.join(t, s.acme, "owner@acme.example", access.Owner), s.join(t, s.acme, "ann@acme.example", access.Viewer)
	must[bool](t, s.kit, owner.AccessToken, requireFactor, vars{"required": true})
	soon(t, "the requirement", func() bool { return len(ann.viewer(t, s.kit).Permissions) == 0 })
	wantCode(t, s.kit, ann.AccessToken, `{ tenant { name } }`, nil, "FORBIDDEN")
	wantEqual(t, "needs", ann.viewer(t, s.kit).NeedsSecondFactor, true)
	app, _ := ann.enrol(t)
	soon(t, "Ann's rights", func() bool { return len(ann.viewer(t, s.kit).Permissions) == 2 })
	must[bool](t, s.kit, ann.AccessToken, removeIt, vars{"code": app.code(t, 0)})
	soon(t, "the loss of Ann's rights", func() bool { return len(ann.viewer(t, s.kit).Permissions) == 0 })
	if got := must[struct{ Name string }](t, s.kit, s.acme.ReadKey, `{ tenant { name } }`, nil); got.Name != "Acme" {
		t.Errorf("a key sees %+v", got)
	}
	owners, _ := owner.enrol(t)
	soon(t, "the owner's rights", func() bool { return len(owner.viewer(t, s.kit).Permissions) > 5 })
	must[bool](t, s.kit, owner.AccessToken, requireFactor, vars{"required": false})
	soon(t, "Ann's rights again", func() bool { return len(ann.viewer(t, s.kit).Permissions) == 2 })
	_ = owners
	made := must[struct{ ID string }](t, s.kit, owner.AccessToken, createRoleIt, vars{"role": vars{"name": "Careful", "permissions": []string{"READ_METRICS"}, "requireSecondFactor": true}})
	must[any](t, s.kit, owner.AccessToken, changeRoleIt, vars{"id": ann.viewer(t, s.kit).MemberID, "role": made.ID})
	soon(t, "the role's requirement", func() bool { return ann.viewer(t, s.kit).NeedsSecondFactor })
}
