package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// widgets executes queries that ask for figures of built-in metrics and for nothing else,
// which is what dashboards do: all figures are asked for at once, and written as they come.
// Whatever it does not know, and whatever goes wrong, it leaves to the schema that it stands
// before, whose answers its own are equal to, to the byte.
type widgets struct {
	graphql.ExecutableSchema
	metrics *metric.Service
	plans   *otter.Cache[*ast.OperationDefinition, *widgetPlan]
}

func newWidgets(behind graphql.ExecutableSchema, metrics *metric.Service) widgets {
	return widgets{behind, metrics, otter.Must(&otter.Options[*ast.OperationDefinition, *widgetPlan]{MaximumSize: parsedDocuments})}
}

// Exec implements [graphql.ExecutableSchema].
func (w widgets) Exec(ctx context.Context) graphql.ResponseHandler {
	if plan := w.planOf(graphql.GetOperationContext(ctx)); plan != nil {
		if data := w.answer(ctx, plan); data != nil {
			return graphql.OneShot(&graphql.Response{Data: data})
		}
	}
	return w.ExecutableSchema.Exec(ctx)
}

// planOf is how an operation is executed here, or nil. Where some fields may be refused or
// hidden, each has to be looked at.
func (w widgets) planOf(operation *graphql.OperationContext) *widgetPlan {
	if operation.Operation.Operation != ast.Query || operation.Stats.GetExtension(noticesMark) != nil {
		return nil
	}
	plan, known := w.plans.GetIfPresent(operation.Operation)
	if !known {
		plan = planWidgets(operation.Operation)
		w.plans.Set(operation.Operation, plan)
	}
	return plan
}

// answer executes a plan; nil if it cannot.
func (w widgets) answer(ctx context.Context, plan *widgetPlan) []byte {
	ctx, cancel := context.WithTimeout(ctx, loader.Timeout)
	defer cancel()
	variables := graphql.GetOperationContext(ctx).Variables
	definitions := make([]*metric.Definition, len(plan.metrics))
	var questions []*metric.Question
	for i, m := range plan.metrics {
		key, _ := m.field.ArgumentMap(variables)["key"].(string)
		if !w.metrics.Builtin(key) {
			return nil
		}
		d, err := w.metrics.FindShown(ctx, key)
		if err != nil {
			return nil
		}
		definitions[i] = d
		for _, f := range m.figures {
			q, ok := f.question(d, variables)
			if !ok {
				return nil
			}
			questions = append(questions, q)
		}
	}
	var answers []metric.Answer
	if len(questions) > 0 {
		answers = w.metrics.Answer(ctx, questions)
	}
	for _, a := range answers {
		if a.Err != nil {
			return nil
		}
	}
	return plan.write(definitions, answers)
}

// widgetPlan is a query, taken apart once.
type widgetPlan struct {
	metrics []metricPlan
}

// metricPlan is a field "metric".
type metricPlan struct {
	name    string
	field   *ast.Field
	figures []figurePlan
	write   write[metricFigures]
}

// metricFigures is a metric with the answers to its figures, in their order.
type metricFigures struct {
	of      *metric.Definition
	answers []metric.Answer
}

func (p *widgetPlan) write(definitions []*metric.Definition, answers []metric.Answer) []byte {
	b := append(make([]byte, 0, 4096), '{')
	for i, m := range p.metrics {
		b = appendName(b, i, m.name)
		b = m.write(b, metricFigures{definitions[i], answers[:len(m.figures)]})
		answers = answers[len(m.figures):]
	}
	return append(b, '}')
}

// planWidgets takes an operation apart; nil if there is anything in it that is not known here.
func planWidgets(operation *ast.OperationDefinition) *widgetPlan {
	fields, ok := flat(operation.SelectionSet)
	if !ok {
		return nil
	}
	plan := &widgetPlan{}
	for _, f := range fields {
		if f.Name != "metric" {
			return nil
		}
		m := metricPlan{name: f.Alias, field: f}
		table := metricTable(&m)
		if m.write, ok = object(f.SelectionSet, "Metric", table); !ok {
			return nil
		}
		plan.metrics = append(plan.metrics, m)
	}
	return plan
}

// flat are the fields of a selection, those of fragments in their places. It gives up where
// fields depend on variables, or two of them would have to be merged.
func flat(selections ast.SelectionSet) (fields []*ast.Field, ok bool) {
	names := map[string]bool{}
	var visit func(ast.SelectionSet) bool
	visit = func(selections ast.SelectionSet) bool {
		for _, selection := range selections {
			switch s := selection.(type) {
			case *ast.Field:
				if len(s.Directives) > 0 || names[s.Alias] {
					return false
				}
				names[s.Alias] = true
				fields = append(fields, s)
			case *ast.InlineFragment:
				if len(s.Directives) > 0 || !visit(s.SelectionSet) {
					return false
				}
			case *ast.FragmentSpread:
				if len(s.Directives) > 0 || !visit(s.Definition.SelectionSet) {
					return false
				}
			}
		}
		return true
	}
	ok = visit(selections)
	return fields, ok
}
