package access_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// ring is a keyring and whoever may use it.
type ring struct {
	guardhouse
	*access.Keyring
	acme tenant.ID
}

func newRing(t *testing.T) ring {
	t.Helper()
	g := newGuardhouse(t)
	role, err := postgres.OpenAccess(t.Context(), g.owner.Config().ConnString(), 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(role.Close)
	return ring{g, access.NewKeyring(g.app, role, g.vault), g.tenant(t, "Acme")}
}

// as is a context of a caller of Acme's with these permissions.
func (r ring) as(t *testing.T, set access.Permissions) context.Context {
	t.Helper()
	return access.With(t.Context(), access.Principal{Tenant: r.acme, Kind: access.MemberKind, Login: uuid.New(), Permissions: set})
}

func (r ring) boss(t *testing.T) context.Context { return r.as(t, access.Owner.Permissions()) }

func TestNobodyGivesWhatTheyLack(t *testing.T) {
	r := newRing(t)
	keys := access.Of(access.ManageKeys)
	for name, c := range map[string]struct {
		has   access.Permissions
		draft access.KeyDraft
		want  fault.Code // empty: made
	}{
		"an owner, all that manages":      {access.Owner.Permissions(), access.KeyDraft{Kind: access.ManageKey}, ""},
		"keys alone, to send":             {keys, access.KeyDraft{Kind: access.WriteKey}, ""},
		"keys alone, to send from pages":  {keys, access.KeyDraft{Kind: access.PublishKey, Origins: []string{"https://a.example"}}, ""},
		"keys alone, to read":             {keys, access.KeyDraft{Kind: access.ReadKey}, fault.Forbidden},
		"keys alone, to embed":            {keys, access.KeyDraft{Kind: access.EmbedKey}, fault.Forbidden},
		"metrics, to embed":               {keys | access.Of(access.ReadMetrics), access.KeyDraft{Kind: access.EmbedKey}, ""},
		"metrics, to read metrics":        {keys | access.Of(access.ReadMetrics), access.KeyDraft{Kind: access.ReadKey, Permissions: access.Of(access.ReadMetrics)}, ""},
		"metrics, to read events":         {keys | access.Of(access.ReadMetrics), access.KeyDraft{Kind: access.ReadKey, Permissions: access.Of(access.Read)}, fault.Forbidden},
		"an admin, what is implied":       {access.Admin.Permissions(), access.KeyDraft{Kind: access.ReadKey, Permissions: access.Of(access.Read)}, ""},
		"no keys":                         {access.Owner.Permissions() &^ keys, access.KeyDraft{Kind: access.WriteKey}, fault.Forbidden},
		"more than the kind":              {access.Owner.Permissions(), access.KeyDraft{Kind: access.ReadKey, Permissions: keys}, fault.BadUserInput},
		"to impersonate":                  {access.Owner.Permissions(), access.KeyDraft{Kind: access.ManageKey, Permissions: access.Of(access.Impersonate)}, fault.BadUserInput},
		"no kind":                         {access.Owner.Permissions(), access.KeyDraft{Kind: "member"}, fault.BadUserInput},
		"origins of what is not for them": {access.Owner.Permissions(), access.KeyDraft{Kind: access.WriteKey, Origins: []string{"https://a.example"}}, fault.BadUserInput},
		"an origin with a path":           {keys, access.KeyDraft{Kind: access.PublishKey, Origins: []string{"https://a.example/"}}, fault.BadUserInput},
		"an origin in capitals":           {keys, access.KeyDraft{Kind: access.PublishKey, Origins: []string{"https://A.example"}}, fault.BadUserInput},
		"an origin of a script":           {keys, access.KeyDraft{Kind: access.PublishKey, Origins: []string{"javascript:1"}}, fault.BadUserInput},
		"an end in the past":              {keys, access.KeyDraft{Kind: access.WriteKey, ExpiresAt: new(time.Now().Add(-time.Minute))}, fault.BadUserInput},
		"an end too far":                  {keys, access.KeyDraft{Kind: access.WriteKey, ExpiresAt: new(time.Now().AddDate(20, 0, 0))}, fault.BadUserInput},
	} {
		c.draft.Name = name
		key, made, err := r.Create(r.as(t, c.has), c.draft)
		if c.want == "" {
			if err != nil || key == "" || made.Permissions != c.draft.May() || !strings.HasPrefix(key, made.Prefix) {
				t.Errorf("%s: %+v, %v", name, made, err)
			}
			continue
		}
		if f, _ := fault.Of(err); err == nil || f.Code != c.want || key != "" {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	narrow := access.Principal{Tenant: r.acme, Permissions: access.Owner.Permissions(), Narrow: "x"}
	if _, _, err := r.Create(access.With(t.Context(), narrow), access.KeyDraft{Kind: access.ReadKey, Name: "x"}); err == nil {
		t.Error("who is restricted makes a key that is not")
	}
}

func TestARotatedKeyOverlaps(t *testing.T) {
	r := newRing(t)
	expires := time.Now().Add(48 * time.Hour)
	old, was, err := r.Create(r.boss(t), access.KeyDraft{Kind: access.ReadKey, Name: "n", Permissions: access.Of(access.ReadMetrics), ExpiresAt: &expires})
	if err != nil {
		t.Fatal(err)
	}
	fresh, now, err := r.Rotate(r.boss(t), was.ID, time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	if now.Rotates.UUID != was.ID || now.Permissions != was.Permissions || now.Name != "n" || now.ExpiresAt == nil || now.ExpiresAt.Before(expires.Add(-time.Minute)) {
		t.Errorf("the new key is %+v", now)
	}
	for _, key := range []string{old, fresh} {
		if p, err := r.keys.Key(t.Context(), key); err != nil || p.Permissions != access.Of(access.ReadMetrics) {
			t.Errorf("during the overlap: %+v, %v", p, err)
		}
	}
	if p, _ := r.keys.Key(t.Context(), old); p.Expires.After(time.Now().Add(61*time.Minute)) || p.Expires.IsZero() {
		t.Errorf("the old key ends %v", p.Expires)
	}
	if _, _, err := r.Rotate(r.boss(t), was.ID, time.Hour, nil); err == nil {
		t.Error("a key was rotated twice")
	}
	if _, _, err := r.Rotate(r.boss(t), now.ID, 31*24*time.Hour, nil); err == nil {
		t.Error("an overlap of 31 days is taken")
	}
	if _, _, err := r.Rotate(r.as(t, access.Of(access.ManageKeys)), now.ID, 0, nil); err == nil {
		t.Error("who may not read metrics has got a key that may")
	}
	last, _, err := r.Rotate(r.boss(t), now.ID, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.keys.Forget()
	if _, err := r.keys.Key(t.Context(), fresh); err == nil {
		t.Error("without an overlap the old key still works")
	}
	if _, err := r.keys.Key(t.Context(), last); err != nil {
		t.Error(err)
	}
	globex := access.With(t.Context(), access.Principal{Tenant: r.tenant(t, "Globex"), Permissions: access.Owner.Permissions()})
	_, _, err = r.Rotate(globex, now.ID, 0, nil)
	wantFault(t, err, fault.NotFound, "id")
	wantFault(t, r.Revoke(globex, now.ID, ""), fault.NotFound, "id")
}

// However many rotate at once, a key has one successor.
func TestAKeyHasOneSuccessor(t *testing.T) {
	r := newRing(t)
	_, was, err := r.Create(r.boss(t), access.KeyDraft{Kind: access.ReadKey, Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	won := make(chan string, 20)
	for range 20 {
		wg.Go(func() {
			if key, _, err := r.Rotate(r.boss(t), was.ID, time.Hour, nil); err == nil {
				won <- key
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d of 20 rotations have won", len(won))
	}
}

func TestAKeyThatHasExpiredIsUnknown(t *testing.T) {
	r := newRing(t)
	key, made, err := r.Create(r.boss(t), access.KeyDraft{Kind: access.ReadKey, Name: "n", ExpiresAt: new(time.Now().Add(time.Hour))})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.keys.Key(t.Context(), key)
	if err != nil || !p.Expires.Equal(made.ExpiresAt.Truncate(time.Microsecond)) {
		t.Fatalf("%+v, %v; want the end %v", p, err, made.ExpiresAt)
	}
	r.exec(t, fmt.Sprintf("update api_key set expires_at = now() where api_key_id = '%s'", made.ID))
	r.keys.Forget()
	_, err = r.keys.Key(t.Context(), key)
	wantFault(t, err, fault.Unauthenticated, "")
}

func TestAPublishableKeySendsFromItsPagesAlone(t *testing.T) {
	r := newRing(t)
	key, _, err := r.Create(r.boss(t), access.KeyDraft{Kind: access.PublishKey, Name: "n", Origins: []string{"https://a.example", "https://b.example:8443"}})
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{
		"https://a.example": true, "https://b.example:8443": true, "HTTPS://A.example": true, "": false, "null": false, "http://a.example": false,
		"https://a.example.evil.example": false, "https://b.example": false,
	} {
		if _, err := r.keys.Sender(t.Context(), key, origin); (err == nil) != want {
			t.Errorf("from %q: %v", origin, err)
		}
	}
	_, err = r.keys.Key(t.Context(), key)
	wantFault(t, err, fault.Forbidden, "")
	anywhere, _, err := r.Create(r.boss(t), access.KeyDraft{Kind: access.PublishKey, Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.keys.Sender(t.Context(), anywhere, ""); err != nil {
		t.Error(err)
	}
	_, err = r.keys.Sender(t.Context(), r.key(t, r.acme, access.ReadKey, "r"), "")
	wantFault(t, err, fault.Forbidden, "")
}
