package access_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// guard is a watcher at work, and the authenticator of the same server.
type guard struct {
	house
	keys    *access.Authenticator
	watcher *access.Watcher
	warned  *atomic.Int64 // how often the watcher had something to log
}

// counter is a log that is only counted.
type counter struct {
	slog.Handler
	n *atomic.Int64
}

func (counter) Enabled(context.Context, slog.Level) bool { return true }

func (c counter) Handle(context.Context, slog.Record) error {
	c.n.Add(1)
	return nil
}

func newGuard(t *testing.T) guard {
	t.Helper()
	h := newHouse(t)
	keys := access.NewAuthenticator(h.app, nil, nil)
	warned := new(atomic.Int64)
	g := guard{h, keys, access.NewWatcher(keys.Forget, slog.New(counter{slog.DiscardHandler, warned})), warned}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- g.watcher.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return g
}

// visitor is somebody who is connected with a key of their own.
type visitor struct {
	access.Principal
	ctx  context.Context
	key  string
	name string
}

// visit makes a key and watches it, as a server does when somebody connects.
func (g guard) visit(t *testing.T, id tenant.ID, name string) visitor {
	t.Helper()
	v := visitor{key: g.key(t, id, access.ReadKey, name), name: name}
	var err error
	if v.Principal, err = g.keys.Key(t.Context(), v.key); err != nil {
		t.Fatal(err)
	}
	v.ctx = g.watch(t.Context(), v.Principal, g.keys.Recheck(v.key))
	return v
}

// watch gives a context that ends when the principal may no longer.
func (g guard) watch(ctx context.Context, p access.Principal, recheck access.Recheck) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	g.watcher.Watch(ctx, p, recheck, cancel)
	return ctx
}

// told is the topic of a change of the visitor's key.
func (v visitor) told() topic.Topic {
	return topic.Topic{Tenant: v.Tenant, Subject: topic.APIKey, Key: v.ID.String()}
}

// wantEnded waits until the visitor is sent away, for the right reason.
func (v visitor) wantEnded(t *testing.T) {
	t.Helper()
	eventually(t, "the end of "+v.name, func() bool { return v.ctx.Err() != nil })
	wantFault(t, context.Cause(v.ctx), fault.Unauthenticated, "")
}

func (v visitor) wantStaying(t *testing.T) {
	t.Helper()
	if v.ctx.Err() != nil {
		t.Errorf("%s was sent away: %v", v.name, context.Cause(v.ctx))
	}
}

func TestARevocationEndsWhatWasBegunWithTheKey(t *testing.T) {
	g := newGuard(t)
	acme := g.tenant(t, "Acme")
	ann, bob, eve := g.visit(t, acme, "ann"), g.visit(t, acme, "bob"), g.visit(t, acme, "eve")
	annsOther := visitor{ctx: g.watch(t.Context(), ann.Principal, g.keys.Recheck(ann.key)), name: "ann's other tab"}

	g.revoke(t, acme, "ann", 1)
	g.watcher.Changed(ann.told())
	ann.wantEnded(t)
	annsOther.wantEnded(t)
	if _, err := g.keys.Key(t.Context(), ann.key); err == nil {
		t.Error("the key is still believed")
	}

	// A change that is no revocation, and what is no key, do no harm. Once eve is gone,
	// bob has been asked about.
	g.watcher.Changed(bob.told())
	g.watcher.Changed(topic.Topic{Tenant: acme, Subject: topic.APIKey, Key: "not an id"})
	g.revoke(t, acme, "eve", 1)
	g.watcher.Changed(eve.told())
	eve.wantEnded(t)
	bob.wantStaying(t)
}

// After a gap nobody knows what changed, so everyone is asked about.
func TestAGapAsksAboutEveryKey(t *testing.T) {
	g := newGuard(t)
	acme := g.tenant(t, "Acme")
	ann, bob, eve := g.visit(t, acme, "ann"), g.visit(t, acme, "bob"), g.visit(t, acme, "eve")
	g.revoke(t, acme, "ann", 1)
	g.watcher.Gap()
	ann.wantEnded(t)
	g.revoke(t, acme, "eve", 1)
	g.watcher.Gap()
	eve.wantEnded(t)
	bob.wantStaying(t)
}

// A key may be revoked after it was looked up and before it is watched. Whoever comes in
// so must not stay, however the change was told.
func TestAKeyRevokedOnTheThresholdEndsToo(t *testing.T) {
	for name, tell := range map[string]func(*access.Watcher, visitor){
		"told by its id": func(w *access.Watcher, v visitor) { w.Changed(v.told()) },
		"told by a gap":  func(w *access.Watcher, _ visitor) { w.Gap() },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuard(t)
			acme := g.tenant(t, "Acme")
			witness := g.visit(t, acme, "witness")
			ann := visitor{key: g.key(t, acme, access.ReadKey, "ann"), name: "ann"}
			var err error
			if ann.Principal, err = g.keys.Key(t.Context(), ann.key); err != nil {
				t.Fatal(err)
			}

			g.revoke(t, acme, "ann", 1)
			g.revoke(t, acme, "witness", 1)
			tell(g.watcher, ann)
			tell(g.watcher, witness)
			witness.wantEnded(t) // so the change has been seen, while nobody watched ann's key

			ann.ctx = g.watch(t.Context(), ann.Principal, g.keys.Recheck(ann.key))
			ann.wantEnded(t)
		})
	}
}

func TestAKeyThatCannotBeCheckedStaysAndIsAskedAboutAgain(t *testing.T) {
	g := newGuard(t)
	acme := g.tenant(t, "Acme")
	ann, bob := g.visit(t, acme, "ann"), g.visit(t, acme, "bob")
	g.revoke(t, acme, "ann", 1)
	g.exec(t, "alter table api_key rename to elsewhere")
	g.watcher.Changed(ann.told())
	g.watcher.Changed(bob.told())
	eventually(t, "two failed checks", func() bool { return g.warned.Load() >= 2 })
	ann.wantStaying(t)
	g.exec(t, "alter table elsewhere rename to api_key")
	ann.wantEnded(t)
	bob.wantStaying(t)
}

func TestWhoLeavesIsNoLongerWatched(t *testing.T) {
	g := newGuard(t)
	acme := g.tenant(t, "Acme")
	stays := g.visit(t, acme, "stays")
	ctx, leave := context.WithCancel(t.Context())
	for i := range 20 {
		key := g.key(t, acme, access.ReadKey, fmt.Sprint("tab ", i))
		who, err := g.keys.Key(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			g.watch(ctx, who, g.keys.Recheck(key))
		}
	}
	if n := access.Watched(g.watcher); n != 21 {
		t.Errorf("%d keys are watched, want 21", n)
	}
	leave()
	eventually(t, "the leaving of 1,000", func() bool { return access.Watched(g.watcher) == 1 })
	stays.wantStaying(t)
	g.revoke(t, acme, "stays", 1)
	g.watcher.Changed(stays.told())
	stays.wantEnded(t)
	eventually(t, "the leaving of the last", func() bool { return access.Watched(g.watcher) == 0 })
}

// end is what somebody's context ends with, once it has.
func (v visitor) end(t *testing.T) error {
	t.Helper()
	eventually(t, "the end of "+v.name, func() bool { return v.ctx.Err() != nil })
	return context.Cause(v.ctx)
}

// Whoever may do something else than before is asked to come again, and whoever's time is
// over is sent away; a change of another tenant's roles is nobody's business here.
func TestAChangeOfRightsAndTheEndOfATokenEndWhatWasBegun(t *testing.T) {
	g := newGuard(t)
	acme, globex := g.tenant(t, "Acme"), g.tenant(t, "Globex")
	begin := func(id tenant.ID, now access.Principal, expires time.Time) visitor {
		was := access.Principal{Tenant: id, Kind: access.MemberKind, ID: uuid.New(), Login: uuid.New(), Permissions: access.Of(access.Read), Expires: expires}
		now.Tenant, now.Kind, now.ID, now.Login = was.Tenant, was.Kind, was.ID, was.Login
		recheck := func(context.Context) (access.Principal, error) { return now, nil }
		return visitor{Principal: was, ctx: g.watch(t.Context(), was, recheck), name: id.String()}
	}
	promoted := begin(acme, access.Principal{Permissions: access.Of(access.Read, access.ReadPII)}, time.Time{})
	same := begin(acme, access.Principal{Permissions: access.Of(access.Read)}, time.Time{})
	elsewhere := begin(globex, access.Principal{}, time.Time{})
	g.watcher.Changed(topic.Topic{Tenant: acme, Subject: topic.Role, Key: uuid.NewString()})
	if err := promoted.end(t); !errors.Is(err, access.ErrChanged) {
		t.Errorf("new rights end with %v", err)
	}
	same.wantStaying(t)
	elsewhere.wantStaying(t)
	if err := begin(acme, access.Principal{Permissions: access.Of(access.Read)}, time.Now()).end(t); !errors.Is(err, access.ErrExpired) {
		t.Errorf("an expired token ends with %v", err)
	}
}

// A suspended tenant lets nobody in: neither its keys nor its members.
func TestASuspendedTenantLetsNobodyIn(t *testing.T) {
	g := newGuard(t)
	acme := g.tenant(t, "Acme")
	ann := g.visit(t, acme, "ann")
	if err := access.Suspend(t.Context(), g.worker, acme, true); err != nil {
		t.Fatal(err)
	}
	g.watcher.Changed(topic.Topic{Tenant: acme, Subject: topic.Gate})
	ann.wantEnded(t)
	_, err := g.keys.Key(t.Context(), ann.key)
	wantFault(t, err, fault.Unauthenticated, "")
	if err := access.Suspend(t.Context(), g.worker, acme, false); err != nil {
		t.Fatal(err)
	}
	if _, err := g.keys.Key(t.Context(), ann.key); err != nil {
		t.Errorf("after the suspension: %v", err)
	}
	wantFault(t, access.Suspend(t.Context(), g.worker, tenant.ID{9}, true), fault.NotFound, "tenant")
}
