package importer

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// object is a JSON object that is being written. The zero object is none at all.
type object []byte

// add writes a member. What its value says is for the server to judge.
func (o *object) add(name string, value jsontext.Value) *fault.Error {
	if len(*o) <= len("{}") {
		*o = object("{")
	} else {
		*o = append((*o)[:len(*o)-1], ',')
	}
	with, err := jsontext.AppendQuote(*o, name)
	if err != nil {
		return errUTF8
	}
	*o = append(append(append(with, ':'), value...), '}')
	return nil
}

// addAll writes all members of another object; null has none.
func (o *object) addAll(value jsontext.Value) *fault.Error {
	if value.Kind() == 'n' {
		return nil
	}
	members, problem := membersOf(value)
	if problem != nil {
		return problem
	}
	if len(members) == 0 && len(*o) == 0 {
		*o = object("{}")
		return nil
	}
	for _, m := range members {
		if problem := o.add(m.name, m.value); problem != nil {
			return problem
		}
	}
	return nil
}

// member is one member of an object as it was read.
type member struct {
	name  string
	value jsontext.Value
}

// asFound lets through what the server has words for: a name that occurs twice.
var asFound = jsontext.AllowDuplicateNames(true)

// membersOf takes an object apart, and makes sure that all of it is JSON.
func membersOf(text []byte) ([]member, *fault.Error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(text), asFound)
	if kind := decoder.PeekKind(); kind != '{' && kind > 0 {
		return nil, fault.Input("row", "A JSON object is needed.")
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, badJSON(err)
	}
	var members []member
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil, badJSON(err)
		}
		m := member{name: name.String()}
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, badJSON(err)
		}
		m.value = value.Clone()
		members = append(members, m)
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, badJSON(err)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fault.Input("row", "Text follows the JSON object.")
	}
	return members, nil
}

func badJSON(err error) *fault.Error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fault.Input("row", "The JSON ends too early.")
	}
	return fault.Input("row", "The JSON is malformed.")
}

// plainText reads a text, or a number as it is written; null is none.
func plainText(value jsontext.Value) (text string, ok bool) {
	switch value.Kind() {
	case 'n':
		return "", true
	case '0':
		return string(value), true
	case '"':
		text, err := jsontext.AppendUnquote(nil, []byte(value))
		return string(text), err == nil
	}
	return "", false
}
