package gqlhttp

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// audit is one check of the graphql-http audit suite 1.23
// (https://github.com/graphql/graphql-http/blob/main/src/audits/server.ts), by its
// id. Of the response, got is checked, then the absence of data or errors.
type audit struct {
	id      string
	accept  string // "": no header
	content string // of a POST; "" for a GET
	body    string // or URL query
	status  int    // 4 means any 4xx
	typ     string // of the response, if checked
	lacks   string // an entry that the response must not have
}

const (
	jsonType     = "application/json"
	responseType = "application/graphql-response+json"
	utf8Type     = "application/json; charset=utf-8"
	plainQuery   = `{"query":"{ __typename }"}`
	typeQuery    = `{"query":"query Type($name: String!) { __type(name: $name) { name } }","variables":{"name":"sometype"}}`
	coerceQuery  = `{"query":"query CoerceFailure($id: ID!){ __typename }","variables":{"id":null}}`
	unknownQuery = `{"query":"{ a8f31403dfe404bccbb0e835f2629c6a7 }"}`
	brokenQuery  = `{"query":"{"}`
)

var audits = []audit{
	{"22EB", responseType, jsonType, plainQuery, 200, responseType, ""},
	{"4655", jsonType, jsonType, plainQuery, 200, jsonType, ""},
	{"47DE", "*/*", jsonType, plainQuery, 200, jsonType, ""},
	{"80D8", "", jsonType, plainQuery, 200, jsonType, ""},
	{"82A3", "", jsonType, plainQuery, 200, "", ""},
	{"BF61", "", utf8Type, `{"query":"{ __type(name: \"Run🏃Swim🏊\") { name } }"}`, 200, "", ""},
	{"78D5", "", jsonType, plainQuery, 200, "", ""},
	{"2C94", "", jsonType, plainQuery, 200, "", ""},
	{"5A70", "", "", "query=%7B__typename%7D", 200, "", ""},
	{"9C48", responseType, "", "query=mutation%7B__typename%7D", 4, "", ""},
	{"9ABE", "", "none", "", 4, "", ""},
	{"03D4", "", jsonType, plainQuery, 200, "", ""},
	{"A5BF", "", jsonType, "", 400, "", ""},
	{"423L", responseType, jsonType, `{"notquery":"{ __typename }"}`, 400, "", ""},
	{"34A2", responseType, jsonType, plainQuery, 200, "", ""},
	{"13EE", jsonType, jsonType, plainQuery, 200, "", "errors"},
	{"8161", responseType, jsonType, `{"query":"query Query { __typename }","operationName":"Query"}`, 200, "", ""},
	{"B8B3", jsonType, jsonType, `{"query":"query Query { __typename }","operationName":"Query"}`, 200, "", "errors"},
	{"2EA1", responseType, jsonType, typeQuery, 200, "", ""},
	{"28B9", jsonType, jsonType, typeQuery, 200, "", "errors"},
	{"D6D5", responseType, "", urlOf("query Type($name: String!) { __type(name: $name) { name } }", `{"name":"sometype"}`), 200, "", ""},
	{"6A70", jsonType, "", urlOf("query Type($name: String!) { __type(name: $name) { name } }", `{"name":"sometype"}`), 200, "", "errors"},
	{"428F", responseType, jsonType, `{"query":"{ __typename }","extensions":{"some":"value"}}`, 200, "", ""},
	{"1B7A", jsonType, jsonType, `{"query":"{ __typename }","extensions":{"some":"value"}}`, 200, "", "errors"},
	{"B6DC", "", jsonType, `{ "not a JSON`, 4, "", ""},
	{"BCF8", "", jsonType, `{ "not a JSON`, 400, "", ""},
	{"B7N8", responseType, jsonType, `{ "not a JSON`, 400, "", "data"},
	{"8764", "", jsonType, `{"qeury":"{ __typename }"}`, 4, "", ""},
	{"3E3A", "", jsonType, `{"qeury":"{ __typename }"}`, 400, "", ""},
	{"572B", jsonType, jsonType, brokenQuery, 200, "", "data"},
	{"FDE2", jsonType, jsonType, unknownQuery, 200, "", "data"},
	{"7B9B", jsonType, jsonType, coerceQuery, 200, "", "data"},
	{"865D", responseType, jsonType, brokenQuery, 4, "", ""},
	{"556A", responseType, jsonType, brokenQuery, 400, "", ""},
	{"D586", responseType, jsonType, brokenQuery, 400, "", "data"},
	{"51FE", responseType, jsonType, unknownQuery, 4, "", ""},
	{"74FF", responseType, jsonType, unknownQuery, 400, "", ""},
	{"5E5B", responseType, jsonType, unknownQuery, 400, "", "data"},
	{"86EE", responseType, jsonType, coerceQuery, 400, "", "data"},
}

func urlOf(query, variables string) string {
	return url.Values{"query": {query}, "variables": {variables}}.Encode()
}

// allAudits adds those that the suite makes in loops: each parameter with each
// wrong type, and each optional one with null.
func allAudits() []audit {
	all := audits
	with := func(name, value string) string {
		return strings.Replace(`{"query":"{ __typename }","`+name+`":`+value+`}`, `"query":"{ __typename }","query"`, `"query"`, 1)
	}
	for _, wrong := range []struct{ id, name, first string }{
		{"LKJ", "query", `{"obj":"ect"}`}, {"6C0", "operationName", `{"obj":"ect"}`},
		{"476", "variables", `"string"`}, {"58B", "extensions", `"string"`},
	} {
		for i, value := range []string{wrong.first, "0", "false", `["array"]`} {
			all = append(all, audit{wrong.id + string(rune('0'+i)), "", jsonType, with(wrong.name, value), 400, "", "data"})
		}
	}
	for i, name := range []string{"variables", "operationName", "extensions"} {
		all = append(all, audit{"94B" + string(rune('0'+i)), responseType, jsonType, with(name, "null"), 200, "", "errors"})
		all = append(all, audit{"022" + string(rune('0'+i)), jsonType, jsonType, with(name, "null"), 200, "", "errors"})
	}
	return all
}

func TestAudits(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		all := allAudits()
		if len(all) != 61 {
			w.Errorf("%d audits, want all 61 of the suite", len(all))
		}
		for _, a := range all {
			w.check(a)
		}
	})
}

func (w *world) check(a audit) {
	method, target, body := http.MethodPost, endpoint, a.body
	if a.content == "" {
		method, target, body = http.MethodGet, endpoint+"?"+a.body, ""
	}
	r := w.do(method, target, body, "Accept", a.accept, "Content-Type", strings.TrimSuffix(a.content, "none"))
	if r.status != a.status && r.status/100 != a.status {
		w.Errorf("%s: status %d, want %d: %s", a.id, r.status, a.status, r.body)
	}
	if typ := r.header.Get("Content-Type"); !strings.HasPrefix(typ, a.typ) || !strings.HasSuffix(typ, "; charset=utf-8") {
		w.Errorf("%s: content type %q, want %q", a.id, typ, a.typ)
	}
	if a.lacks != "" && strings.Contains(r.body, `"`+a.lacks+`"`) {
		w.Errorf("%s: %s has %s", a.id, r.body, a.lacks)
	}
}
