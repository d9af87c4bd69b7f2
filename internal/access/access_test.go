package access_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func wantFault(t *testing.T, err error, code fault.Code, field string) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != code || f.Field != field {
		t.Errorf("error %v, want %s of %q", err, code, field)
	}
}

func TestAKeyMayDoWhatItIsForAndNothingElse(t *testing.T) {
	cases := []struct {
		kind access.Kind
		do   access.Permission
		may  bool
	}{
		{access.WriteKey, access.Ingest, true},
		{access.WriteKey, access.Read, false},
		{access.ReadKey, access.Read, true},
		{access.ReadKey, access.Ingest, false},
		{access.WriteKey, "ADMIN", false},
		{access.ReadKey, "", false},
		{"admin", access.Read, false},
		{"", access.Ingest, false},
	}
	for _, c := range cases {
		p := access.Principal{Tenant: tenant.ID{1}, Kind: c.kind, Source: "default"}
		if p.May(c.do) != c.may {
			t.Errorf("a %q key may %s: %v", c.kind, c.do, !c.may)
		}
		got, err := access.Require(access.With(t.Context(), p), c.do)
		if c.may {
			if err != nil || got != p {
				t.Errorf("%q, %s: %v, %v; want the principal", c.kind, c.do, got, err)
			}
			continue
		}
		wantFault(t, err, fault.Forbidden, "")
		if got != (access.Principal{}) {
			t.Errorf("%q, %s: %v beside the error", c.kind, c.do, got)
		}
	}
}

func TestWithoutAKeyNothingIsAllowed(t *testing.T) {
	for _, do := range []access.Permission{access.Ingest, access.Read} {
		_, err := access.Require(t.Context(), do)
		wantFault(t, err, fault.Unauthenticated, "")
	}
}

// Answers are shared within a scope, so whatever changes what may be seen changes it.
func TestTheScopeIsOfTheTenantAndTheKind(t *testing.T) {
	acme := access.Principal{Tenant: tenant.ID{1}, Kind: access.ReadKey, Source: "default"}
	same := acme
	same.Key[0], same.Source = 1, "shop"
	if acme.Scope() != same.Scope() {
		t.Error("two keys of one tenant and kind have two scopes")
	}
	stranger, sender := acme, acme
	stranger.Tenant, sender.Kind = tenant.ID{2}, access.WriteKey
	for name, other := range map[string]access.Principal{"another tenant": stranger, "another kind": sender} {
		if acme.Scope() == other.Scope() {
			t.Errorf("%s has the same scope", name)
		}
	}
}

func TestAKeyTellsItsKindAndNothingElse(t *testing.T) {
	seen := map[string]bool{}
	for kind, prefix := range map[access.Kind]string{access.WriteKey: "tmw_", access.ReadKey: "tmr_"} {
		for range 100 {
			key, err := access.NewKey(kind)
			if err != nil {
				t.Fatal(err)
			}
			random, ok := strings.CutPrefix(key, prefix)
			if bytes, err := base64.RawURLEncoding.DecodeString(random); !ok || err != nil || len(bytes) != 32 {
				t.Errorf("%s key %q: %d random bytes, %v", kind, key, len(bytes), err)
			}
			seen[key] = true
		}
	}
	if len(seen) != 200 {
		t.Errorf("%d of 200 keys are their own", len(seen))
	}
	for _, kind := range []access.Kind{"", "admin", "Write"} {
		_, err := access.NewKey(kind)
		wantFault(t, err, fault.BadUserInput, "kind")
	}
}

func TestBearerTakesTheKeyOutOfTheHeader(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer tmr_x":     "tmr_x",
		"bearer tmr_x":     "tmr_x",
		"BEARER tmr_x":     "tmr_x",
		"  Bearer tmr_x  ": "tmr_x",
		"Bearer   tmr_x":   "tmr_x",
		"Bearer a b":       "a b", // no key has a space, so it is refused as any other
		"":                 "",
		"Bearer":           "",
		"Bearer ":          "",
		"tmr_x":            "",
		"Basic dG1yX3g6":   "",
		"Bearertmr_x":      "",
		"Bearer:tmr_x":     "",
		"Token Bearer x":   "",
	} {
		if got := access.Bearer(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}
