package audit_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// write adds an entry as the app, in a transaction of its own.
func (h house) write(ctx context.Context, t *testing.T, id tenant.ID, e audit.Entry) {
	t.Helper()
	if err := h.app.InTenant(ctx, id, func(tx pgx.Tx) error { return audit.Write(ctx, tx, e) }); err != nil {
		t.Fatal(err)
	}
}

var (
	renamed = audit.Entry{Action: audit.TenantChanged, Target: audit.Target{Type: "tenant", ID: acme.String()}, Before: map[string]any{"name": "A"}, After: map[string]any{"name": "B"}}
	erased  = audit.Entry{Action: audit.PersonErased, Target: audit.Target{Type: "erasure", ID: "7"}}
)

func TestAnEntrySaysWhoWhenAndFromWhere(t *testing.T) {
	h := newHouse(t)
	who, boss := uuid.New(), uuid.New()
	ctx := audit.WithActor(t.Context(), audit.Actor{Kind: audit.Member, ID: who, Name: "Ann\x00 Lee\xff", Impersonator: boss})
	ctx = fault.WithClient(ctx, fault.Client{Address: netip.MustParseAddr("::ffff:192.0.2.7"), UserAgent: "Firefox"})
	ctx = fault.WithRequest(ctx, "r1")
	h.write(ctx, t, acme, renamed)
	var got [11]string
	err := h.owner.QueryRow(t.Context(), `
		select tenant_id::text, action, actor_kind, actor_id::text, actor_name, impersonator::text,
		  target_type || ' ' || target_id, before::text, after::text, address, user_agent || ' ' || request
		from audit_entry where at between now() - interval '1 minute' and clock_timestamp()`).
		Scan(&got[0], &got[1], &got[2], &got[3], &got[4], &got[5], &got[6], &got[7], &got[8], &got[9], &got[10])
	want := [11]string{acme.String(), "TENANT_CHANGED", "MEMBER", who.String(), "Ann Lee", boss.String(),
		"tenant " + acme.String(), `{"name":"A"}`, `{"name":"B"}`, "192.0.2.7", "Firefox r1"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestAnEntryStandsOrFallsWithItsChange(t *testing.T) {
	h := newHouse(t)
	failed := errors.New("the change failed")
	err := h.app.InTenant(t.Context(), acme, func(tx pgx.Tx) error {
		return errors.Join(audit.Write(t.Context(), tx, renamed), failed)
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	h.write(t.Context(), t, acme, erased)
	if got := h.places(t, acme); got != "1 PERSON_ERASED" {
		t.Errorf("the log has %q", got)
	}
}

// places lists a tenant's entries as their places and actions.
func (h house) places(t *testing.T, id tenant.ID) (list string) {
	t.Helper()
	err := h.owner.QueryRow(t.Context(), `select coalesce(string_agg(seq || ' ' || action, ', ' order by seq), '') from audit_entry where tenant_id = $1`, id).Scan(&list)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What belongs to no tenant has a chain of its own, and the transaction goes on as it was.
func TestTheSystemsChain(t *testing.T) {
	h := newHouse(t)
	err := h.access.InTenant(t.Context(), acme, func(tx pgx.Tx) error {
		return errors.Join(
			audit.Write(t.Context(), tx, renamed),
			audit.WriteSystem(t.Context(), tx, audit.Entry{Action: audit.SignInFailed, Target: audit.Target{Type: "login"}}),
			audit.Write(t.Context(), tx, erased),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = h.access.InTx(t.Context(), func(tx pgx.Tx) error {
		return audit.WriteSystem(t.Context(), tx, audit.Entry{Action: audit.SignedIn, Target: audit.Target{Type: "login"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.places(t, acme); got != "1 TENANT_CHANGED, 2 PERSON_ERASED" {
		t.Errorf("Acme's chain has %q", got)
	}
	if got := h.places(t, tenant.None); got != "1 SIGN_IN_FAILED, 2 SIGNED_IN" {
		t.Errorf("the system's chain has %q", got)
	}
}

func TestTheWorkerSaysWhoseEntryItIs(t *testing.T) {
	h := newHouse(t)
	err := h.worker.InTx(t.Context(), func(tx pgx.Tx) error { return audit.Write(t.Context(), tx, renamed) })
	if err == nil {
		t.Error("an entry of no tenant was taken")
	}
	mine := renamed
	mine.Tenant = globex
	if err := h.worker.InTx(t.Context(), func(tx pgx.Tx) error { return audit.Write(t.Context(), tx, mine) }); err != nil {
		t.Fatal(err)
	}
	if got := h.places(t, globex); got != "1 TENANT_CHANGED" {
		t.Errorf("Globex's chain has %q", got)
	}
	err = h.app.InTenant(t.Context(), acme, func(tx pgx.Tx) error { return audit.Write(t.Context(), tx, mine) })
	if err == nil {
		t.Error("Acme wrote into the log of Globex")
	}
}

// Neither the roles of the product nor a slip of the owner change what was written, or take
// it away; and what an entry says of its place is not asked.
func TestAnEntryStays(t *testing.T) {
	h := newHouse(t)
	h.write(t.Context(), t, acme, renamed)
	statements := []string{
		`update audit_entry set action = 'X'`, `delete from audit_entry`, `truncate audit_entry`,
		`insert into audit_entry select * from audit_entry on conflict (tenant_id, seq) do update set action = 'X'`,
		`alter table audit_entry disable trigger all`,
	}
	for _, role := range []string{"tidemark_app", "tidemark_access", "tidemark_worker", ""} {
		for _, statement := range statements {
			if role == "" && statement == statements[4] {
				continue // the owner may; Verify finds what comes of it
			}
			err := h.as(t, role, statement)
			if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != "42501" {
				t.Errorf("%q: %s: %v", role, statement, err)
			}
		}
	}
	if err := h.as(t, "tidemark_app", `
		insert into audit_entry (tenant_id, seq, at, action, actor_kind, target_type, target_id, previous, hash)
		values (current_tenant(), 99, '2020-01-01', 'FORGED', 'SYSTEM', 'x', '', '', '')`); err != nil {
		t.Fatal(err)
	}
	if got := h.places(t, acme); got != "1 TENANT_CHANGED, 2 FORGED" {
		t.Errorf("the log has %q", got)
	}
}

// as runs a statement as one of the roles, for Acme; as the owner, without one.
func (h house) as(t *testing.T, role, statement string) error {
	t.Helper()
	return pgx.BeginFunc(t.Context(), h.owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `select set_config('app.tenant_id', $1, true)`, acme.String()); err != nil {
			t.Fatal(err)
		}
		if role != "" {
			if _, err := tx.Exec(t.Context(), "set local role "+role); err != nil {
				t.Fatal(err)
			}
		}
		_, err := tx.Exec(t.Context(), statement)
		return err
	})
}
