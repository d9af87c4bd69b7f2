package access_test

import (
	"encoding/base64"
	"errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
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
	everything := access.Of(access.AllPermissions()...)
	may := map[access.Kind]access.Permissions{
		access.WriteKey:  access.Of(access.Ingest),
		access.ReadKey:   access.Of(access.ReadMetrics, access.Read, access.ReadPII, access.ReadRevenue, access.ReadSchema),
		access.ManageKey: everything &^ access.Of(access.Ingest, access.Impersonate),
		"admin":          0,
		"":               0,
	}
	for kind, want := range may {
		p := access.Principal{Tenant: tenant.ID{1}, Kind: kind, Permissions: kind.Permissions(), Source: "default"}
		for _, do := range append(access.AllPermissions(), "ADMIN", "") {
			if p.May(do) != want.Has(do) {
				t.Errorf("a %q key may %s: %v", kind, do, p.May(do))
			}
			got, err := access.Require(access.With(t.Context(), p), do)
			if want.Has(do) {
				if err != nil || got != p {
					t.Errorf("%q, %s: %v, %v; want the principal", kind, do, got, err)
				}
				continue
			}
			wantFault(t, err, fault.Forbidden, "")
			if got != (access.Principal{}) {
				t.Errorf("%q, %s: %v beside the error", kind, do, got)
			}
		}
	}
}

func TestABuiltinRoleMayDoWhatItsNameSays(t *testing.T) {
	people := access.Of(access.AllPermissions()...) &^ access.Of(access.Ingest)
	for role, want := range map[access.Builtin]access.Permissions{
		access.Owner:   people,
		access.Admin:   people &^ access.Of(access.Impersonate),
		access.Analyst: access.Of(access.ReadMetrics, access.Read, access.ReadRevenue, access.ReadSchema, access.EditReports),
		access.Viewer:  access.Of(access.ReadMetrics, access.Read),
		"":             0,
	} {
		if got := role.Permissions(); got != want {
			t.Errorf("%s: %v, want %v", role, got.List(), want.List())
		}
	}
}

func TestASetHasWhatItWasMadeOf(t *testing.T) {
	all := access.AllPermissions()
	for i, p := range all {
		if !p.Known() || !access.Of(p).Has(p) || access.Of(all[:i]...).Has(p) || !access.Of(all...).Contains(access.Of(p)) {
			t.Errorf("%s is not told from the others", p)
		}
	}
	if diff := cmp.Diff(all, access.Of(all...).List()); diff != "" {
		t.Error(diff)
	}
	if access.Permission("ADMIN").Known() || access.Of("ADMIN") != 0 || access.Of(all[0]).Contains(access.Of(all[:2]...)) {
		t.Error("what is not a permission, or not in the set, is found")
	}
}

func TestWithoutAKeyNothingIsAllowed(t *testing.T) {
	for _, do := range []access.Permission{access.Ingest, access.Read} {
		_, err := access.Require(t.Context(), do)
		wantFault(t, err, fault.Unauthenticated, "")
	}
}

func TestWhatATokenCannotNameItDoesNotShow(t *testing.T) {
	bearer := access.Principal{Tenant: tenant.ID{1}, Kind: access.EmbedKey, Permissions: access.Of(access.ReadMetrics), Embed: &access.Embed{}}
	_, err := access.RequireUnembedded(access.With(t.Context(), bearer), access.ReadMetrics)
	wantFault(t, err, fault.Forbidden, "")
	reader := access.Principal{Tenant: tenant.ID{1}, Kind: access.ReadKey, Permissions: access.Of(access.ReadMetrics)}
	if got, err := access.RequireUnembedded(access.With(t.Context(), reader), access.ReadMetrics); err != nil || got != reader {
		t.Errorf("%v, %v; want the principal", got, err)
	}
	_, err = access.RequireUnembedded(access.With(t.Context(), reader), access.Read)
	wantFault(t, err, fault.Forbidden, "")
}

// Answers are shared within a scope, so whatever changes what may be seen changes it.
func TestTheScopeIsAllThatAnAnswerDependsOn(t *testing.T) {
	acme := access.Principal{Tenant: tenant.ID{1}, Kind: access.ReadKey, Source: "default"}
	same := acme
	same.ID[0], same.Source = 1, "shop"
	if acme.Scope() != same.Scope() {
		t.Error("two keys of one tenant and kind have two scopes")
	}
	stranger, sender, narrowed := acme, acme, acme
	stranger.Tenant, sender.Permissions, narrowed.Narrow = tenant.ID{2}, access.Of(access.Ingest), "region=EU"
	for name, other := range map[string]access.Principal{"another tenant": stranger, "other permissions": sender, "fewer rows": narrowed} {
		if acme.Scope() == other.Scope() {
			t.Errorf("%s has the same scope", name)
		}
	}
}

func TestAKeyTellsItsKindAndNothingElse(t *testing.T) {
	seen := map[string]bool{}
	for kind, prefix := range map[access.Kind]string{access.WriteKey: "tmw_", access.ReadKey: "tmr_"} {
		for range 100 {
			key, err := access.NewKey(kind, uuid.New())
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
		_, err := access.NewKey(kind, uuid.New())
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
