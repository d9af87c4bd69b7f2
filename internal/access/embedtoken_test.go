package access_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// backend is a customer's, which signs tokens with an embed key.
type backend struct {
	guardhouse
	acme tenant.ID
	key  string // the secret
	kid  string
}

// guardhouse is a house with a vault.
type guardhouse struct {
	house
	vault *secret.Vault
	keys  *access.Authenticator
}

func newGuardhouse(t *testing.T) guardhouse {
	t.Helper()
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	vault, err := secret.New([]secret.Key{master})
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	return guardhouse{h, vault, access.NewAuthenticator(h.app, vault, nil)}
}

func newBackend(t *testing.T) backend {
	t.Helper()
	g := newGuardhouse(t)
	acme := g.tenant(t, "Acme")
	return g.backendOf(t, acme)
}

func (g guardhouse) backendOf(t *testing.T, id tenant.ID) backend {
	t.Helper()
	key, err := access.CreateKeyAs(t.Context(), g.worker, g.vault, id, access.KeyDraft{Kind: access.EmbedKey, Name: "dashboards"})
	if err != nil {
		t.Fatal(err)
	}
	return backend{g, id, key, strings.Split(key, "_")[1]}
}

func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// sign signs a head and claims that are written out.
func sign(secret, head, claims string) string {
	signed := part(head) + "." + part(claims)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (b backend) head() string {
	return fmt.Sprintf(`{"alg":"HS256","typ":"embed+jwt","kid":%q}`, b.kid)
}

// claims are good ones, with changes; nil takes one away.
func claims(t *testing.T, changes map[string]any) string {
	t.Helper()
	now := time.Now().Unix()
	all := map[string]any{"aud": "tidemark-embed", "iat": now, "exp": now + 600, "metrics": []string{"events"}}
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestATokenShowsWhatItNames(t *testing.T) {
	b := newBackend(t)
	now := time.Now().Unix()
	token := sign(b.key, b.head(), claims(t, map[string]any{
		"sub": "somebody", "iss": "acme", "jti": "1", "nbf": now, "aud": []string{"tidemark-embed"},
		"metrics": []string{"new_users", "events", "events"}, "reports": []string{"r1"},
		"filters": map[string]any{"account": map[string]any{"id": "c42"}, "properties": map[string]any{"region": "EU", "seats": []any{1, 2}}},
	}))
	who, err := b.keys.Token(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if who.Tenant != b.acme || who.Kind != access.EmbedKey || who.Permissions != access.Of(access.ReadMetrics) || who.Expires.Unix() != now+600 {
		t.Errorf("the bearer is %+v", who)
	}
	if diff := cmp.Diff(&access.Embed{Metrics: []string{"events", "new_users"}, Reports: []string{"r1"}}, who.Embed); diff != "" {
		t.Error(diff)
	}
	want := `{"events":[{"group":"account","in":["c42"]},{"property":["region"],"in":["EU"]},{"property":["seats"],"in":[1,2]}]}`
	if diff := cmp.Diff(want, who.Rows.Key()); diff != "" {
		t.Error(diff)
	}
	again, err := b.keys.RecheckToken(token)(t.Context())
	if err != nil || again.Self() != who.Self() {
		t.Errorf("asked again it is %+v, %v", again, err)
	}
}

// Answers are shared by what a token shows, and by nothing less.
func TestEqualTokensHaveOneScope(t *testing.T) {
	b := newBackend(t)
	scope := func(changes map[string]any) string {
		who, err := b.keys.Token(t.Context(), sign(b.key, b.head(), claims(t, changes)))
		if err != nil {
			t.Fatal(err)
		}
		return who.Scope()
	}
	one := scope(map[string]any{"metrics": []string{"events", "new_users"}, "sub": "ann"})
	if scope(map[string]any{"metrics": []string{"new_users", "events"}, "sub": "bob"}) != one {
		t.Error("two tokens that show the same have two scopes")
	}
	account := func(id string) map[string]any {
		return map[string]any{"metrics": []string{"events", "new_users"}, "filters": map[string]any{"account": map[string]any{"id": id}}}
	}
	seen := map[string]bool{one: true}
	for _, changes := range []map[string]any{
		{"metrics": []string{"events"}}, {"metrics": []string{"events"}, "reports": []string{"new_users"}},
		{"reports": []string{"events", "new_users"}, "metrics": nil}, {"metrics": []string{`events","new_users`}}, account("a"), account("b"),
	} {
		if s := scope(changes); seen[s] {
			t.Errorf("%v has the scope of another: %s", changes, s)
		} else {
			seen[s] = true
		}
	}
}

func TestATokenIsTakenAsRFC8725Advises(t *testing.T) {
	b := newBackend(t)
	other := b.backendOf(t, b.tenant(t, "Globex"))
	good, now := claims(t, nil), time.Now().Unix()
	signed := sign(b.key, b.head(), good)
	parts := strings.Split(signed, ".")
	head := func(alg, typ, kid, more string) string {
		return fmt.Sprintf(`{"alg":%q,"typ":%q,"kid":%q%s}`, alg, typ, kid, more)
	}
	sha384 := func(text string) string {
		mac := hmac.New(sha512.New384, []byte(b.key))
		mac.Write([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	many := strings.Split(strings.Repeat("m ", 51), " ")[:51]
	wrong := map[string]string{
		"nothing": "", "dots": "..", "a megabyte of dots": strings.Repeat(".", 1<<20), "two parts": parts[0] + "." + parts[1],
		"four parts": signed + ".", "cut": signed[:len(signed)-1], "longer": signed + "A", "padded": signed + "=",
		"no signature": parts[0] + "." + parts[1] + ".", "the claims of another": parts[0] + "." + part(claims(t, map[string]any{"sub": "x"})) + "." + parts[2],
		"no algorithm":           part(head("none", "embed+jwt", b.kid, "")) + "." + parts[1] + ".",
		"no algorithm, signed":   sign(b.key, head("none", "embed+jwt", b.kid, ""), good),
		"another algorithm":      sha384(part(head("HS384", "embed+jwt", b.kid, "")) + "." + parts[1]),
		"an algorithm that lies": sign(b.key, head("HS384", "embed+jwt", b.kid, ""), good),
		"RS256 by the secret":    sign(b.key, head("RS256", "embed+jwt", b.kid, ""), good),
		"in small letters":       sign(b.key, head("hs256", "embed+jwt", b.kid, ""), good),
		"no type":                sign(b.key, fmt.Sprintf(`{"alg":"HS256","kid":%q}`, b.kid), good),
		"type JWT":               sign(b.key, head("HS256", "JWT", b.kid, ""), good),
		"an access token":        sign(b.key, head("HS256", "at+jwt", b.kid, ""), good),
		"no key":                 sign(b.key, `{"alg":"HS256","typ":"embed+jwt"}`, good),
		"a key that is none":     sign(b.key, head("HS256", "embed+jwt", uuid.NewString(), ""), good),
		"the key of nothing":     sign("", head("HS256", "embed+jwt", uuid.Nil.String(), ""), good),
		"nobody's secret":        sign(string(make([]byte, 32)), head("HS256", "embed+jwt", uuid.NewString(), ""), good),
		"a key by SQL":           sign(b.key, head("HS256", "embed+jwt", "' or true --", ""), good),
		"a key by a path":        sign("", head("HS256", "embed+jwt", "../../dev/null", ""), good),
		"a key of another":       sign(b.key, head("HS256", "embed+jwt", other.kid, ""), good),
		"another's secret":       sign(other.key, b.head(), good),
		"a key of its own":       sign("x", head("HS256", "embed+jwt", b.kid, `,"jwk":{"kty":"oct","k":"eA"}`), good),
		"a key from elsewhere":   sign(b.key, head("HS256", "embed+jwt", b.kid, `,"jku":"https://example.com"`), good),
		"critical extensions":    sign(b.key, head("HS256", "embed+jwt", b.kid, `,"crit":["exp"]`), good),
		"the algorithm twice":    sign(b.key, head("none", "embed+jwt", b.kid, `,"alg":"HS256"`), good),
		"a claim twice":          sign(b.key, b.head(), good[:len(good)-1]+fmt.Sprintf(`,"exp":%d}`, now+60)),
		"a claim misspelled":     sign(b.key, b.head(), claims(t, map[string]any{"filter": map[string]any{}})),
		"a claim in capitals":    sign(b.key, b.head(), claims(t, map[string]any{"Filters": map[string]any{}})),
		"a filter misspelled":    sign(b.key, b.head(), claims(t, map[string]any{"filters": map[string]any{"acount": map[string]any{"id": "a"}}})),
		"no object":              sign(b.key, b.head(), `[]`), "text behind": sign(b.key, b.head(), good+"{}"), "no UTF-8": sign(b.key, b.head(), "{\"sub\":\"\xff\"}"),
		"too large":     sign(b.key, b.head(), claims(t, map[string]any{"sub": strings.Repeat("x", 4<<10)})),
		"a time cut up": sign(b.key, b.head(), claims(t, map[string]any{"exp": float64(now) + 60.5})), "a time as text": sign(b.key, b.head(), claims(t, map[string]any{"exp": fmt.Sprint(now + 60)})),
		"a huge time":               sign(b.key, b.head(), strings.Replace(good, fmt.Sprint(now+600), "1e400", 1)),
		"the key itself":            b.key,
		"std base64":                strings.NewReplacer("-", "+", "_", "/").Replace(sign(b.key, b.head(), claims(t, map[string]any{"sub": "~~~???>>>"}))),
		"white space in it":         parts[0] + "." + parts[1] + "\n." + parts[2],
		"a signature of loose bits": signed[:len(signed)-1] + loose(signed[len(signed)-1]),
	}
	for name, token := range wrong {
		who, err := b.keys.Token(t.Context(), token)
		if f, ok := fault.Of(err); !ok || f.Code != fault.Unauthenticated || f.Message != "The token is not valid." || f.Field != "" || who != (access.Principal{}) {
			t.Errorf("%s: %v, %v", name, who, err)
		}
	}
	// Whoever has signed is told what to mend.
	for name, c := range map[string]struct {
		field   string
		changes map[string]any
	}{
		"no audience": {"aud", map[string]any{"aud": nil}}, "another audience": {"aud", map[string]any{"aud": "tidemark"}},
		"two audiences": {"aud", map[string]any{"aud": []string{"tidemark-embed", "x"}}}, "an audience that is none": {"aud", map[string]any{"aud": 7}},
		"no end": {"exp", map[string]any{"exp": nil}}, "over": {"exp", map[string]any{"iat": now - 700, "exp": now - 1}}, "no beginning": {"exp", map[string]any{"iat": nil}},
		"more than an hour": {"exp", map[string]any{"iat": now, "exp": now + 3_601}}, "before it began": {"exp", map[string]any{"exp": now - 1}}, "an end of never": {"exp", map[string]any{"exp": int64(1) << 62}},
		"negative": {"exp", map[string]any{"iat": -5, "exp": 100}}, "of tomorrow": {"iat", map[string]any{"iat": now + 300, "exp": now + 600}}, "not yet": {"nbf", map[string]any{"nbf": now + 300}},
		"nothing to see": {"metrics", map[string]any{"metrics": nil}}, "too much to see": {"metrics", map[string]any{"metrics": many}}, "a metric of no name": {"metrics", map[string]any{"metrics": []string{""}}},
		"no filter": {"filters", map[string]any{"filters": map[string]any{}}}, "an account of no id": {"filters.account", map[string]any{"filters": map[string]any{"account": map[string]any{"type": "t"}}}},
		"a property of an object": {"filters", map[string]any{"filters": map[string]any{"properties": map[string]any{"p": map[string]any{}}}}}, "a property of nothing": {"filters.properties", map[string]any{"filters": map[string]any{"properties": map[string]any{"p": []any{}}}}},
	} {
		_, err := b.keys.Token(t.Context(), sign(b.key, b.head(), claims(t, c.changes)))
		t.Run(name, func(t *testing.T) { wantFault(t, err, fault.Unauthenticated, c.field) })
	}
	if _, err := b.keys.Token(t.Context(), signed); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// loose is another character whose last bits alone differ, which stand for nothing.
func loose(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, last)^1])
}

// A megabyte of dots costs nothing but the reading of its length.
func TestAHugeTokenCostsNothing(t *testing.T) {
	keys, dots := access.NewAuthenticator(nil, nil, nil), strings.Repeat(".", 1<<20)
	allocated := testing.AllocsPerRun(10, func() { _, _ = keys.Token(t.Context(), dots) })
	if allocated > 2 {
		t.Errorf("%v allocations", allocated)
	}
}

// A token lives with its key and its tenant.
func TestATokenEndsWithItsKey(t *testing.T) {
	b := newBackend(t)
	token := sign(b.key, b.head(), claims(t, nil))
	want := func(when string, good bool) {
		t.Helper()
		b.keys.Forget()
		_, err := b.keys.Token(t.Context(), token)
		_, again := b.keys.RecheckToken(token)(t.Context())
		for _, err := range []error{err, again} {
			if f, _ := fault.Of(err); good != (err == nil) || !good && f.Code != fault.Unauthenticated {
				t.Errorf("%s: %v", when, err)
			}
		}
	}
	want("at first", true)
	for _, suspended := range []bool{true, false} {
		if err := access.Suspend(t.Context(), b.worker, b.acme, suspended); err != nil {
			t.Fatal(err)
		}
		want(fmt.Sprint("suspended: ", suspended), !suspended)
	}
	b.exec(t, "update api_key set expires_at = now() - interval '1 second'")
	want("of a key that has expired", false)
	b.exec(t, "update api_key set expires_at = null")
	b.revoke(t, b.acme, "dashboards", 1)
	want("of a revoked key", false)
	if _, err := b.keys.Key(t.Context(), b.key); err == nil {
		t.Error("an embed key opens something itself")
	}
}
