package graph

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/document"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// CheckDocument finds what is wrong with a document, by the rules by which one that is to be
// executed is checked before its execution, and gives the name of its first operation.
func CheckDocument(_ context.Context, body string) (operation string, err error) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: body}, maxTokens)
	if err != nil {
		return "", fault.Input("body", "It does not parse: %s", shortened(err))
	}
	if len(doc.Operations) == 0 {
		return "", fault.Input("body", "There is no operation in it.")
	}
	if problem := documentBounds.Check(doc); problem != nil {
		return "", problem
	}
	if list := validator.ValidateWithRules(sharedSchema(), doc, rules.NewDefaultRules()); len(list) > 0 {
		return "", fault.Input("body", "It does not fit the schema: %s", shortened(list[0]))
	}
	return doc.Operations[0].Name, nil
}

// maxProblem is how many bytes are shown of what is wrong: it quotes the document.
const maxProblem = 300

// shortened says what is wrong with a document, and where.
func shortened(err error) string {
	text := err.Error()
	if g, ok := err.(*gqlerror.Error); ok { //nolint:errorlint // gqlparser gives its own, unwrapped
		text = g.Message
		if len(g.Locations) > 0 {
			text = fmt.Sprintf("%s (line %d, column %d)", truncated(text), g.Locations[0].Line, g.Locations[0].Column)
			return text
		}
	}
	return truncated(text)
}

func truncated(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxProblem)], "")
}

func draftsOf(inputs []model.DocumentInput) []document.Draft {
	drafts := make([]document.Draft, len(inputs))
	for i, in := range inputs {
		drafts[i].Body = in.Body
		if in.Name != nil {
			drafts[i].Name = *in.Name
		}
	}
	return drafts
}

func toOutcomes(list []document.Outcome) *model.RegisterDocumentsPayload {
	payload := &model.RegisterDocumentsPayload{Outcomes: make([]model.DocumentOutcome, len(list))}
	for i, o := range list {
		shown := model.DocumentOutcome{Hash: o.Hash.String(), Status: o.Status}
		switch o.Status {
		case document.Registered:
			payload.Registered++
		case document.Known:
			payload.Known++
		case document.Refused:
			payload.Refused++
			shown.Field, shown.Reason = &o.Field, &o.Reason
		}
		if o.Document != nil {
			shown.Document = toDocument(o.Document)
		}
		payload.Outcomes[i] = shown
	}
	return payload
}

func toDocument(d *document.Document) *model.TrustedDocument {
	return &model.TrustedDocument{
		ID: nodeID(documentNode, d.Hash.String()), Hash: d.Hash.String(), Name: d.Name, Body: d.Body,
		CreatedAt: d.CreatedAt, RetiredAt: d.RetiredAt,
	}
}

// documentKey writes where a document stands in the list, for its cursor.
func documentKey(d *document.Document) string {
	return strconv.FormatInt(d.CreatedAt.UnixMicro(), 10) + "." + d.Hash.String()
}

func parseDocumentCursor(after *string) (*document.Position, error) {
	key, err := parseCursor(after)
	if err != nil || after == nil {
		return nil, err
	}
	micros, hash, _ := strings.Cut(key, ".")
	at, err := strconv.ParseInt(micros, 10, 64)
	position := document.Position{At: time.UnixMicro(at).UTC()}
	var ok bool
	position.Hash, ok = document.ParseHash(hash)
	if err != nil || !ok || position.At.Year() < 2000 || position.At.Year() > 9999 ||
		documentKey(&document.Document{CreatedAt: position.At, Hash: position.Hash}) != key {
		return nil, errBadCursor
	}
	return &position, nil
}

func documentConnection(ctx context.Context, page document.Page, after *string, retired bool) *model.TrustedDocumentConnection {
	c := &model.TrustedDocumentConnection{Retired: retired}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.TrustedDocumentEdge](ctx, page.Documents, page.More, after, documentKey, toDocument)
	return c
}

// hashOfID reads a document's id.
func hashOfID(id string) (document.Hash, error) {
	kind, key, err := parseNodeID(id)
	if err != nil || kind != documentNode {
		return document.Hash{}, errNoNode
	}
	return parseDocumentKey(key)
}

func parseDocumentKey(key string) (document.Hash, error) {
	hash, ok := document.ParseHash(key)
	if !ok {
		return hash, errNoNode
	}
	return hash, nil
}

// findDocument finds a document of the tenant that asks.
func (r *Resolver) findDocument(ctx context.Context, key string) (model.Node, error) {
	hash, err := parseDocumentKey(key)
	if err != nil {
		return nil, err
	}
	d, err := r.Documents.Find(ctx, hash)
	if f, ok := fault.Of(err); ok && f.Code == fault.NotFound {
		return nil, errNoNode
	}
	if err != nil {
		return nil, err
	}
	return toDocument(&d), nil
}
