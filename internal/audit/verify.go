package audit

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// The bounds of reading a chain.
const (
	readPage   = 500              // entries that are read at once: of 34 KB each at most
	readWithin = 30 * time.Second // of one page
	maxBreaks  = 100              // of one chain that are told; the others are counted
	nearby     = 100              // places on either side at which an entry may have stood
)

// Fault is in what way a chain is broken.
type Fault string

// The faults.
const (
	Altered  Fault = "altered"  // an entry is not as it was written
	Moved    Fault = "moved"    // an entry was written at another place
	Missing  Fault = "missing"  // entries that were there are not
	Unlinked Fault = "unlinked" // an entry was written after another one than the one before it
	Cut      Fault = "cut"      // the chain ends before an anchor
	Replaced Fault = "replaced" // an anchor's entry is another one now
)

// Break is a place at which a chain is broken.
type Break struct {
	Tenant tenant.ID
	Seq    int64
	Fault  Fault
	Why    string // a sentence
}

// Finding is what verifying a chain found.
type Finding struct {
	End     Anchor  // its last entry; at 0 if it has none
	Breaks  []Break // the first of them
	Untold  int     // how many more there are
	Entries int     // how many were looked at
}

// Whole reports whether the chain is as it was written.
func (f *Finding) Whole() bool { return len(f.Breaks) == 0 }

// Chains lists whose chains there are, in the order of their ids; that of what belongs to no
// tenant comes first.
func Chains(ctx context.Context, worker *postgres.Worker) ([]tenant.ID, error) {
	var ids []uuid.UUID
	err := worker.InTx(ctx, func(tx pgx.Tx) (err error) {
		ids, err = dbsqlc.New().AuditChains(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list audit chains: %w", err)
	}
	chains := make([]tenant.ID, len(ids))
	for i, id := range ids {
		chains[i] = tenant.ID(id)
	}
	return chains, nil
}

// Verify reads a tenant's chain, works out every hash anew, and tells where it is not as it
// was written. Anchors of other tenants are passed over. It tells seen how many entries it has
// looked at so far.
func Verify(ctx context.Context, worker *postgres.Worker, id tenant.ID, expect []Anchor, seen func(entries int)) (*Finding, error) {
	v := &verifying{Finding: Finding{End: Anchor{Tenant: id, Hash: zeros}}}
	for _, a := range expect {
		if a.Tenant == id {
			v.expect = append(v.expect, a)
		}
	}
	slices.SortFunc(v.expect, func(a, b Anchor) int { return cmp.Compare(a.Seq, b.Seq) })
	err := read(ctx, worker.InTx, dbsqlc.AuditEntryAfterParams{TenantID: id, LastSeq: math.MaxInt64}, func(page []Record) error {
		for i := range page {
			v.look(&page[i])
		}
		seen(v.Entries)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("verify audit chain: %w", err)
	}
	v.finish()
	return &v.Finding, nil
}

// InTx runs fn in a transaction.
type InTx func(ctx context.Context, fn func(tx pgx.Tx) error) error

// read gives a chain page by page, each in a transaction of its own.
func read(ctx context.Context, inTx InTx, params dbsqlc.AuditEntryAfterParams, give func(page []Record) error) error {
	for params.Most = readPage; ; {
		page, err := readOne(ctx, inTx, params)
		if err != nil {
			return err
		}
		if err := give(page); err != nil || len(page) < readPage {
			return err
		}
		params.AfterSeq = page[len(page)-1].Seq
	}
}

func readOne(ctx context.Context, inTx InTx, params dbsqlc.AuditEntryAfterParams) (page []Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	err = inTx(ctx, func(tx pgx.Tx) error {
		page, err = dbsqlc.New().AuditEntryAfter(ctx, tx, params)
		return err
	})
	return page, err
}

// verifying is a verification on its way.
type verifying struct {
	Finding
	expect []Anchor // that are yet to come, the nearest first
}

func (v *verifying) look(r *Record) {
	v.Entries++
	next := v.End.Seq + 1
	switch {
	case r.Seq == next+1:
		v.tell(next, Missing, "Entry %d is missing.", next)
	case r.Seq > next:
		v.tell(next, Missing, "Entries %d to %d are missing.", next, r.Seq-1)
	case !bytes.Equal(r.Previous, v.End.Hash):
		v.tell(r.Seq, Unlinked, "Entry %d was not written after the entry that stands before it.", r.Seq)
	}
	if worked := hashOf(r); !bytes.Equal(worked[:], r.Hash) {
		if place, ok := stood(*r); ok {
			v.tell(r.Seq, Moved, "Entry %d was written as entry %d.", r.Seq, place)
		} else {
			v.tell(r.Seq, Altered, "Entry %d is not as it was written.", r.Seq)
		}
	}
	v.End.Seq, v.End.Hash = r.Seq, r.Hash
	for len(v.expect) > 0 && v.expect[0].Seq <= r.Seq {
		if a := v.expect[0]; a.Seq == r.Seq && !bytes.Equal(a.Hash, r.Hash) {
			v.tell(r.Seq, Replaced, "Entry %d is another one than the anchor names.", r.Seq)
		}
		v.expect = v.expect[1:]
	}
}

// stood tells at which other place an entry is as it was written, if there is one nearby.
func stood(r Record) (place int64, ok bool) {
	here := r.Seq
	for r.Seq = max(1, here-nearby); r.Seq <= here+nearby; r.Seq++ {
		if worked := hashOf(&r); bytes.Equal(worked[:], r.Hash) {
			return r.Seq, true
		}
	}
	return 0, false
}

// finish looks for what should have come after the last entry.
func (v *verifying) finish() {
	for _, a := range v.expect {
		v.tell(a.Seq, Cut, "The chain ends at entry %d, and the anchor names entry %d.", v.End.Seq, a.Seq)
	}
}

func (v *verifying) tell(seq int64, fault Fault, why string, args ...any) {
	if len(v.Breaks) == maxBreaks {
		v.Untold++
		return
	}
	v.Breaks = append(v.Breaks, Break{v.End.Tenant, seq, fault, fmt.Sprintf(why, args...)})
}
