package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func (h house) verify(t *testing.T, id tenant.ID, expect ...audit.Anchor) *audit.Finding {
	t.Helper()
	found, err := audit.Verify(t.Context(), h.worker, id, expect, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// faults are what verifying found, as "altered 3".
func faults(f *audit.Finding) (list []string) {
	for _, b := range f.Breaks {
		list = append(list, fmt.Sprintf("%s %d", b.Fault, b.Seq))
	}
	return list
}

// tamper does what only who commands the whole database can.
func (h house) tamper(t *testing.T, statement string) {
	t.Helper()
	h.exec(t, "set session_replication_role = replica") // triggers sleep
	h.exec(t, statement)
	h.exec(t, "set session_replication_role = origin")
}

// six writes six entries into each chain, and gives Acme's anchor after the fourth.
func (h house) six(t *testing.T) (anchor audit.Anchor) {
	t.Helper()
	for i := range 6 {
		for _, id := range []tenant.ID{acme, globex} {
			h.write(t.Context(), t, id, audit.Entry{Action: audit.TenantChanged, Target: audit.Target{Type: "tenant"}, After: map[string]int{"n": i}})
		}
		if i == 3 {
			anchor = h.verify(t, acme).End
		}
	}
	return anchor
}

func TestVerifyFindsWhatWasTamperedWith(t *testing.T) {
	h := newHouse(t)
	anchor := h.six(t)
	h.exec(t, `create table as_written as table audit_entry`)
	for _, c := range []struct {
		name, statement string
		want            []string // without an anchor
		anchored        []string // with the one after the fourth entry; nil: the same
	}{
		{"nothing", `select 1`, nil, nil},
		{"a changed value", `update audit_entry set after = '{"n":9}' where seq = 3`, []string{"altered 3"}, nil},
		{"JSON that means the same", `update audit_entry set after = '{"n": 2}' where seq = 3`, []string{"altered 3"}, nil},
		{"another actor", `update audit_entry set actor_kind = 'KEY' where seq = 1`, []string{"altered 1"}, nil},
		{"a name where there was none", `update audit_entry set actor_name = '' where seq = 2`, []string{"altered 2"}, nil},
		{"another time", `update audit_entry set at = at + interval '1 microsecond' where seq = 5`, []string{"altered 5"}, nil},
		{"an entry of another's", `update audit_entry set tenant_id = '` + acme.String() + `', seq = 7 where tenant_id = '` + globex.String() + `' and seq = 6`, []string{"unlinked 7", "altered 7"}, nil},
		{"a changed entry, hashed anew", `update audit_entry set action = 'X' where seq = 3; update audit_entry e set hash = audit_hash(e) where seq = 3`, []string{"unlinked 4"}, nil},
		{"a missing entry", `delete from audit_entry where seq = 3`, []string{"missing 3"}, nil},
		{"the first missing", `delete from audit_entry where seq < 3`, []string{"missing 1"}, nil},
		{"a missing entry, closed up", `delete from audit_entry where seq = 3; update audit_entry set seq = seq - 1 where seq > 3`,
			[]string{"unlinked 3", "moved 3", "moved 4", "moved 5"}, []string{"unlinked 3", "moved 3", "moved 4", "replaced 4", "moved 5"}},
		{"two in each other's place", `update audit_entry set seq = 99 where seq = 2; update audit_entry set seq = 2 where seq = 3; update audit_entry set seq = 3 where seq = 99`,
			[]string{"unlinked 2", "moved 2", "unlinked 3", "moved 3", "unlinked 4"}, nil},
		{"the end cut off", `delete from audit_entry where seq > 3`, nil, []string{"cut 4"}},
		{"all of it taken", `delete from audit_entry`, nil, []string{"cut 4"}},
		{"all of it written anew", anew, nil, []string{"replaced 4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.tamper(t, `truncate audit_entry; insert into audit_entry table as_written`)
			h.tamper(t, strings.ReplaceAll(c.statement, "where seq", "where tenant_id = '"+acme.String()+"' and seq"))
			if diff := cmp.Diff(c.want, faults(h.verify(t, acme))); diff != "" {
				t.Errorf("without an anchor (-want +got):\n%s", diff)
			}
			want := c.anchored
			if want == nil {
				want = c.want
			}
			if diff := cmp.Diff(want, faults(h.verify(t, acme, anchor))); diff != "" {
				t.Errorf("with an anchor (-want +got):\n%s", diff)
			}
			if c.name != "an entry of another's" && c.name != "all of it taken" && !h.verify(t, globex, anchor).Whole() {
				t.Error("Globex has to do with it")
			}
		})
	}
}

// anew forges Acme's whole chain, with every hash as it ought to be.
var anew = `
	do $$
	declare e audit_entry; last bytea := decode(repeat('00', 32), 'hex');
	begin
	  for e in select * from audit_entry where tenant_id = '` + acme.String() + `' order by seq loop
	    e.actor_name := 'Somebody else';
	    e.previous := last;
	    e.hash := audit_hash(e);
	    update audit_entry x set actor_name = e.actor_name, previous = e.previous, hash = e.hash where x.tenant_id = e.tenant_id and x.seq = e.seq;
	    last := e.hash;
	  end loop;
	end $$`

func TestALongChainIsReadInPagesAndBreaksAreBounded(t *testing.T) {
	h := newHouse(t)
	n := 2*audit.ReadPage + 1
	h.exec(t, `insert into audit_entry (tenant_id, action, actor_kind, target_type, target_id)
		select $1, 'X', 'SYSTEM', 'x', n::text from generate_series(1, $2) n order by n`, acme, n)
	found := h.verify(t, acme)
	if !found.Whole() || found.Entries != n || found.End.Seq != int64(n) {
		t.Errorf("%d entries: %+v", n, found)
	}
	h.tamper(t, `update audit_entry set target_id = 'y'`)
	found = h.verify(t, acme)
	if len(found.Breaks) != audit.MaxBreaks || found.Untold != n-audit.MaxBreaks {
		t.Errorf("%d breaks are told and %d not", len(found.Breaks), found.Untold)
	}
}

func TestChainsAreListed(t *testing.T) {
	h := newHouse(t)
	if got, err := audit.Chains(t.Context(), h.worker); err != nil || len(got) != 0 {
		t.Errorf("of an empty log: %v, %v", got, err)
	}
	h.six(t)
	err := h.access.InTx(t.Context(), func(tx pgx.Tx) error { return audit.WriteSystem(t.Context(), tx, erased) })
	if err != nil {
		t.Fatal(err)
	}
	got, err := audit.Chains(t.Context(), h.worker)
	if want := []tenant.ID{tenant.None, acme, globex}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

// However entries come, at once and after other locks of the tenant, they make one chain.
func TestWritersAtOnceMakeOneChain(t *testing.T) {
	h := newHouse(t)
	const writers, each = 50, 4
	var group errgroup.Group
	for i := range writers {
		group.Go(func() error {
			for range each {
				if err := h.app.InTenant(t.Context(), acme, func(tx pgx.Tx) error { return turnAndWrite(t.Context(), tx, i%2 == 0) }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	found := h.verify(t, acme)
	if !found.Whole() || found.End.Seq != writers*each || found.Entries != writers*each {
		t.Errorf("%v, ends at %d", faults(found), found.End.Seq)
	}
}

// turnAndWrite writes an entry; some do as those who change data, and take their turn before.
func turnAndWrite(ctx context.Context, tx pgx.Tx, turn bool) error {
	if turn {
		if _, err := dbsqlc.New().EventTakeTurn(ctx, tx); err != nil {
			return err
		}
	}
	return audit.Write(ctx, tx, renamed)
}

// What the database hashes and what Go does is the same, whatever stands in an entry.
func TestTheHashIsOneInSQLAndInGo(t *testing.T) {
	h := newHouse(t)
	text := rapid.StringOfN(rapid.RuneFrom([]rune{'a', ':', '-', '1', 'ü', '😀', '"', '\\', '\n', 0, 0xfffd, 0x2028}), 0, 20, -1)
	var written int64
	rapid.Check(t, func(r *rapid.T) {
		ctx := audit.WithActor(t.Context(), audit.Actor{
			Kind: rapid.SampledFrom([]audit.ActorKind{audit.Member, audit.Key, audit.Operator, audit.System, audit.Nobody}).Draw(r, "kind"),
			ID:   rapid.SampledFrom([]uuid.UUID{uuid.Nil, {1}, uuid.Max}).Draw(r, "id"), Name: text.Draw(r, "name"),
			Impersonator: rapid.SampledFrom([]uuid.UUID{uuid.Nil, {2}}).Draw(r, "impersonator"),
		})
		client := fault.Client{UserAgent: text.Draw(r, "agent")}
		if rapid.Bool().Draw(r, "addressed") {
			client.Address = netip.MustParseAddr(rapid.SampledFrom([]string{"192.0.2.1", "2001:db8::1", "fe80::1%eth0"}).Draw(r, "address"))
		}
		ctx = fault.WithRequest(fault.WithClient(ctx, client), text.Draw(r, "request"))
		e := audit.Entry{
			Action: audit.Denied, Target: audit.Target{Type: rapid.StringMatching(`[a-z]{0,9}`).Draw(r, "type"), ID: rapid.StringMatching(`[a-zü:-]{0,9}`).Draw(r, "target")},
			Before: rapid.MapOf(text, rapid.Float64()).Draw(r, "before"), After: rapid.SampledFrom([]any{nil, 1, "x", []any{}}).Draw(r, "after"),
		}
		if err := h.app.InTenant(ctx, acme, func(tx pgx.Tx) error { return audit.Write(ctx, tx, e) }); err != nil {
			r.Fatal(err)
		}
		written++
		h.hashedAlike(t, r, written)
	})
	if found := h.verify(t, acme); !found.Whole() || found.End.Seq != written {
		t.Errorf("%d written: %+v", written, found)
	}
}

func (h house) hashedAlike(t *testing.T, r *rapid.T, seq int64) {
	err := h.app.Read(t.Context(), acme, func(tx pgx.Tx) error {
		record, err := dbsqlc.New().AuditEntryGet(t.Context(), tx, seq)
		if err != nil {
			return err
		}
		if got := audit.HashOf(&record); !bytes.Equal(got, record.Hash) {
			r.Fatalf("entry %d: %x in Go, %x in SQL: %+v", seq, got, record.Hash, record)
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
}

func TestAnchorsAreReadAsTheyAreWritten(t *testing.T) {
	a := audit.Anchor{Tenant: acme, Seq: 7, Hash: bytes.Repeat([]byte{0xab}, 32)}
	got, err := audit.ReadAnchors(strings.NewReader("\n" + a.String() + "\n \n" + a.String()))
	if diff := cmp.Diff([]audit.Anchor{a, a}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"x", acme.String() + " 7", acme.String() + " 0 " + strings.Repeat("ab", 32), acme.String() + " 7 ab", "x 7 " + strings.Repeat("ab", 32), acme.String() + " 7 " + strings.Repeat("zz", 32)} {
		if got, err := audit.ReadAnchors(strings.NewReader(bad)); err == nil {
			t.Errorf("%q reads %v", bad, got)
		}
	}
}
