package event

import (
	"bytes"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// scanner takes a JSON object or list apart into its members as they stand, without a look
// inside: however deep or broken one is, it costs only itself. What stands in a member is
// judged by whoever reads it.
type scanner struct {
	data []byte
	at   int
}

var (
	errNoObject  = fault.Input("body", "A JSON object is needed.")
	errMalformed = fault.Input("body", "The JSON is malformed.")
	errCut       = fault.Input("body", "The JSON ends too early.")
	errTrailing  = fault.Input("body", "Text follows the JSON object.")
)

// object calls each for every member: the name with its quotes, and the value.
func (s *scanner) object(each func(name, value []byte) *fault.Error) *fault.Error {
	if !s.take('{') {
		return errNoObject
	}
	if s.take('}') {
		return nil
	}
	for {
		name := s.value()
		if len(name) == 0 || name[0] != '"' || !s.take(':') {
			return s.broken()
		}
		value := s.value()
		if len(value) == 0 {
			return s.broken()
		}
		if problem := each(name, value); problem != nil {
			return problem
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.broken()
		}
	}
}

// list gives every element, at most so many and one more.
func (s *scanner) list(most int) (elements [][]byte, problem *fault.Error) {
	elements = [][]byte{}
	if !s.take('[') {
		return nil, s.broken()
	}
	if s.take(']') {
		return elements, nil
	}
	for len(elements) <= most {
		element := s.value()
		if len(element) == 0 {
			return nil, s.broken()
		}
		elements = append(elements, element)
		if s.take(']') {
			return elements, nil
		}
		if !s.take(',') {
			return nil, s.broken()
		}
	}
	return elements, nil
}

// broken tells a text that ends from one that is wrong.
func (s *scanner) broken() *fault.Error {
	if s.ended() {
		return errCut
	}
	return errMalformed
}

// ended reports whether nothing but white space is left.
func (s *scanner) ended() bool {
	s.space()
	return s.at == len(s.data)
}

func (s *scanner) space() {
	for s.at < len(s.data) && isSpace(s.data[s.at]) {
		s.at++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// take goes over the character, if it comes next.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

// value gives the next value as it stands; nothing if there is none, or its end is missing.
func (s *scanner) value() []byte {
	s.space()
	start := s.at
	if start == len(s.data) {
		return nil
	}
	switch s.data[start] {
	case '"':
		if !s.text() {
			return nil
		}
	case '{', '[':
		if !s.nested() {
			return nil
		}
	default:
		for s.at < len(s.data) && !isSpace(s.data[s.at]) && strings.IndexByte(",:]}", s.data[s.at]) < 0 {
			s.at++
		}
	}
	return s.data[start:s.at]
}

// text goes over a string, from quote to quote. A quote ends it unless it is escaped, which
// an odd number of backslashes before it tells.
func (s *scanner) text() bool {
	start := s.at + 1
	for s.at = start; ; s.at++ {
		i := bytes.IndexByte(s.data[s.at:], '"')
		if i < 0 {
			s.at = len(s.data)
			return false
		}
		s.at += i
		escapes := 0
		for s.at-escapes > start && s.data[s.at-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			s.at++
			return true
		}
	}
}

// nested goes over an object or a list by counting brackets.
func (s *scanner) nested() bool {
	for depth := 0; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case '"':
			if !s.text() {
				return false
			}
			s.at--
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				s.at++
				return true
			}
		}
	}
	return false
}
