package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/report"
)

// maxReportCost is what a report may cost: the weight of result in the schema, which is what
// whoever asks for it is charged.
const maxReportCost = 200

// runner executes the documents of reports.
type runner struct {
	executor *executor.Executor
	book     *rulebook
	prepare  func(context.Context) context.Context // gives fresh loaders
}

// fresh is a context for an execution within another: what gqlgen keeps of the outer one,
// such as the path of its field, is not the inner one's.
type fresh struct{ context.Context }

var gqlgenPackage = reflect.TypeFor[graphql.OperationContext]().PkgPath()

// Value implements [context.Context].
func (c fresh) Value(key any) any {
	if reflect.TypeOf(key).PkgPath() == gqlgenPackage {
		return nil
	}
	return c.Context.Value(key)
}

// begin makes a report's document into an operation, or says why it is none, or none of a
// report.
func (r *runner) begin(ctx context.Context, document string, variables []byte) (context.Context, *graphql.OperationContext, gqlerror.List) {
	now := time.Now()
	params := &graphql.RawParams{Query: document, ReadTime: graphql.TraceTiming{Start: now, End: now}}
	decoder := json.NewDecoder(bytes.NewReader(variables))
	decoder.UseNumber()
	if err := decoder.Decode(&params.Variables); err != nil {
		return ctx, nil, gqlerror.List{gqlerror.Errorf("Variables are a JSON object.")}
	}
	ctx = graphql.StartOperationTrace(fresh{ctx})
	operation, errs := r.executor.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		return ctx, nil, errs
	}
	reason := r.unfit(operation.Operation)
	if meter := MeterOf(operation); meter != nil && meter.Requested() > maxReportCost {
		reason = fmt.Sprintf("It may cost %d, and a report at most %d.", meter.Requested(), maxReportCost)
	}
	if reason != "" {
		return ctx, nil, gqlerror.List{gqlerror.Errorf("%s", reason)}
	}
	return ctx, operation, nil
}

// unfit says why an operation cannot be a report's; empty: it can. Whoever is shown a report
// may be let see nothing else, so it asks for nothing that takes more than to read metrics.
func (r *runner) unfit(operation *ast.OperationDefinition) string {
	need := r.book.needOf(operation)
	switch {
	case operation.Operation != ast.Query:
		return "A report is a query."
	case need.personal:
		return "A report is the same for everybody: it cannot ask about its caller."
	case !access.Of(access.ReadMetrics).Contains(need.do):
		return "A report may ask for what takes the permission READ_METRICS, and for nothing that takes another."
	case asksForReports(operation.SelectionSet, map[string]bool{}):
		return "A report cannot ask for reports."
	}
	return ""
}

// ofReports are the types that a report cannot ask for: of them some run reports, and others
// tell of what is not the report's.
var ofReports = map[string]bool{
	"Report": true, "ReportShare": true, "SharedReport": true, "ReportConnection": true, "SharedReportConnection": true,
}

func asksForReports(selections ast.SelectionSet, seen map[string]bool) bool {
	for _, selection := range selections {
		var inner ast.SelectionSet
		switch s := selection.(type) {
		case *ast.Field:
			if ofReports[s.Definition.Type.Name()] || ofReports[s.ObjectDefinition.Name] {
				return true
			}
			inner = s.SelectionSet
		case *ast.InlineFragment:
			inner = s.SelectionSet
		case *ast.FragmentSpread:
			if seen[s.Name] {
				continue
			}
			seen[s.Name] = true
			inner = s.Definition.SelectionSet
		}
		if asksForReports(inner, seen) {
			return true
		}
	}
	return false
}

// check refuses a document that cannot be a report's, before it is saved.
func (r *runner) check(ctx context.Context, document string, variables []byte) error {
	if variables == nil {
		variables = []byte("{}")
	}
	if _, _, errs := r.begin(ctx, document, variables); len(errs) > 0 {
		return fault.Input("report.document", "This cannot be a report: %s", errs[0].Message)
	}
	return nil
}

// run answers a report's document to whom the context names, as JSON with data and errors.
func (r *runner) run(ctx context.Context, document string, variables []byte) ([]byte, error) {
	ctx, operation, errs := r.begin(ctx, document, variables)
	answer := struct {
		Data   json.RawMessage `json:"data"`
		Errors gqlerror.List   `json:"errors,omitempty"`
	}{Errors: errs}
	if len(errs) == 0 {
		next, inner := r.executor.DispatchOperation(r.prepare(ctx), operation)
		if response := next(inner); response != nil {
			answer.Data, answer.Errors = response.Data, response.Errors
		}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("write the answer of a report: %w", err)
	}
	return text, nil
}

// prepare gives an execution within another its own loaders.
func (r *Resolver) prepare(ctx context.Context) context.Context {
	return loader.With(ctx, r.sources())
}

func (r *Resolver) sources() loader.Services {
	return loader.Services{
		Events: r.EventReader, Parts: r.ArchiveReader, People: r.Customers, Keys: r.Keyring,
		Metrics: r.MetricService, Summaries: r.SummaryService, Revenue: r.Revenue, Tickets: r.Tickets, Definitions: r.Definitions,
		Staff: r.Staff, Timelines: r.Timelines,
		Cohorts: r.CohortService,
	}
}

// findReport finds a report, if the caller may see it.
func (r *Resolver) findReport(ctx context.Context, id string) (*report.Report, error) {
	number, err := uuidOf(reportNode, "id", id)
	if err != nil {
		return nil, err
	}
	if who, _ := access.From(ctx); !who.Embed.AllowsReport(id) {
		return nil, errNoNode
	}
	found, err := r.ReportService.Find(ctx, number)
	if err != nil {
		return nil, err
	}
	return &found, nil
}

func (r *Resolver) findShared(ctx context.Context, id string) (*report.Received, error) {
	number, err := uuidOf(shareNode, "id", id)
	if err != nil {
		return nil, err
	}
	found, err := r.ReportService.FindReceived(ctx, number)
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// reportDraft reads what is to be saved.
func reportDraft(input model.ReportInput) (report.Draft, error) {
	draft := report.Draft{Name: input.Name, Document: input.Document, Variables: input.Variables}
	if input.ID == nil {
		return draft, nil
	}
	id, err := uuidOf(reportNode, "id", *input.ID)
	if err != nil {
		return draft, errNoNode.In("report.id")
	}
	draft.ID = &id
	return draft, nil
}

// allowed leaves those reports of a page that the caller may see.
func allowed(ctx context.Context, reports []report.Report) []report.Report {
	who, _ := access.From(ctx)
	return slices.DeleteFunc(reports, func(r report.Report) bool { return !who.Embed.AllowsReport(nodeID(reportNode, r.ID.String())) })
}

// forReport lets a caller who may see named reports alone see what is in one of them.
func forReport(ctx context.Context) context.Context {
	who, known := access.From(ctx)
	if !known || who.Embed == nil {
		return ctx
	}
	who.Embed = nil
	return access.With(ctx, who)
}

// placeAfter reads the cursor of a list that goes by id.
func placeAfter(after *string) (*uuid.UUID, error) {
	text, err := parseCursor(after)
	if err != nil || after == nil {
		return nil, err
	}
	id, err := parseUUID(text)
	if err != nil {
		return nil, errBadCursor
	}
	return &id, nil
}

func reportKey(r *report.Report) string { return r.ID.String() }

func sharedKey(r *report.Received) string { return r.ID.String() }
