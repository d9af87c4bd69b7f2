package jsonpatch

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// value is one level of a JSON text; what is below is still text.
type value struct {
	kind   jsontext.Kind // '{', '[', or that of a scalar
	names  []string      // of an object's members
	values [][]byte      // of an object's members, or an array's elements
}

// split takes a text apart by one level.
func split(text []byte) (v value, err error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(text))
	v.kind = decoder.PeekKind()
	if v.kind != '{' && v.kind != '[' {
		_, err := decoder.ReadValue()
		return v, err
	}
	if _, err := decoder.ReadToken(); err != nil {
		return v, err
	}
	for decoder.PeekKind() != '}' && decoder.PeekKind() != ']' {
		if v.kind == '{' {
			name, err := decoder.ReadToken()
			if err != nil {
				return v, err
			}
			v.names = append(v.names, name.String())
		}
		element, err := decoder.ReadValue()
		if err != nil {
			return v, err
		}
		end := decoder.InputOffset()
		v.values = append(v.values, text[end-int64(len(element)):end:end])
	}
	_, err = decoder.ReadToken()
	return v, err
}

// Member is a name of an object, and its value's text.
type Member struct {
	Name  string
	Value []byte
}

// Members are an object's, in their order.
func Members(object []byte) ([]Member, error) {
	v, err := split(object)
	if err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	if v.kind != '{' {
		return nil, errors.New("read object: it is none")
	}
	members := make([]Member, len(v.names))
	for i, name := range v.names {
		members[i] = Member{name, v.values[i]}
	}
	return members, nil
}
