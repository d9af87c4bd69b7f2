package scenario_test

import (
	"fmt"
	"strings"
	"testing"
)

func whatCannotBeAMetric(t *testing.T, s story) {
	define(t, s.acme, "buys", counting("Buy"))
	with := func(name string, value any) object {
		in := counting("Buy")
		in[name] = value
		return in
	}
	long := strings.Repeat("x", 101)
	for name, c := range map[string]struct {
		key   string
		input object
		field string
	}{
		"a key of ours":            {"events", counting("Buy"), "key"},
		"a key in use":             {"buys", counting("Buy"), "key"},
		"a key with a blank":       {"my buys", counting("Buy"), "key"},
		"a key with a NUL":         {"a\x00", counting("Buy"), "key"},
		"an empty key":             {"", counting("Buy"), "key"},
		"a function's name":        {"min", counting("Buy"), "key"},
		"no name":                  {"k", with("name", ""), "input.name"},
		"a long name":              {"k", with("name", long), "input.name"},
		"a NUL in a text":          {"k", with("description", "a\x00"), "input.description"},
		"neither":                  {"k", object{"name": "n"}, "input"},
		"both":                     {"k", with("formula", "buys"), "input"},
		"money":                    {"k", with("unit", "MONEY"), "input.unit"},
		"money of none":            {"k", object{"name": "n", "formula": "buys", "unit": "MONEY"}, "input.unit"},
		"half a formula":           {"k", formulaOf("buys /"), "input.formula"},
		"a formula of code":        {"k", formulaOf("buys; drop table event"), "input.formula"},
		"an unknown metric":        {"k", formulaOf("buys / sells"), "input.formula"},
		"a formula of no metric":   {"k", formulaOf("1 + 1"), "input.formula"},
		"a formula without an end": {"k", formulaOf(strings.Repeat("(", 1000)), "input.formula"},
		"a condition of nothing":   {"k", object{"name": "n", "events": object{"aggregation": "COUNT", "filter": object{"and": []any{object{"operator": "EQUALS"}}}}}, "input.events.filter.and[0]"},
		"a percentile of none":     {"k", object{"name": "n", "events": object{"aggregation": "PERCENTILE", "property": "p", "percentile": 0}}, "input.events.percentile"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.kit.Ask(t, s.acme.ManageKey, createMetricIt, object{"key": c.key, "input": c.input})
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "BAD_USER_INPUT" || got.Errors[0].Extensions.Field != c.field {
				t.Fatalf("%s %+v, want %s", got.Data, got.Errors, c.field)
			}
			wantDiscreet(t, got.Errors[0].Message, long)
			if c.field == "key" || strings.HasPrefix(c.field, "input.events.") {
				return
			}
			var preview struct {
				PreviewMetric struct {
					Total    *struct{}
					Problems []struct {
						Field    string
						Blocking bool
					}
				}
			}
			s.acme.Manage(t, previewIt, object{"input": c.input}, &preview)
			if p := preview.PreviewMetric; p.Total != nil || len(p.Problems) != 1 || p.Problems[0].Field != c.field || !p.Problems[0].Blocking {
				t.Errorf("the preview says %+v", p)
			}
		})
	}
	wantEqual(t, "what there is", listedMetrics(t, s.acme), []string{"buys"})
}

func aMetricIsNotMadeOfItself(t *testing.T, s story) {
	define(t, s.acme, "buys", counting("Buy"))
	define(t, s.acme, "a", formulaOf("buys * 2"))
	define(t, s.acme, "b", formulaOf("a + 1"))
	define(t, s.acme, "c", formulaOf("b + buys"))
	for formula, want := range map[string]string{"a + 1": "a -> a", "b * 1": "a -> b -> a", "buys + c": "a -> c -> b -> a"} {
		for _, document := range []string{updateMetricIt} {
			got := s.kit.Ask(t, s.acme.ManageKey, document, object{"key": "a", "input": formulaOf(formula)})
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Field != "input.formula" || !strings.Contains(got.Errors[0].Message, want) {
				t.Errorf("%s: %+v, want %s", formula, got.Errors, want)
			}
		}
		var preview struct {
			PreviewMetric struct{ Problems []struct{ Message string } }
		}
		s.acme.Manage(t, previewIt, object{"key": "a", "input": formulaOf(formula)}, &preview)
		if p := preview.PreviewMetric.Problems; len(p) != 1 || !strings.Contains(p[0].Message, want) {
			t.Errorf("the preview of %s says %+v", formula, p)
		}
	}
	wantFigure(t, s.acme, "c", "1 by 1")
	// Ten levels of formulas are the most, however they come about.
	last := "c"
	for i := range 7 {
		next := fmt.Sprint("level", i)
		define(t, s.acme, next, formulaOf(last+" + 0"))
		last = next
	}
	wantRefused(t, s.kit, s.acme.ManageKey, createMetricIt, object{"key": "beyond", "input": formulaOf(last)}, "BAD_USER_INPUT")
	define(t, s.acme, "x", formulaOf("buys"))
	wantRefused(t, s.kit, s.acme.ManageKey, updateMetricIt, object{"key": "a", "input": formulaOf("x")}, "BAD_USER_INPUT")
}

func aChangeIsPushed(t *testing.T, s story) {
	bought(t, s.acme)
	define(t, s.acme, "buys", counting("Buy"))
	define(t, s.acme, "double", formulaOf("2 * buys"))
	query := live(`metric(key: "double") { version value(` + thatDay + `) { value definitionVersion } }`)
	missing := live(`metric(key: "later") { version }`)
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			s := s.aside(t)
			bought(t, s.acme)
			define(t, s.acme, "buys", counting("Buy"))
			define(t, s.acme, "double", formulaOf("2 * buys"))
			w, early := watch(t, s.kit, s.acme.ReadKey, query), watch(t, s.kit, s.acme.ReadKey, missing)
			stranger := watch(t, s.kit, s.globex.ReadKey, query)
			wantNext(t, w, `"version":1,"value":{"value":4,"definitionVersion":1}`)
			wantNext(t, early, `NOT_FOUND`)
			wantNext(t, stranger, `NOT_FOUND`)
			wantEqual(t, "version", redefine(t, s.acme, "buys", counting("Visit")), 2)
			until(t, w, `"version":2,"value":{"value":6,"definitionVersion":2}`)
			redefine(t, s.acme, "double", formulaOf("3 * buys"))
			until(t, w, `"version":3,"value":{"value":9,"definitionVersion":3}`)
			s.acme.Batch(t, event("m6", "Visit", "u1", noon))
			until(t, w, `"version":3,"value":{"value":12,"definitionVersion":3}`)
			define(t, s.acme, "later", counting("Buy"))
			until(t, early, `"version":1`)
			define(t, s.globex, "double", counting("Buy"))
			until(t, stranger, `"version":1,"value":{"value":0,"definitionVersion":1}`)
		})
	}
	redefine(t, s.acme, "buys", counting("Visit"))
	input := counting("Visit")
	input["name"] = "Only another name"
	redefine(t, s.acme, "buys", input)
	var answer struct{ Metric toldMetric }
	s.acme.Query(t, oneMetric, object{"key": "double"}, &answer)
	nodes := answer.Metric.Versions.Nodes
	if len(nodes) != 2 || nodes[0].Because == nil || *nodes[0].Because != "buys" || nodes[0].EndedAt != nil || nodes[1].Because != nil || nodes[1].EndedAt == nil {
		t.Errorf("versions: %+v", nodes)
	}
	var pages struct {
		Metric struct {
			Versions struct {
				Nodes    []struct{ Number int }
				PageInfo pageInfo
			}
		}
	}
	const page = `query ($after: String) { metric(key: "buys") { versions(first: 2, after: $after) { nodes { number } pageInfo { endCursor hasNextPage } } } }`
	s.acme.Query(t, page, nil, &pages)
	wantEqual(t, "the latest", toJSON(t, pages.Metric.Versions.Nodes), `[{"Number":3},{"Number":2}]`)
	s.acme.Query(t, page, object{"after": pages.Metric.Versions.PageInfo.EndCursor}, &pages)
	wantEqual(t, "the first", toJSON(t, pages.Metric.Versions.Nodes), `[{"Number":1}]`)
}

func aMetricIsGivenUp(t *testing.T, s story) {
	bought(t, s.acme)
	define(t, s.acme, "buys", counting("Buy"))
	define(t, s.acme, "double", formulaOf("2 * buys"))
	got := s.kit.Ask(t, s.acme.ManageKey, removeMetricIt, object{"key": "buys"})
	if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "BAD_USER_INPUT" || !strings.Contains(got.Errors[0].Message, "double") {
		t.Errorf("what others are made of: %+v", got.Errors)
	}
	for _, key := range []string{"events", "nothing", "a\x00"} {
		wantRefused(t, s.kit, s.acme.ManageKey, removeMetricIt, object{"key": key}, "NOT_FOUND")
	}
	wantRefused(t, s.kit, s.globex.ManageKey, removeMetricIt, object{"key": "double"}, "NOT_FOUND")
	for _, key := range []string{"double", "buys"} {
		s.acme.Manage(t, removeMetricIt, object{"key": key}, &struct{}{})
		wantRefused(t, s.kit, s.acme.ReadKey, valueOfMetric, object{"key": key}, "NOT_FOUND")
		wantRefused(t, s.kit, s.acme.ManageKey, updateMetricIt, object{"key": key, "input": counting("Buy")}, "NOT_FOUND")
	}
	wantEqual(t, "what is left", len(listedMetrics(t, s.acme)), 0)
	wantEqual(t, "the version after", define(t, s.acme, "buys", counting("Visit")), 2)
	var answer struct{ Metric toldMetric }
	s.acme.Query(t, oneMetric, object{"key": "buys"}, &answer)
	wantEqual(t, "its versions", len(answer.Metric.Versions.Nodes), 2)
}
