package gqlhttp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// request is a well-formed GraphQL request ([HTTP] 4.1): its parameters have the
// right types, which says nothing about the document yet.
type request struct {
	query         string // as sent, or found by resolve
	documentID    string
	operationName string
	variables     []byte // a JSON object, or nil
	extensions    []byte // a JSON object, or nil
	header        http.Header
	read          graphql.TraceTiming
}

// params decodes anew for every execution, as gqlparser writes its coercions into
// the variables that it is given.
func (q *request) params() *graphql.RawParams {
	return &graphql.RawParams{
		Query:         q.query,
		OperationName: q.operationName,
		Variables:     decodeNumbers(q.variables),
		Extensions:    decodeNumbers(q.extensions),
		Headers:       q.header,
		ReadTime:      q.read,
	}
}

// decodeNumbers keeps numbers as they were written, so that large integers stay
// exact: gqlgen's scalars take json.Number.
func decodeNumbers(object []byte) (values map[string]any) {
	if object == nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.UseNumber()
	_ = decoder.Decode(&values) // objectParam has seen that it is an object
	return values
}

// requestOf reads the parameters out of a JSON object. Others are ignored ([HTTP]
// 4.4.1).
func requestOf(object map[string]json.RawMessage) (q *request, err error) {
	q = &request{}
	if q.query, err = stringParam(object, "query"); err != nil {
		return nil, err
	}
	if q.operationName, err = stringParam(object, "operationName"); err != nil {
		return nil, err
	}
	if q.variables, err = objectParam(object, "variables"); err != nil {
		return nil, err
	}
	if q.extensions, err = objectParam(object, "extensions"); err != nil {
		return nil, err
	}
	if q.documentID, err = stringParam(object, "documentId"); err != nil {
		return nil, err
	}
	if isNull(object["query"]) && !q.named() {
		return nil, fault.Input("query", "The query is missing.")
	}
	return q, nil
}

// requestOfURL reads the parameters out of a URL ([HTTP] 4.3). An empty optional
// one is as good as none.
func requestOfURL(raw string) (*request, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fault.Input("url", "The URL's query is not well-formed.")
	}
	object := make(map[string]json.RawMessage, 5)
	for _, name := range []string{"query", "documentId", "operationName", "variables", "extensions"} {
		if len(values[name]) > 1 {
			return nil, fault.Input(name, "The parameter %s is given more than once.", name)
		}
		if value := values.Get(name); value != "" {
			if object[name], err = urlParam(name, value); err != nil {
				return nil, err
			}
		}
	}
	return requestOf(object)
}

// urlParam gives the JSON of a URL parameter: the texts are bare there, the
// objects are JSON already.
func urlParam(name, value string) (json.RawMessage, error) {
	if !utf8.ValidString(value) {
		return nil, fault.Input(name, "The parameter %s is not UTF-8.", name)
	}
	if name == "query" || name == "documentId" || name == "operationName" {
		return json.Marshal(value)
	}
	if !json.Valid([]byte(value)) {
		return nil, fault.Input(name, "The parameter %s is not valid JSON.", name)
	}
	return json.RawMessage(value), nil
}

// decodeObject splits a JSON object into its entries, whose names must match
// exactly. It refuses anything else, and what follows the object.
func decodeObject(data []byte) (object map[string]json.RawMessage, err error) {
	if !utf8.Valid(data) {
		return nil, fault.New(fault.BadUserInput, "The request is not UTF-8.")
	}
	switch first(data) {
	case 0:
		return nil, fault.New(fault.BadUserInput, "The request is empty. Send a JSON object with a query.")
	case '[':
		return nil, fault.New(fault.BadUserInput, "Batches are not taken. Send one operation per request.")
	case '{':
		if json.Unmarshal(data, &object) == nil {
			return object, nil
		}
	}
	return nil, fault.New(fault.BadUserInput, "The request is not a JSON object.")
}

func stringParam(object map[string]json.RawMessage, name string) (value string, err error) {
	if isNull(object[name]) {
		return "", nil
	}
	if first(object[name]) != '"' || json.Unmarshal(object[name], &value) != nil {
		return "", fault.Input(name, "The parameter %s is not a string.", name)
	}
	return value, nil
}

func objectParam(object map[string]json.RawMessage, name string) ([]byte, error) {
	if isNull(object[name]) {
		return nil, nil
	}
	if first(object[name]) != '{' {
		return nil, fault.Input(name, "The parameter %s is not an object.", name)
	}
	return object[name], nil
}

// isNull tells whether a parameter is absent or null, which [HTTP] 4.4.1 holds for
// the same.
func isNull(raw json.RawMessage) bool { return first(raw) == 0 || first(raw) == 'n' }

// first gives the byte that tells a JSON value's type, or 0 if there is none.
func first(raw []byte) byte {
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); len(trimmed) > 0 {
		return trimmed[0]
	}
	return 0
}
