package gqlhttp

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// answer is what became of one operation. Without data it is a request error:
// nothing was executed ([HTTP] 5.4).
type answer struct {
	errors     gqlerror.List
	data       []byte // gqlgen's buffer, good until its next response
	extensions map[string]any
	recalled   func(buf []byte) []byte // writes the data, in place of it
	stored     []byte                  // the whole response object, of an answer that was given before
}

// Bounds of a request error: a document may be wrong in a thousand places, and
// gqlparser's messages quote it.
const (
	maxErrors  = 50
	maxMessage = 500
)

// answerOf takes gqlgen's response over. An error without a code is the caller's
// if nothing was executed, and ours if something was.
func answerOf(resp *graphql.Response) *answer {
	if len(resp.Data) == 0 {
		return refused(resp.Errors)
	}
	return &answer{errors: coded(resp.Errors, fault.Internal), data: resp.Data, extensions: resp.Extensions}
}

// refused is the answer to a request that was not executed.
func refused(list gqlerror.List) *answer {
	list = coded(list[:min(len(list), maxErrors)], fault.BadUserInput)
	for _, e := range list {
		e.Message = truncate(e.Message, maxMessage)
	}
	if len(list) == 0 { // a response must have one of the two (GraphQL, 7.1)
		return failed(fault.New(fault.Internal, "Internal error."))
	}
	return &answer{errors: list}
}

// failed is the answer that a fault makes.
func failed(f *fault.Error) *answer {
	extensions := map[string]any{"code": string(f.Code)}
	if f.Field != "" {
		extensions["field"] = f.Field
	}
	if seconds := f.RetryAfter(); seconds > 0 {
		extensions["retryAfter"] = seconds
	}
	return &answer{errors: gqlerror.List{{Message: f.Message, Extensions: extensions}}}
}

// coded returns copies that all have extensions.code.
func coded(list gqlerror.List, otherwise fault.Code) gqlerror.List {
	out := make(gqlerror.List, 0, len(list))
	for _, e := range list {
		c := *e
		if codeOf(e) == "" {
			c.Extensions = maps.Clone(e.Extensions)
			if c.Extensions == nil {
				c.Extensions = map[string]any{}
			}
			c.Extensions["code"] = string(defaultCode(e, otherwise))
		}
		out = append(out, &c)
	}
	return out
}

func codeOf(e *gqlerror.Error) string {
	if code := e.Extensions["code"]; code != nil {
		return fmt.Sprint(code) // a string, of whatever type
	}
	return ""
}

func defaultCode(e *gqlerror.Error, otherwise fault.Code) fault.Code {
	var f *fault.Error
	if errors.As(e.Err, &f) {
		return f.Code
	}
	return otherwise
}

// executed tells an answer from a request error.
func (a *answer) executed() bool { return a.data != nil || a.recalled != nil || a.stored != nil }

// status is the HTTP status of the answer under application/graphql-response+json:
// that of the first error's fault, and 400 for a code that is no fault's, such as
// GRAPHQL_PARSE_FAILED ([HTTP] 5.4).
func (a *answer) status() int {
	if a.executed() {
		return http.StatusOK
	}
	code := fault.Code(codeOf(a.errors[0]))
	status := fault.New(code, "").Status()
	if status == http.StatusInternalServerError && code != fault.Internal {
		return http.StatusBadRequest
	}
	return status
}

// encode writes the response object, into bytes of its own: {"errors":…} without
// data if nothing was executed, else {"data":…}, with errors before it if there
// were any (GraphQL, 7.1).
func (a *answer) encode() []byte { return a.appendTo(make([]byte, 0, len(a.data)+len(a.stored)+128)) }

func (a *answer) appendTo(buf []byte) []byte {
	if a.stored != nil {
		return append(buf, a.stored...)
	}
	buf = append(buf, '{')
	if len(a.errors) > 0 {
		buf = append(append(buf, `"errors":`...), a.encodeErrors()...)
	}
	if a.executed() {
		if len(a.errors) > 0 {
			buf = append(buf, ',')
		}
		if buf = append(buf, `"data":`...); a.recalled != nil {
			buf = a.recalled(buf)
		} else {
			buf = append(buf, a.data...)
		}
	}
	if len(a.extensions) > 0 {
		buf = appendExtensions(append(buf, `,"extensions":`...), a.extensions)
	}
	return append(buf, '}')
}

// appendExtensions writes them in the order of their names. One that JSON cannot hold is left out.
func appendExtensions(buf []byte, extensions map[string]any) []byte {
	separator := byte('{')
	for _, name := range slices.Sorted(maps.Keys(extensions)) {
		value, written := extensions[name].(json.RawMessage)
		if !written {
			var err error
			if value, err = json.Marshal(extensions[name]); err != nil {
				continue
			}
		}
		key, _ := json.Marshal(name) // a text can be written
		buf = append(append(append(append(buf, separator), key...), ':'), value...)
		separator = ','
	}
	if separator == '{' {
		buf = append(buf, '{')
	}
	return append(buf, '}')
}

// encodeErrors writes the list alone, as [WS] wants it.
func (a *answer) encodeErrors() []byte {
	list, err := json.Marshal(a.errors)
	if err != nil { // some error carries an extension that JSON cannot hold
		return []byte(`[{"message":"Internal error.","extensions":{"code":"INTERNAL"}}]`)
	}
	return list
}
