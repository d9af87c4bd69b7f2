// Package answer gives an answer again while nothing has changed of what it was read from. It
// is never stale: each request looks at the revisions of the tenant's data after it has come,
// and an answer that is given again is what a fresh one would be at that instant, to the byte.
package answer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/graph/scalar"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/limit"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// covered are the subjects whose changes a look at the revisions shows. An answer that was
// read from anything else is not kept. The tenant's own settings are looked at themselves.
var covered = []topic.Subject{topic.Day, topic.Terms, topic.Metric, topic.Cohort, topic.Grouping}

const (
	maxAnswer   = 1 << 20     // bytes of one that is kept
	tenantShare = 2           // the part of all that one tenant may take
	keptFor     = time.Minute // unless it is asked for again
	maxTenants  = 10_000
)

var errAborted = errors.New("the look at the revisions came to no end")

// Keeper keeps answers. It is an extension of the executor.
type Keeper struct {
	app      *postgres.App
	bytes    int64
	may      func(*graphql.OperationContext) bool
	kept     *otter.Cache[key, *entry]
	meanings *otter.Cache[Request, meaning]
	tenants  *otter.Cache[tenant.ID, *holder]
}

// key is what two requests have in common if, and only if, they get the same answer.
type key struct {
	scope, query, operation, variables string
}

// entry is an answer that is kept.
type entry struct {
	parts    [][]byte // between which the instant stands that it speaks of
	under    state
	until    time.Time // by the database's clock; zero: until something changes
	subjects []topic.Subject
	readings *topic.Readings
	counts   limit.Counts
	holder   *holder
	size     int64
}

// holder is a tenant whose answers are kept.
type holder struct {
	tenant tenant.ID
	checks checks
	bytes  atomic.Int64
}

// New makes a keeper of so many bytes; may says which operations it may keep at all.
func New(app *postgres.App, bytes int64, may func(*graphql.OperationContext) bool) *Keeper {
	return &Keeper{
		app: app, bytes: bytes, may: may,
		kept: otter.Must(&otter.Options[key, *entry]{
			MaximumWeight:    uint64(bytes),
			Weigher:          func(_ key, e *entry) uint32 { return uint32(e.size) },
			ExpiryCalculator: otter.ExpiryAccessing[key, *entry](keptFor),
			OnAtomicDeletion: func(e otter.DeletionEvent[key, *entry]) { e.Value.holder.bytes.Add(-e.Value.size) },
		}),
		meanings: newMeanings(bytes),
		tenants:  otter.Must(&otter.Options[tenant.ID, *holder]{MaximumSize: maxTenants}),
	}
}

// ExtensionName implements [graphql.HandlerExtension].
func (*Keeper) ExtensionName() string { return "KeptAnswers" }

// Validate implements [graphql.HandlerExtension].
func (*Keeper) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation implements [graphql.OperationInterceptor].
func (k *Keeper) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	who, known := access.From(ctx)
	// Whoever sees some rows alone is answered from more than is told by the subjects.
	if !known || who.Rows != nil || !k.may(op) {
		return next(ctx)
	}
	asked, err := keyOf(who, op)
	if err != nil {
		return next(ctx)
	}
	holder := k.holder(who.Tenant)
	now, err := holder.now(ctx)
	if err != nil {
		return next(ctx) // which will say what is wrong
	}
	k.learn(ctx, asked)
	if e, ok := k.kept.GetIfPresent(asked); ok && e.holds(now) {
		e.readings.Retell(ctx)
		limit.MeterOf(ctx).Repeat(e.counts)
		return graphql.OneShot(&graphql.Response{Data: Repeat{of: e, at: now.at}.Append(nil)})
	}
	return k.work(ctx, next, asked, holder, now)
}

func keyOf(who access.Principal, op *graphql.OperationContext) (key, error) {
	variables, err := json.Marshal(op.Variables)
	return key{who.Scope(), op.RawQuery, op.OperationName, string(variables)}, err
}

func (k *Keeper) holder(id tenant.ID) *holder {
	h, _ := k.tenants.ComputeIfAbsent(id, func() (*holder, bool) {
		look := func(ctx context.Context) (state, error) { return stateOf(ctx, k.app, id) }
		return &holder{tenant: id, checks: checks{look: look}}, false
	})
	return h
}

// now is the state at an instant after the request had come.
func (h *holder) now(ctx context.Context) (state, error) {
	if a, ok := attemptOf(ctx); ok && a.looked {
		return a.under, nil
	}
	return h.checks.now(ctx)
}

// work has the answer worked out, and keeps it. It was read after the look at the revisions:
// if something changed in between, it is newer than it is taken for, and is not given again.
func (k *Keeper) work(ctx context.Context, next graphql.OperationHandler, asked key, of *holder, under state) graphql.ResponseHandler {
	recording, readings := topic.RecordStamps(ctx)
	handler := next(recording)
	return func(inner context.Context) *graphql.Response {
		response := handler(inner)
		readings.Retell(ctx)
		if response == nil {
			return nil
		}
		parts, clean := split(response.Data, readings.Stamped())
		response.Data = bytes.Join(parts, scalar.AppendDateTime(nil, readings.Stamped()))
		e := &entry{
			parts: parts, under: under, until: readings.Until(), subjects: subjectsOf(readings), readings: readings,
			counts: limit.MeterOf(ctx).Counts(), holder: of, size: int64(len(response.Data) + len(asked.query) + len(asked.variables) + len(asked.scope) + 512),
		}
		if clean && len(response.Errors) == 0 && len(response.Extensions) == 0 && k.mayKeep(e) {
			k.keep(asked, e)
		}
		return response
	}
}

func subjectsOf(readings *topic.Readings) (subjects []topic.Subject) {
	for _, s := range readings.Spans() {
		if !slices.Contains(subjects, s.Subject) {
			subjects = append(subjects, s.Subject)
		}
	}
	return subjects
}

// mayKeep tells whether an answer may be given again at all.
func (k *Keeper) mayKeep(e *entry) bool {
	uncovered := slices.ContainsFunc(e.readings.Spans(), func(s topic.Span) bool {
		return s.Tenant != e.holder.tenant || !slices.Contains(covered, s.Subject)
	})
	return len(e.subjects) > 0 && !uncovered && !e.readings.Failed() && !e.readings.Moving() &&
		e.size <= maxAnswer && e.holder.bytes.Load()+e.size <= k.bytes/tenantShare
}

func (k *Keeper) keep(asked key, e *entry) {
	e.holder.bytes.Add(e.size)
	k.kept.Set(asked, e)
}

// holds reports whether a fresh answer would be the same, but for the instant it speaks of.
func (e *entry) holds(now state) bool {
	return now.same(e.under, e.subjects) && (e.until.IsZero() || now.at.Before(e.until))
}

var mark = []byte(scalar.StampMark)

// split takes an answer apart at the marks, and the stamped instant out of it. It is clean if
// it has that instant where it was marked, and nowhere else.
func split(data []byte, stamped time.Time) (parts [][]byte, clean bool) {
	instant := scalar.AppendDateTime(nil, stamped)
	parts = bytes.Split(data, mark)
	clean = !bytes.Contains(parts[0], instant)
	for i, piece := range parts[1:] {
		rest, ok := bytes.CutPrefix(piece, instant)
		if !ok { // another instant, worked out of the stamped one
			return [][]byte{bytes.ReplaceAll(data, mark, nil)}, false
		}
		clean = clean && !bytes.Contains(rest, instant)
		parts[i+1] = rest
	}
	return parts, clean
}
