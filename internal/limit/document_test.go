package limit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

var bounds = Document{Fields: 100, Beside: 10, Depth: 5}

// doubling spreads each fragment twice in the next: 2^n fields in n lines.
func doubling(n int) string {
	var text strings.Builder
	text.WriteString("{ a { ...F0 } }\n")
	for i := range n {
		fmt.Fprintf(&text, "fragment F%d on T { x { ...F%d } y { ...F%d } }\n", i, i+1, i+1)
	}
	fmt.Fprintf(&text, "fragment F%d on T { z }", n)
	return text.String()
}

func TestDocumentsAreCountedWithTheirFragments(t *testing.T) {
	cases := map[string]struct{ query, want string }{
		"small":                        {"{ a { b c } d }", ""},
		"ten beside each other":        {"{" + strings.Repeat(" a", 10) + "}", ""},
		"eleven":                       {"{" + strings.Repeat(" a", 11) + "}", "beside"},
		"eleven by a fragment":         {"{ a b c d e f ...F } fragment F on T { g h i j k }", "beside"},
		"eleven further down":          {"{ a { b {" + strings.Repeat(" c", 11) + "} } }", "beside"},
		"eleven in an inline fragment": {"{ a ... on T {" + strings.Repeat(" b", 10) + "} }", "beside"},
		"five levels":                  {"{ a { b { c { d { e } } } } }", ""},
		"six levels":                   {"{ a { b { c { d { e { f } } } } } }", "deep"},
		"six levels by a fragment":     {"{ a { b { c { ...F } } } } fragment F on T { d { e { f } } }", "deep"},
		"a hundred and one fields":     {"{" + strings.Repeat(" a { b c d e f g h i j k }", 9) + " l { m } }", "than 100 fields"},
		"a fragment that fans out":     {doubling(60), "than 100 fields"},
		"a fragment nobody uses":       {"{ a } fragment F on T {" + strings.Repeat(" a", 11) + "}", "beside"},
		"a second operation":           {"query A { a } query B {" + strings.Repeat(" a", 11) + "}", "beside"},
		"a fragment in itself":         {"{ ...F } fragment F on T { a ...F }", ""},
		"a fragment that is missing":   {"{ ...F }", ""},
	}
	for name, c := range cases {
		doc, err := parser.ParseQuery(&ast.Source{Input: c.query})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		problem := bounds.Check(doc)
		if (problem == nil) != (c.want == "") || problem != nil && !strings.Contains(problem.Message, c.want) {
			t.Errorf("%s: %v, want %q", name, problem, c.want)
		}
	}
}
