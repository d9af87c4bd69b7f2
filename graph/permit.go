package graph

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// rule says who may have a field.
type rule struct {
	public   bool               // anybody, known or not
	do       access.Permissions // what it takes
	lacking  access.Permission  // names it
	group    string             // of fields that are hidden, not refused; empty: of none
	personal bool               // the answer is about the caller
}

// publicFields may be asked for without @can, by anybody. What is in them is found only
// below fields that are guarded, or tells nothing of a tenant.
var publicFields = map[string]string{
	"PageInfo": "it says where a page lies in a list, which is guarded",
	"Node.id":  "each type that has it says who may see it",
}

// groups says which permission a group of fields takes.
var groups = map[string]access.Permission{"PII": access.ReadPII, "REVENUE": access.ReadRevenue}

// ruleOf reads a field's rule off the schema. A field without any is nobody's.
func ruleOf(in *ast.Definition, field *ast.FieldDefinition) rule {
	_, whole := publicFields[in.Name]
	_, alone := publicFields[in.Name+"."+field.Name]
	if whole || alone || strings.HasPrefix(in.Name, "__") || strings.HasPrefix(field.Name, "__") {
		return rule{public: true}
	}
	r := rule{personal: field.Directives.ForName("personal") != nil}
	if hidden := field.Directives.ForName("sensitive"); hidden != nil {
		r.group = hidden.Arguments.ForName("group").Value.Raw
		r.lacking = groups[r.group]
		r.do = access.Of(r.lacking)
		return r
	}
	if field.Directives.ForName("public") != nil {
		r.public = true
		return r
	}
	can := field.Directives.ForName("can")
	if can == nil {
		can = in.Directives.ForName("can")
	}
	if can == nil {
		r.do = ^access.Permissions(0)
		return r
	}
	if do := can.Arguments.ForName("do"); do != nil {
		r.lacking = access.Permission(do.Value.Raw)
		r.do = access.Of(r.lacking)
	}
	return r
}

// rulebook has the rule of each field, as Type.field.
type rulebook struct {
	schema *ast.Schema
	rules  map[string]rule
	needs  *otter.Cache[*ast.OperationDefinition, need]
}

// keptNeeds is of how many operations it is remembered what they take.
const keptNeeds = parsedDocuments

func newRulebook(schema *ast.Schema) *rulebook {
	b := &rulebook{
		schema: schema, rules: map[string]rule{},
		needs: otter.Must(&otter.Options[*ast.OperationDefinition, need]{MaximumSize: keptNeeds}),
	}
	for _, definition := range schema.Types {
		if definition.Kind != ast.Object {
			continue
		}
		for _, field := range definition.Fields {
			b.rules[definition.Name+"."+field.Name] = ruleOf(definition, field)
		}
	}
	return b
}

// need is what an operation takes, over all of its fields.
type need struct {
	known    bool               // somebody who is known
	do       access.Permissions // for everything to be answered
	personal bool               // some answer is about the caller
}

// needOf works out what an operation takes, and remembers it: the documents that are asked
// again are kept parsed, so that an operation is known by its place in memory.
func (b *rulebook) needOf(operation *ast.OperationDefinition) need {
	if n, ok := b.needs.GetIfPresent(operation); ok {
		return n
	}
	w := needing{book: b, seen: map[string]bool{}}
	w.walk(operation.SelectionSet)
	b.needs.Set(operation, w.need)
	return w.need
}

// needing adds up what selections take, each fragment once.
type needing struct {
	need
	book *rulebook
	seen map[string]bool
}

func (w *needing) walk(selections ast.SelectionSet) {
	for _, selection := range selections {
		switch s := selection.(type) {
		case *ast.Field:
			w.field(s)
			w.walk(s.SelectionSet)
		case *ast.InlineFragment:
			w.walk(s.SelectionSet)
		case *ast.FragmentSpread:
			if !w.seen[s.Name] {
				w.seen[s.Name] = true
				w.walk(s.Definition.SelectionSet)
			}
		}
	}
}

// field adds a field's rule; of an interface's field, those of all types that may stand
// behind it.
func (w *needing) field(f *ast.Field) {
	if strings.HasPrefix(f.Name, "__") {
		// What the schema is may be asked by whoever is known; which type an answer has, by anybody.
		w.known = w.known || f.Name != "__typename"
		return
	}
	for _, behind := range w.book.schema.GetPossibleTypes(f.ObjectDefinition) {
		r := w.book.rules[behind.Name+"."+f.Name]
		w.known = w.known || !r.public
		w.do |= r.do
		w.personal = w.personal || r.personal
	}
}

// Permit holds each operation against what its caller may do, before it runs. Where all is
// allowed that is all it costs; else the fields that are not are refused or hidden.
type Permit struct{ book *rulebook }

// NewPermit reads the rules off the schema.
func NewPermit(schema *ast.Schema) Permit { return Permit{newRulebook(schema)} }

// ExtensionName implements [graphql.HandlerExtension].
func (Permit) ExtensionName() string { return "Permit" }

// Validate implements [graphql.HandlerExtension].
func (Permit) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements [graphql.OperationContextMutator].
func (p Permit) MutateOperationContext(ctx context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	needed := p.book.needOf(operation.Operation)
	who, known := access.From(ctx)
	if !known && needed.known {
		_, err := access.Authenticated(ctx)
		f, _ := fault.Of(err)
		refused := gqlerror.Errorf("%s", f.Message)
		errcode.Set(refused, string(f.Code))
		return refused
	}
	if needed.personal {
		operation.Stats.SetExtension(personalMark, true)
	}
	if who.Permissions.Contains(needed.do) {
		return nil
	}
	hidden := &notices{}
	operation.Stats.SetExtension(noticesMark, hidden)
	operation.ResolverMiddleware = p.book.restrict(who, hidden, operation.ResolverMiddleware)
	return nil
}

// The names under which an operation keeps what was found about it.
const (
	personalMark = "tidemark.personal"
	noticesMark  = "tidemark.notices"
)

// Personal reports whether an operation's answer is about the caller.
func Personal(operation *graphql.OperationContext) bool {
	personal, _ := operation.Stats.GetExtension(personalMark).(bool)
	return personal
}

// restrict refuses or hides what the caller may not have.
func (b *rulebook) restrict(who access.Principal, hidden *notices, next graphql.FieldMiddleware) graphql.FieldMiddleware {
	return func(ctx context.Context, resolve graphql.Resolver) (any, error) {
		field := graphql.GetFieldContext(ctx)
		r := b.rules[field.Object+"."+field.Field.Name]
		switch {
		case r.public || who.Permissions.Contains(r.do):
			return next(ctx, resolve)
		case r.group != "":
			hidden.add(r.group, graphql.GetPath(ctx))
			return nil, nil
		}
		return nil, access.Lacking(r.lacking)
	}
}

// Notice says that a field was hidden. Whether it has a value, it does not say.
type Notice struct {
	Code  string   `json:"code"` // HIDDEN
	Group string   `json:"group"`
	Path  []string `json:"path"` // names alone: a field of a list is told once
}

// notices gathers what was hidden in one answer, from any number of goroutines.
type notices struct {
	mu   sync.Mutex
	seen map[string]Notice
}

func (n *notices) add(group string, path ast.Path) {
	var names []string
	for _, element := range path {
		if name, ok := element.(ast.PathName); ok {
			names = append(names, string(name))
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen = map[string]Notice{}
	}
	n.seen[strings.Join(names, ".")] = Notice{"HIDDEN", group, names}
}

// list gives them in the order of their paths: equal answers are equal to the byte.
func (n *notices) list() []Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := make([]Notice, 0, len(n.seen))
	for _, notice := range n.seen {
		list = append(list, notice)
	}
	slices.SortFunc(list, func(a, b Notice) int { return slices.Compare(a.Path, b.Path) })
	return list
}

// tell puts the notices into the answer's extensions.
func tell(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	hidden, ok := graphql.GetOperationContext(ctx).Stats.GetExtension(noticesMark).(*notices)
	if !ok || response == nil {
		return response
	}
	if list := hidden.list(); len(list) > 0 {
		if response.Extensions == nil {
			response.Extensions = map[string]any{}
		}
		response.Extensions["notices"] = list
	}
	return response
}
