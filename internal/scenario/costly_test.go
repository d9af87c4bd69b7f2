package scenario_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Documents that would take long to find wrong are refused before anything is done for them.
func TestCostlyDocumentsAreRefused(t *testing.T) {
	s := begin(t)
	var fan strings.Builder
	fan.WriteString("{ tenant { ...F0 } }\n")
	for i := range 50 {
		fmt.Fprintf(&fan, "fragment F%d on Tenant { ...F%d ...F%d }\n", i, i+1, i+1)
	}
	fan.WriteString("fragment F50 on Tenant { name zone }")
	cases := map[string]string{
		"2,900 equal fields":           "{ tenant {" + strings.Repeat(" name", 2_900) + "} }",
		"700 equal objects":            "{" + strings.Repeat(" tenant { name }", 700) + "}",
		"400 aliases":                  "{" + aliases(400, `tenant { name }`) + "}",
		"a fragment that fans out":     fan.String(),
		"20,000 aliases":               "{" + aliases(20_000, `tenant { name }`) + "}",
		"20,000 directives":            "{ tenant" + strings.Repeat(" @skip(if: false)", 20_000) + " { name } }",
		"thirty levels":                "{" + strings.Repeat("tenant {", 30) + "name" + strings.Repeat("}", 30) + "}",
		"introspection without an end": "{ __schema { types { fields { type {" + strings.Repeat("ofType {", 30) + "name" + strings.Repeat("}", 30) + "} } } } }",
	}
	for name, query := range cases {
		t.Run(name, func(t *testing.T) {
			s.kit.Statements.Take()
			reply := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ReadKey, toJSON(t, map[string]string{"query": query}))
			if reply.Status != http.StatusOK && reply.Status != http.StatusBadRequest {
				t.Errorf("status %d", reply.Status)
			}
			if body := string(reply.Body); !strings.Contains(body, `"errors"`) || len(body) > 2_000 {
				t.Errorf("got %.300s", body)
			}
			if asked := s.kit.Statements.TakeForAnswers(); len(asked) > 0 {
				t.Errorf("the database was asked: %v", asked)
			}
		})
	}
}

func aliases(n int, field string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, " a%d: %s", i, field)
	}
	return text.String()
}
