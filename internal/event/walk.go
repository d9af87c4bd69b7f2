package event

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/registry"
)

// walker reads a JSON value once (RFC 8259; names may not repeat, and texts must be valid
// Unicode): checks that PostgreSQL can keep it and JavaScript can read it, and takes its
// digest. Every event passes through here, so it makes no copies: a decoder that hands out
// tokens takes three times as long.
type walker struct {
	data  []byte
	at    int
	swell int // by how much numbers grow that are written out: 1e300 has 301 digits

	lists   bool                // whether the outermost members are listed
	members []registry.Property // those
}

// The digests of what has no content of its own, and the beginnings of those that do.
const (
	digestNull = iota + 11
	digestTrue
	digestFalse
	digestText
	digestNumber
	digestList
	digestMember
)

var (
	errEnds  = fault.Input("", "The JSON ends too early.")
	errWrong = fault.Input("", "The JSON is malformed.")
	errNUL   = fault.Input("", "The character NUL is not allowed.")
)

func (w *walker) space() {
	for w.at < len(w.data) && isSpace(w.data[w.at]) {
		w.at++
	}
}

// next goes over white space and gives the character there; 0 at the end.
func (w *walker) next() byte {
	w.space()
	if w.at == len(w.data) {
		return 0
	}
	return w.data[w.at]
}

// take goes over a character that must come next.
func (w *walker) take(c byte) *fault.Error {
	switch w.next() {
	case c:
		w.at++
		return nil
	case 0:
		return w.broken()
	}
	return errWrong
}

// broken tells a text that ends from one that is wrong.
func (w *walker) broken() *fault.Error {
	if w.at >= len(w.data) {
		return errEnds
	}
	return errWrong
}

// value reads one value. A problem's field is the path below the value.
func (w *walker) value(level int) (uint64, *fault.Error) {
	switch c := w.next(); c {
	case '{':
		if level > maxDepth {
			return 0, errTooDeep
		}
		return w.object(level)
	case '[':
		if level > maxDepth {
			return 0, errTooDeep
		}
		return w.list(level)
	case '"':
		digest, problem := w.text()
		return mix(digestText, digest), problem
	case 't':
		return digestTrue, w.literal("true")
	case 'f':
		return digestFalse, w.literal("false")
	case 'n':
		return digestNull, w.literal("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return w.number()
	}
	return 0, w.broken()
}

var errTooDeep = fault.Input("", "At most %d levels are allowed.", maxDepth)

func (w *walker) literal(word string) *fault.Error {
	rest := w.data[w.at:]
	if bytes.HasPrefix(rest, []byte(word)) {
		w.at += len(word)
		return nil
	}
	if len(rest) < len(word) && word[:len(rest)] == string(rest) {
		return errEnds
	}
	return errWrong
}

// object adds up its members' digests: their order does not matter.
func (w *walker) object(level int) (uint64, *fault.Error) {
	w.at++
	sum := uint64(1)
	if w.next() == '}' {
		w.at++
		return sum, nil
	}
	var seen names
	for {
		member, problem := w.member(level, &seen)
		if problem != nil {
			return 0, problem
		}
		sum += member
		switch w.next() {
		case ',':
			w.at++
		case '}':
			w.at++
			return sum, nil
		default:
			return 0, w.broken()
		}
	}
}

// member reads a name and its value.
func (w *walker) member(level int, seen *names) (uint64, *fault.Error) {
	if w.next() != '"' {
		return 0, w.broken()
	}
	start := w.at
	digest, problem := w.text()
	if problem == errNUL {
		return 0, fault.Input("", "The character NUL is not allowed in a name.")
	}
	if problem != nil {
		return 0, problem
	}
	quoted := w.data[start:w.at]
	if problem := w.take(':'); problem != nil {
		return 0, under(unquote(quoted), problem)
	}
	if level == 1 && w.lists {
		w.members = append(w.members, registry.Property{Name: unquote(quoted), Kind: registry.KindOf(w.next())})
	}
	value, problem := w.value(level + 1)
	if problem != nil {
		return 0, under(unquote(quoted), problem)
	}
	if !seen.add(digest) {
		return 0, fault.Input(unquote(quoted), "The name occurs twice.")
	}
	return mix(mix(digestMember, digest), value), nil
}

func (w *walker) list(level int) (uint64, *fault.Error) {
	w.at++
	digest := uint64(digestList)
	if w.next() == ']' {
		w.at++
		return digest, nil
	}
	for {
		value, problem := w.value(level + 1)
		if problem != nil {
			return 0, problem
		}
		digest = mix(digest, value)
		switch w.next() {
		case ',':
			w.at++
		case ']':
			w.at++
			return mix(digest, digestList), nil
		default:
			return 0, w.broken()
		}
	}
}

// text reads a string, and gives the digest of what it says, however that is written.
func (w *walker) text() (uint64, *fault.Error) {
	start := w.at
	w.at++
	plain, ascii := true, true
	for w.at < len(w.data) {
		switch c := w.data[w.at]; {
		case c == '"':
			w.at++
			return digestOf(w.data[start:w.at], plain, ascii)
		case c == '\\':
			plain = false
			w.at++
		case c < ' ':
			return 0, errWrong
		case c >= utf8.RuneSelf:
			ascii = false
		}
		w.at++
	}
	w.at = len(w.data)
	return 0, errEnds
}

func digestOf(quoted []byte, plain, ascii bool) (uint64, *fault.Error) {
	content := quoted[1 : len(quoted)-1]
	if plain {
		if !ascii && !utf8.Valid(content) {
			return 0, errWrong
		}
		return xxhash.Sum64(content), nil
	}
	said, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return 0, badJSON(err)
	}
	if bytes.IndexByte(said, 0) >= 0 {
		return 0, errNUL
	}
	return xxhash.Sum64(said), nil
}

// unquote gives what a string says that was read before.
func unquote(quoted []byte) string {
	content := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(content, '\\') < 0 {
		return string(content)
	}
	said, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil { // it was read, so it can be read again
		return ""
	}
	return string(said)
}

// number reads a number: its digest is that of its text.
func (w *walker) number() (uint64, *fault.Error) {
	start := w.at
	w.skip('-', '-')
	if !w.digits() || w.data[start] == '0' && w.at-start > 1 || bytes.HasPrefix(w.data[start:w.at], []byte("-0")) && w.at-start > 2 {
		return 0, w.broken()
	}
	simple := true
	if w.skip('.', '.') {
		simple = false
		if !w.digits() {
			return 0, w.broken()
		}
	}
	if w.skip('e', 'E') {
		simple = false
		w.skip('+', '-')
		if !w.digits() {
			return 0, w.broken()
		}
	}
	text := w.data[start:w.at]
	if !simple || len(text) > shortNumber {
		exponent, fits := fitsDouble(string(text))
		if !fits {
			return 0, fault.Input("", "The number is beyond the range of a double.")
		}
		w.swell += exponent
	}
	return mix(digestNumber, xxhash.Sum64(text)), nil
}

// shortNumber is how many digits are in range without a look.
const shortNumber = 300

// skip goes over one of two characters, if it comes next.
func (w *walker) skip(a, b byte) bool {
	if w.at < len(w.data) && (w.data[w.at] == a || w.data[w.at] == b) {
		w.at++
		return true
	}
	return false
}

// digits goes over digits; false if there is none.
func (w *walker) digits() bool {
	start := w.at
	for w.at < len(w.data) && w.data[w.at] >= '0' && w.data[w.at] <= '9' {
		w.at++
	}
	return w.at > start
}

// names finds a name that comes twice, by its digest. Most objects have few.
type names struct {
	few   [fewNames]uint64
	count int
	many  map[uint64]struct{}
}

const fewNames = 16

func (n *names) add(name uint64) (isNew bool) {
	if n.many != nil {
		if _, known := n.many[name]; known {
			return false
		}
		n.many[name] = struct{}{}
		return true
	}
	if slices.Contains(n.few[:n.count], name) {
		return false
	}
	if n.count < fewNames {
		n.few[n.count] = name
		n.count++
		return true
	}
	n.many = make(map[uint64]struct{}, 4*fewNames)
	for _, known := range n.few {
		n.many[known] = struct{}{}
	}
	n.many[name] = struct{}{}
	return true
}
