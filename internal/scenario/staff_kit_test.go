package scenario_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// passphrase is everybody's password in these stories, unless they change it.
const passphrase = "tulip granite ferry"

const signInFields = `state tenantId accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt challenge challengeExpiresAt`

const (
	signIn           = `mutation ($email: String!, $password: String!, $tenant: ID) { signIn(email: $email, password: $password, tenant: $tenant) { ` + signInFields + ` } }`
	refreshIt        = `mutation ($refreshToken: String!) { refreshSession(refreshToken: $refreshToken) { ` + signInFields + ` } }`
	acceptIt         = `mutation ($token: String!, $name: String!, $password: String!) { acceptInvitation(token: $token, name: $name, password: $password) { ` + signInFields + ` } }`
	verifyIt         = `mutation ($challenge: String!, $code: String!) { verifySecondFactor(challenge: $challenge, code: $code) { ` + signInFields + ` } }`
	exchangeIt       = `mutation ($code: String!, $verifier: String!) { exchangeSignInCode(code: $code, verifier: $verifier) { ` + signInFields + ` } }`
	switchIt         = `mutation ($tenant: ID!) { switchTenant(tenant: $tenant) { ` + signInFields + ` } }`
	impersonateIt    = `mutation ($member: ID!, $reason: String!) { impersonate(member: $member, reason: $reason) { ` + signInFields + ` } }`
	requestReset     = `mutation ($email: String!) { requestPasswordReset(email: $email) }`
	resetIt          = `mutation ($token: String!, $password: String!) { resetPassword(token: $token, password: $password) }`
	changeIt         = `mutation ($password: String!, $newPassword: String!) { changePassword(password: $password, newPassword: $newPassword) }`
	signOut          = `mutation { signOut }`
	endIt            = `mutation ($id: ID!) { endSession(id: $id) }`
	endOthers        = `mutation { endOtherSessions }`
	enrollIt         = `mutation ($password: String!) { enrollSecondFactor(password: $password) { secret uri } }`
	confirmIt        = `mutation ($code: String!) { confirmSecondFactor(code: $code) }`
	renewIt          = `mutation ($code: String!) { renewRecoveryCodes(code: $code) }`
	removeIt         = `mutation ($code: String!) { removeSecondFactor(code: $code) }`
	viewerIt         = `{ viewer { tenantId memberId email name permissions impersonated hasSecondFactor needsSecondFactor recoveryCodesLeft memberships { tenantId tenantName roleName joinedAt } sessions(first: 10) { edges { cursor node { id } } nodes { id tenantId current signedInAt lastUsedAt expiresAt address userAgent secondFactor } pageInfo { hasNextPage endCursor } totalCount } } }`
	membersIt        = `query ($first: Int!, $after: String) { members(first: $first, after: $after) { edges { cursor node { id } } nodes { id email name joinedAt role { id builtin name permissions requiresSecondFactor rows } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`
	invitationsIt    = `{ invitations { edges { cursor node { id } } nodes { id email invitedAt expiresAt role { name } } pageInfo { hasNextPage } totalCount } }`
	rolesIt          = `query ($first: Int! = 50, $after: String) { roles(first: $first, after: $after) { edges { cursor node { id } } nodes { id builtin name permissions requiresSecondFactor rows } pageInfo { hasNextPage endCursor } totalCount } secondFactorRequired }`
	providersIt      = `{ identityProviders { edges { cursor node { id } } nodes { id name issuer clientId allowedDomains defaultRole { name } countsAsSecondFactor createdAt startUrl } pageInfo { hasNextPage } totalCount } }`
	inviteIt         = `mutation ($email: String!, $role: ID!) { inviteMember(email: $email, role: $role) { id email role { name } invitedAt expiresAt } }`
	uninviteIt       = `mutation ($id: ID!) { revokeInvitation(id: $id) }`
	changeRoleIt     = `mutation ($id: ID!, $role: ID!) { changeMemberRole(id: $id, role: $role) { id role { name } } }`
	removeMemberIt   = `mutation ($id: ID!) { removeMember(id: $id) }`
	createRoleIt     = `mutation ($role: RoleInput!) { createRole(role: $role) { id builtin name permissions requiresSecondFactor rows } }`
	updateRoleIt     = `mutation ($id: ID!, $role: RoleInput!) { updateRole(id: $id, role: $role) { id name permissions requiresSecondFactor rows } }`
	removeRoleIt     = `mutation ($id: ID!) { removeRole(id: $id) }`
	requireFactor    = `mutation ($required: Boolean!) { requireSecondFactor(required: $required) }`
	createProviderIt = `mutation ($provider: IdentityProviderInput!) { createIdentityProvider(provider: $provider) { id startUrl defaultRole { name } } }`
	removeProviderIt = `mutation ($id: ID!) { removeIdentityProvider(id: $id) }`
)

// signedIn is what a sign-in has come to.
type signedIn struct {
	State, TenantID, AccessToken, RefreshToken, Challenge string
	AccessTokenExpiresAt, RefreshTokenExpiresAt           time.Time
}

// person is somebody who has signed in.
type person struct {
	signedIn
	email string
	kit   *served.Kit
}

type vars = map[string]any

// ask sends a document, signed in as somebody or, with an empty token, as nobody. An error
// gives its code, and no data.
func ask[T any](t *testing.T, kit *served.Kit, token, document string, variables vars) (data T, code string) {
	t.Helper()
	answer := kit.Ask(t, token, document, variables)
	if len(answer.Errors) > 0 {
		wantDiscreet(t, answer.Errors[0].Message, passphrase)
		return data, answer.Errors[0].Extensions.Code
	}
	if err := json.Unmarshal(answer.Data, &data); err != nil {
		t.Fatalf("decode data: %v\n%s", err, answer.Data)
	}
	return data, ""
}

// field asks for one root field, which is all that the data has.
func field[T any](t *testing.T, kit *served.Kit, token, document string, variables vars) (value T, code string) {
	t.Helper()
	data, code := ask[map[string]T](t, kit, token, document, variables)
	for _, v := range data {
		value = v
	}
	return value, code
}

// must is field that fails the test on an error.
func must[T any](t *testing.T, kit *served.Kit, token, document string, variables vars) T {
	t.Helper()
	value, code := field[T](t, kit, token, document, variables)
	if code != "" {
		t.Fatalf("%.60s: %s", document, code)
	}
	return value
}

// wantCode asks for what must be refused.
func wantCode(t *testing.T, kit *served.Kit, token, document string, variables vars, want string) {
	t.Helper()
	if _, code := field[any](t, kit, token, document, variables); code != want {
		t.Errorf("%.70s %v: %q, want %q", document, variables, code, want)
	}
}

// fragmentOf reads a value of a link's fragment.
func fragmentOf(t *testing.T, link, name string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	values, err := url.ParseQuery(u.Fragment)
	if err != nil || values.Get(name) == "" {
		t.Fatalf("the link %q has no %s: %v", link, name, err)
	}
	return values.Get(name)
}

// invited gives the token of an invitation that whoever runs the installation has made.
func (s story) invited(t *testing.T, to *served.Tenant, email string, role access.Builtin) string {
	t.Helper()
	staff, err := s.kit.Node.Staff()
	if err != nil {
		t.Fatal(err)
	}
	link, err := staff.InviteFirst(t.Context(), to.ID, email, role)
	if err != nil {
		t.Fatal(err)
	}
	return fragmentOf(t, link, "token")
}

// join lets somebody in, and signs them in.
func (s story) join(t *testing.T, to *served.Tenant, email string, role access.Builtin) person {
	t.Helper()
	email = strings.ToLower(t.Name()[strings.LastIndexByte(t.Name(), '/')+1:]) + "." + email // each story has people of its own
	email = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r == '.' || r == '@' {
			return r
		}
		return -1
	}, email)
	token := s.invited(t, to, email, role)
	in := must[signedIn](t, s.kit, "", acceptIt, vars{"token": token, "name": "Somebody", "password": passphrase})
	if in.State != "SIGNED_IN" || in.AccessToken == "" || in.RefreshToken == "" {
		t.Fatalf("%s joins with %+v", email, in)
	}
	return person{in, email, s.kit}
}

// signIn signs somebody in once more.
func (p person) signIn(t *testing.T) signedIn {
	t.Helper()
	return must[signedIn](t, p.kit, "", signIn, vars{"email": p.email, "password": passphrase})
}

// viewer is what somebody is told of themselves.
type viewer struct {
	TenantID, MemberID, Email, Name                  string
	Permissions                                      []string
	Impersonated, HasSecondFactor, NeedsSecondFactor bool
	RecoveryCodesLeft                                int
	Memberships                                      []struct{ TenantID, TenantName, RoleName string }
	Sessions                                         struct {
		Nodes []struct {
			ID, TenantID, Address, UserAgent string
			Current, SecondFactor            bool
		}
		TotalCount int
	}
}

func (p signedIn) viewer(t *testing.T, kit *served.Kit) viewer {
	t.Helper()
	return must[viewer](t, kit, p.AccessToken, viewerIt, nil)
}

// roleNamed finds a role of a tenant.
func roleNamed(t *testing.T, kit *served.Kit, token, name string) string {
	t.Helper()
	data, code := ask[struct {
		Roles struct{ Nodes []struct{ ID, Name string } }
	}](t, kit, token, rolesIt, nil)
	for _, r := range data.Roles.Nodes {
		if r.Name == name {
			return r.ID
		}
	}
	t.Fatalf("there is no role %s: %q", name, code)
	return ""
}

// soon waits until something is so; what has to act within two seconds gets a bit more.
func soon(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
	}
}

// mailTo waits for a mail to somebody that has a text, and returns the link in it.
func (s story) mailTo(t *testing.T, email, text string) (link string) {
	t.Helper()
	soon(t, "mail to "+email, func() bool {
		files, err := filepath.Glob(filepath.Join(s.kit.MailDir, "*.eml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			whole := strings.ReplaceAll(strings.ReplaceAll(string(content), "=\r\n", ""), "=3D", "=")
			if !strings.Contains(whole, "<"+email+">") || !strings.Contains(whole, text) {
				continue
			}
			for line := range strings.Lines(whole) {
				if strings.HasPrefix(line, "http") {
					link = strings.TrimSpace(line)
				}
			}
		}
		return link != ""
	})
	return link
}

// works reports whether a token opens anything.
func works(t *testing.T, kit *served.Kit, token string) bool {
	t.Helper()
	return kit.Do(t, http.MethodPost, "/graphql", token, `{"query":"{ viewer { tenantId } }"}`).Status == http.StatusOK
}

// beginStaff is begin where one address may send more than people do.
func beginStaff(t *testing.T) story {
	t.Helper()
	kit := served.StartOn(t, testkit.Database(t), func(c *tidemark.Config) { c.Limits.WriteRate = 0 })
	return story{kit, kit.Tenant(t, "Acme", "Europe/Berlin"), kit.Tenant(t, "Globex", "America/New_York")}
}
