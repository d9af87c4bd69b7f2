package graph

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/limit"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// executing is a field of Query in an execution of a live query with a memory, and how it is read.
type executing struct {
	document string
	who      *access.Principal
	memory   *topic.Memory
	meter    *limit.Meter
	hidden   bool
	read     func(ctx context.Context) graphql.Marshaler
}

// once executes the first field, and tells what came of it.
func (e *executing) once(t *testing.T) string {
	t.Helper()
	document, errs := gqlparser.LoadQueryWithRules(schemaOf(t), e.document, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	op := &graphql.OperationContext{Doc: document, Operation: document.Operations[0]}
	if e.hidden {
		op.Stats.SetExtension(noticesMark, &notices{})
	}
	ctx, _ := topic.Record(topic.Remember(t.Context(), e.memory))
	if e.who != nil {
		ctx = access.With(ctx, *e.who)
	}
	ctx = graphql.WithOperationContext(limit.WithMeter(ctx, e.meter), op)
	ctx = graphql.WithResponseContext(ctx, graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	query := op.Operation.SelectionSet[0].(*ast.Field).SelectionSet[0].(*ast.Field)
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Live", Field: graphql.CollectedField{Field: query, Selections: query.SelectionSet}})
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Query"})
	first := graphql.CollectFields(op, query.SelectionSet, []string{"Query"})[0]
	ctx = graphql.WithRootFieldContext(ctx, &graphql.RootFieldContext{Object: first.Name, Field: first})
	var text bytes.Buffer
	remembering{}.InterceptRootField(ctx, e.read).MarshalGQL(&text)
	return text.String()
}

// A field is read once while nothing changes, where it may be given again; and it is given as it
// was.
func TestAFieldIsGivenAgainWhereItMayBe(t *testing.T) {
	acme := tenant.ID{1}
	const two, one = `subscription { live { query { a: __typename b: __typename } } }`, `subscription { live { query { a: __typename } } }`
	value := func(context.Context) graphql.Marshaler { return graphql.MarshalString("Acme") }
	for name, c := range map[string]struct {
		document string
		who      *access.Principal
		read     func(ctx context.Context) graphql.Marshaler
		hidden   bool
		memory   *topic.Memory
		reads    int
	}{
		"beside another":               {two, &access.Principal{}, value, false, &topic.Memory{}, 1},
		"by way of fragments":          {`subscription { live { query { ...f } } } fragment f on Query { a: __typename b: __typename }`, &access.Principal{}, value, false, &topic.Memory{}, 1},
		"alone":                        {one, &access.Principal{}, value, false, &topic.Memory{}, 3},
		"without a memory":             {two, &access.Principal{}, value, false, nil, 3},
		"nobody knows who asks":        {two, nil, value, false, &topic.Memory{}, 3},
		"of some rows alone":           {two, &access.Principal{Rows: &access.Rows{}}, value, false, &topic.Memory{}, 3},
		"of which something is hidden": {two, &access.Principal{}, value, true, &topic.Memory{}, 3},
		"null":                         {two, &access.Principal{}, func(context.Context) graphql.Marshaler { return graphql.Null }, false, &topic.Memory{}, 3},
		"with an error": {two, &access.Principal{}, func(ctx context.Context) graphql.Marshaler {
			graphql.AddError(ctx, errors.New("it failed"))
			return value(ctx)
		}, false, &topic.Memory{}, 3},
		"that moves": {two, &access.Principal{}, func(ctx context.Context) graphql.Marshaler {
			topic.NoteMoving(ctx)
			return value(ctx)
		}, false, &topic.Memory{}, 3},
	} {
		reads := 0
		e := executing{document: c.document, who: c.who, memory: c.memory, hidden: c.hidden, read: func(ctx context.Context) graphql.Marshaler {
			reads++
			topic.Note(ctx, topic.Exactly(acme, topic.Plan, ""))
			return c.read(ctx)
		}}
		first := e.once(t)
		for range 2 {
			if again := e.once(t); again != first {
				t.Errorf("%s: it is %s, and was %s", name, again, first)
			}
		}
		if reads != c.reads {
			t.Errorf("%s: read %d times, want %d", name, reads, c.reads)
		}
		if c.memory != nil {
			c.memory.Forget([]topic.Topic{{Tenant: acme, Subject: topic.Plan}})
			if e.once(t); reads != c.reads+1 {
				t.Errorf("%s: what it was read from has changed, and it was read %d times, want %d", name, reads, c.reads+1)
			}
		}
	}
}

// What is given again counts as it did: where an answer has too many items, it is read, to say so.
func TestAFieldThatIsGivenAgainCounts(t *testing.T) {
	var failed error
	e := executing{document: `subscription { live { query { a: __typename b: __typename } } }`, who: &access.Principal{}, memory: &topic.Memory{}}
	e.read = func(ctx context.Context) graphql.Marshaler {
		failed = limit.MeterOf(ctx).Returned(nil, 6)
		return graphql.MarshalString("Acme")
	}
	for _, beside := range []int{0, 4, 5} {
		e.meter, failed = limit.NewMeter(&limit.Estimate{Total: 1}, 10), nil
		_ = e.meter.Returned(nil, beside)
		e.once(t)
		if full := beside == 5; (failed != nil) != full || (e.meter.Full() != nil) != full {
			t.Errorf("beside %d items: %v, and the answer is full: %v", beside, failed, e.meter.Full())
		}
	}
}
