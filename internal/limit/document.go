// Package limit refuses what would cost too much, before it costs anything.
package limit

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Document bounds what a GraphQL document may come to once its fragments are written out.
// Validation compares the fields that stand beside each other, and execution visits every
// one; both would be slow to find out that there are too many.
type Document struct {
	Fields int // in all
	Beside int // in one selection set
	Depth  int // levels of fields
}

// size is what a selection set comes to.
type size struct {
	fields int // with all that is below them
	beside int // on its own level
	widest int // on any level
	depth  int
}

// counter works through each fragment once, however often it is spread.
type counter struct {
	fragments ast.FragmentDefinitionList
	known     map[string]size
}

// Check returns a fault if an operation of the document, or a fragment, is over a bound. A
// fragment that contains itself is left to validation.
func (d Document) Check(doc *ast.QueryDocument) *fault.Error {
	c := counter{doc.Fragments, map[string]size{}}
	for _, operation := range doc.Operations {
		if problem := d.check(c.set(operation.SelectionSet)); problem != nil {
			return problem
		}
	}
	for _, fragment := range doc.Fragments {
		if problem := d.check(c.fragment(fragment.Name)); problem != nil {
			return problem
		}
	}
	return nil
}

func (d Document) check(s size) *fault.Error {
	const written = "its fragments written out"
	switch {
	case s.fields > d.Fields:
		return fault.Newf(fault.BadUserInput, "The document has more than %d fields, %s.", d.Fields, written).In("query")
	case s.widest > d.Beside:
		return fault.Newf(fault.BadUserInput, "The document has more than %d fields beside each other, %s.", d.Beside, written).In("query")
	case s.depth > d.Depth:
		return fault.Newf(fault.BadUserInput, "The document is more than %d levels deep, %s.", d.Depth, written).In("query")
	}
	return nil
}

// set adds up the selections of a set.
func (c *counter) set(selections ast.SelectionSet) (total size) {
	for _, selection := range selections {
		part := c.selection(selection)
		total.fields = saturate(total.fields + part.fields)
		total.beside = saturate(total.beside + part.beside)
		total.widest = max(total.widest, part.widest)
		total.depth = max(total.depth, part.depth)
	}
	total.widest = max(total.widest, total.beside)
	return total
}

func (c *counter) selection(selection ast.Selection) size {
	switch s := selection.(type) {
	case *ast.Field:
		below := c.set(s.SelectionSet)
		return size{fields: saturate(1 + below.fields), beside: 1, widest: below.widest, depth: 1 + below.depth}
	case *ast.InlineFragment:
		return c.set(s.SelectionSet)
	case *ast.FragmentSpread:
		return c.fragment(s.Name)
	}
	return size{}
}

func (c *counter) fragment(name string) size {
	if s, known := c.known[name]; known {
		return s
	}
	c.known[name] = size{} // so that one that contains itself comes to an end
	if f := c.fragments.ForName(name); f != nil {
		c.known[name] = c.set(f.SelectionSet)
	}
	return c.known[name]
}

// most keeps sums from overflowing: fragments that spread each other double at every level.
const most = 1 << 30

func saturate(n int) int { return min(n, most) }
