package access_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func TestTheDatabaseHasAKeysHashAndNotTheKey(t *testing.T) {
	h := newHouse(t)
	key := h.key(t, h.tenant(t, "Acme"), access.WriteKey, "site")
	var row, prefix string
	var hash []byte
	err := h.owner.QueryRow(t.Context(), "select k::text, prefix, hash from api_key k").Scan(&row, &prefix, &hash)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(row, key[len(prefix):]) || strings.Contains(row, fmt.Sprintf("%x", key)) {
		t.Errorf("the key stands in its row: %s", row)
	}
	if prefix != key[:10] {
		t.Errorf("prefix %q of key %q", prefix, key)
	}
	if want := sha256.Sum256([]byte(key)); string(hash) != string(want[:]) {
		t.Errorf("hash %x, want %x", hash, want)
	}
}

func TestAKeyIsItsTenants(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.tenant(t, "Acme"), h.tenant(t, "Globex")
	keys := access.NewAuthenticator(h.app, nil, nil)
	for key, want := range map[string]access.Principal{
		h.key(t, acme, access.WriteKey, "site"):       {Tenant: acme, Kind: access.WriteKey, Permissions: access.WriteKey.Permissions(), Source: "default"},
		h.key(t, acme, access.ReadKey, "dashboard"):   {Tenant: acme, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions(), Source: "default"},
		h.key(t, globex, access.ReadKey, "dashboard"): {Tenant: globex, Kind: access.ReadKey, Permissions: access.ReadKey.Permissions(), Source: "default"},
	} {
		for range 2 { // from the database, then as remembered
			got, err := keys.Key(t.Context(), key)
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(access.Principal{}, "ID")); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		}
		if lives, err := access.KeyLives(t.Context(), h.worker, key); err != nil || !lives {
			t.Errorf("the key lives: %v, %v", lives, err)
		}
	}
}

// Whoever tries keys learns nothing: all that are not valid get one answer.
func TestWhatIsNoKeyGetsOneAnswer(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, "Acme")
	keys := access.NewAuthenticator(h.app, nil, nil)
	unknown, err := access.NewKey(access.ReadKey, uuid.New())
	if err != nil {
		t.Fatal(err)
	}
	revoked, good := h.key(t, acme, access.ReadKey, "old"), h.key(t, acme, access.ReadKey, "new")
	h.revoke(t, acme, "old", 1)
	for name, key := range map[string]string{
		"nothing": "", "short": "tmr_12345", "long": strings.Repeat("x", 201), "very long": strings.Repeat("x", 1<<20),
		"unknown": unknown, "revoked": revoked, "cut": good[:len(good)-1], "longer": good + "x", "in capitals": strings.ToUpper(good),
		"with NUL": good + "\x00", "SQL": "' or hash is not null --", "not UTF-8": "tmr_\xff\xff\xff\xff\xff\xff\xff",
		"of another kind": "tmw_" + good[4:], "its hash": fmt.Sprintf("%x", sha256.Sum256([]byte(good))),
	} {
		p, err := keys.Key(t.Context(), key)
		f, ok := fault.Of(err)
		if !ok || f.Code != fault.Unauthenticated || f.Message != "The key is not valid." || f.Field != "" || p != (access.Principal{}) {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if lives, err := access.KeyLives(t.Context(), h.worker, revoked); err != nil || lives {
		t.Errorf("the revoked key lives: %v, %v", lives, err)
	}
}

func TestARevokedKeyEndsAtOnceIfForgottenAndSoonAnyway(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, "Acme")
	key := h.key(t, acme, access.ReadKey, "dashboard")
	told, untold := access.NewAuthenticator(h.app, nil, nil), access.NewAuthenticator(h.app, nil, nil)
	for _, keys := range []*access.Authenticator{told, untold} {
		if _, err := keys.Key(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	h.revoke(t, acme, "dashboard", 1)
	told.Forget()
	_, err := told.Key(t.Context(), key)
	wantFault(t, err, fault.Unauthenticated, "")

	eventually(t, "the end of the key", func() bool {
		_, err := untold.Key(t.Context(), key)
		return err != nil
	})
	if access.BelievedFor > 2*time.Second {
		t.Errorf("a revoked key may work for %v, want 2s at most", access.BelievedFor)
	}
}

func TestKeysAreRevokedByTheirNameAndTenant(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.tenant(t, "Acme"), h.tenant(t, "Globex")
	one, two := h.key(t, acme, access.ReadKey, "site"), h.key(t, acme, access.WriteKey, "site")
	other, stranger := h.key(t, acme, access.ReadKey, "Site"), h.key(t, globex, access.ReadKey, "site")
	h.revoke(t, acme, "site", 2)
	h.revoke(t, acme, "site", 0) // there are none left
	h.revoke(t, acme, "nothing", 0)
	for key, want := range map[string]bool{one: false, two: false, other: true, stranger: true} {
		if lives, err := access.KeyLives(t.Context(), h.worker, key); err != nil || lives != want {
			t.Errorf("the key lives: %v, %v; want %v", lives, err, want)
		}
	}
}

func TestAKeyNeedsATenantAKindAndAName(t *testing.T) {
	h := newHouse(t)
	acme := h.tenant(t, "Acme")
	for _, c := range []struct {
		name  string
		id    tenant.ID
		kind  access.Kind
		label string
		code  fault.Code
		field string
	}{
		{"a tenant that is not there", tenant.ID{1}, access.ReadKey, "site", fault.NotFound, "tenant"},
		{"no tenant", tenant.None, access.ReadKey, "site", fault.NotFound, "tenant"},
		{"another kind", acme, "admin", "site", fault.BadUserInput, "kind"},
		{"no name", acme, access.ReadKey, "", fault.BadUserInput, "name"},
		{"a long name", acme, access.ReadKey, strings.Repeat("é", 201), fault.BadUserInput, "name"},
		{"a name with NUL", acme, access.ReadKey, "a\x00", fault.BadUserInput, "name"},
		{"a name that is not UTF-8", acme, access.ReadKey, "\xff", fault.BadUserInput, "name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, err := access.CreateKey(t.Context(), h.worker, c.id, c.kind, c.label)
			wantFault(t, err, c.code, c.field)
			if key != "" {
				t.Error("there is a key beside the error")
			}
		})
	}
	if _, err := access.CreateKey(t.Context(), h.worker, acme, access.ReadKey, strings.Repeat("é", 200)); err != nil {
		t.Errorf("a name of 200 characters: %v", err)
	}
}

func TestADatabaseThatDoesNotAnswerIsNotAWrongKey(t *testing.T) {
	h := newHouse(t)
	key := h.key(t, h.tenant(t, "Acme"), access.ReadKey, "dashboard")
	keys := access.NewAuthenticator(h.app, nil, nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := keys.Key(gone, key); err == nil {
		t.Error("an answer without a database")
	} else if f, _ := fault.Of(err); f.Code == fault.Unauthenticated {
		t.Errorf("error %v, want one that says nothing about the key", err)
	}
}
