package people

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func testVault(t *testing.T, n int) (*secret.Vault, []secret.Key) {
	t.Helper()
	var keys []secret.Key
	for range n {
		k, err := secret.Generate()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	v, err := secret.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	return v, keys
}

func TestATokenSaysWhoItIsForAQuarterOfAnHour(t *testing.T) {
	vault, _ := testVault(t, 1)
	now := time.Now()
	s := newSigner(vault, func() time.Time { return now })
	who := identity{login: uuid.New(), tenant: tenant.ID(uuid.New()), session: uuid.New()}
	token, expires, err := s.sign(accessToken, who)
	if err != nil || len(token) > 700 || expires.After(now.Add(15*time.Minute)) {
		t.Fatalf("%d bytes until %v, %v", len(token), expires, err)
	}
	got, err := s.verify(accessToken, token)
	if err != nil || got.login != who.login || got.tenant != who.tenant || got.session != who.session || !got.expires.Equal(expires) {
		t.Errorf("%+v, %v", got, err)
	}
	now = expires
	if _, err := s.verify(accessToken, token); err == nil {
		t.Error("it is good after its time")
	}
}

// A retired key verifies as long as it is configured.
func TestATokenOutlivesARotationOfKeys(t *testing.T) {
	_, keys := testVault(t, 2)
	vault := func(keys ...secret.Key) *signer {
		v, err := secret.New(keys)
		if err != nil {
			t.Fatal(err)
		}
		return newSigner(v, time.Now)
	}
	token, _, err := vault(keys[0]).sign(accessToken, identity{login: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault(keys[1], keys[0]).verify(accessToken, token); err != nil {
		t.Errorf("with the retired key: %v", err)
	}
	if _, err := vault(keys[1]).verify(accessToken, token); err == nil {
		t.Error("without it, the token is good")
	}
}

// Everything that RFC 8725 warns of gets the same answer (rule 8).
func TestATrickIsRefused(t *testing.T) {
	vault, _ := testVault(t, 1)
	s := newSigner(vault, time.Now)
	key := s.keys[accessToken][0]
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	good := func() (map[string]any, jwt.MapClaims) {
		return map[string]any{"typ": "at+jwt", "kid": key.ID},
			jwt.MapClaims{"iss": "tidemark", "aud": "tidemark-api", "sub": uuid.NewString(), "tid": uuid.NewString(), "sid": uuid.NewString(),
				"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix()}
	}
	sign := func(method jwt.SigningMethod, with any, change func(h map[string]any, c jwt.MapClaims)) string {
		head, claims := good()
		change(head, claims)
		token := jwt.NewWithClaims(method, claims)
		for name, value := range head {
			token.Header[name] = value
		}
		text, err := token.SignedString(with)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	as := func(change func(h map[string]any, c jwt.MapClaims)) string {
		return sign(jwt.SigningMethodHS256, key.Key[:], change)
	}
	nothing := func(map[string]any, jwt.MapClaims) {}
	if _, err := s.verify(accessToken, as(nothing)); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	other, _, err := s.sign(challenge, identity{login: uuid.New()})
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(as(nothing), ".")
	double, err := json.Marshal(map[string]string{"alg": "none", "typ": "at+jwt", "kid": key.ID})
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"none": sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nothing), "none by hand": base64.RawURLEncoding.EncodeToString(double) + "." + parts[1] + ".",
		"HS512": sign(jwt.SigningMethodHS512, key.Key[:], nothing), "RS256": sign(jwt.SigningMethodRS256, rsaKey, nothing),
		"a challenge":      other,
		"no typ":           as(func(h map[string]any, _ jwt.MapClaims) { h["typ"] = "JWT" }),
		"an embed token":   as(func(h map[string]any, _ jwt.MapClaims) { h["typ"] = "embed+jwt" }),
		"a kid as a path":  as(func(h map[string]any, _ jwt.MapClaims) { h["kid"] = "../../dev/null" }),
		"a kid of no text": as(func(h map[string]any, _ jwt.MapClaims) { h["kid"] = 7 }),
		"crit":             as(func(h map[string]any, _ jwt.MapClaims) { h["crit"] = []string{"x"} }),
		"a key in the head": as(func(h map[string]any, _ jwt.MapClaims) {
			h["kid"] = "none"
			h["jwk"] = map[string]string{"kty": "oct", "k": "AAAA"}
		}),
		"another aud":     as(func(_ map[string]any, c jwt.MapClaims) { c["aud"] = "tidemark-second-factor" }),
		"another iss":     as(func(_ map[string]any, c jwt.MapClaims) { c["iss"] = "elsewhere" }),
		"no exp":          as(func(_ map[string]any, c jwt.MapClaims) { delete(c, "exp") }),
		"over":            as(func(_ map[string]any, c jwt.MapClaims) { c["exp"] = now.Add(-time.Second).Unix() }),
		"for ever":        as(func(_ map[string]any, c jwt.MapClaims) { c["exp"] = now.Add(24 * time.Hour).Unix() }),
		"no iat":          as(func(_ map[string]any, c jwt.MapClaims) { delete(c, "iat") }),
		"from the future": as(func(_ map[string]any, c jwt.MapClaims) { c["iat"] = now.Add(time.Hour).Unix() }),
		"nobody":          as(func(_ map[string]any, c jwt.MapClaims) { c["sub"] = "x" }),
		"a megabyte":      strings.Repeat(".", 1<<20), "a long one": as(func(_ map[string]any, c jwt.MapClaims) { c["x"] = strings.Repeat("x", 4<<10) }),
		"empty": "", "spaces": " " + as(nothing), "four parts": as(nothing) + ".x",
	} {
		_, err := s.verify(accessToken, token)
		if f, ok := fault.Of(err); !ok || f.Code != fault.Unauthenticated || f.Message != errToken.Message {
			t.Errorf("%s: %v", name, err)
		}
	}
	dots := strings.Repeat(".", 1<<20)
	if n := testing.AllocsPerRun(10, func() { _, _ = s.verify(accessToken, dots) }); n > 2 {
		t.Errorf("a megabyte of dots takes %v allocations", n)
	}
}

func TestAnOpaqueTokenIsReadInOneWay(t *testing.T) {
	id := uuid.New()
	token, hash, err := newToken(refreshPrefix, id)
	if err != nil {
		t.Fatal(err)
	}
	if got, same, ok := parseToken(refreshPrefix, token); !ok || got != id || string(same) != string(hash) {
		t.Errorf("%v, %v", got, ok)
	}
	for _, bad := range []string{"", refreshPrefix, token + "A", token[:len(token)-1], strings.Replace(token, "_", "-", 1), token[:10] + "*" + token[11:]} {
		if _, _, ok := parseToken(refreshPrefix, bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, _, ok := parseToken(invitationPrefix, token); ok {
		t.Error("a refresh token is an invitation")
	}
}
