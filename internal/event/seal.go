package event

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/registry"
)

// checkedObject is a JSON object that was checked, with its digest.
type checkedObject struct {
	text   []byte
	digest uint64
	size   int // of the text with its numbers written out, as PostgreSQL gives them back
}

// contents is all that an event has in JSON, checked.
type contents struct{ properties, context, traits, once checkedObject }

func (s *contents) size() int {
	return s.properties.size + s.context.size + s.traits.size + s.once.size
}

// seal takes the event's fingerprint, by which a repeat of the same event is told from
// another event under the same id. A missing message id is made up.
func (e *Incoming) seal(s contents) *fault.Error {
	if s.size() > MaxEventBytes {
		return tooLarge()
	}
	e.Properties, e.Context, e.Traits, e.TraitsOnce = s.properties.text, s.context.text, s.traits.text, s.once.text
	var digest fingerprint
	digest.text(e.Type, e.UserID, e.AnonymousID)
	if !e.Timestamp.IsZero() {
		digest.number(uint64(e.Timestamp.UnixMicro()))
	}
	digest.number(s.properties.digest, s.context.digest)
	if e.PreviousID != "" || e.GroupID != "" {
		digest.text(e.PreviousID, e.GroupType, e.GroupID)
	}
	if s.traits.size+s.once.size > 0 {
		digest.number(s.traits.digest, s.once.digest)
	}
	e.fingerprint = int64(digest.sum())
	if e.MessageID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return fault.New(fault.Internal, "No message id could be made.").Because(err)
		}
		e.MessageID = id.String()
	}
	return nil
}

// sealProperties checks the properties, and tells what members they have.
func sealProperties(object []byte) (checkedObject, []registry.Property, *fault.Error) {
	var shape []registry.Property
	properties, problem := sealWith("properties", object, &shape)
	return properties, shape, problem
}

// noMembers is the empty object: what nothing and null are read as.
var noMembers = checkedObject{text: []byte("{}"), digest: 1, size: 2}

// sealTraits checks traits. An object without members says as little as none.
func sealTraits(object []byte) (checkedObject, *fault.Error) {
	traits, problem := sealObject("traits", object)
	if traits.digest == noMembers.digest {
		return checkedObject{}, problem
	}
	return traits, problem
}

// sealObject checks an object; nothing and null give an empty one.
func sealObject(field string, object []byte) (checkedObject, *fault.Error) {
	return sealWith(field, object, nil)
}

func sealWith(field string, object []byte, shape *[]registry.Property) (checkedObject, *fault.Error) {
	object = bytes.TrimSpace(object)
	if len(object) == 0 || bytes.Equal(object, null) {
		return noMembers, nil
	}
	if object[0] != '{' {
		return checkedObject{}, fault.Input(field, "A JSON object is needed.")
	}
	// Repeated names are found here, with their path; invalid UTF-8 is the decoder's to find.
	d := digester{Decoder: jsontext.NewDecoder(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true)), shape: shape}
	digest, problem := d.value(1)
	if problem != nil {
		return checkedObject{}, under(field, problem)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return checkedObject{}, fault.Input(field, "Text follows the JSON object.")
	}
	return checkedObject{object, digest, len(object) + d.swell}, nil
}

// digester reads an object.
type digester struct {
	*jsontext.Decoder
	swell int                  // by how much numbers grow that are written out: 1e300 has 301 digits
	shape *[]registry.Property // where the outermost members are noted, if anywhere
}

// note tells what the next member of the outermost object is.
func (d *digester) note(level int, name string, kind jsontext.Kind) {
	if level == 1 && d.shape != nil {
		*d.shape = append(*d.shape, registry.Property{Name: name, Kind: kinds[kind]})
	}
}

var kinds = map[jsontext.Kind]registry.Kind{
	'"': registry.Text, '0': registry.Number, 't': registry.Boolean, 'f': registry.Boolean,
	'{': registry.Object, '[': registry.List, 'n': registry.Null,
}

// value reads one value, checks that PostgreSQL can keep it and JavaScript can read it, and
// returns its digest. A problem's field is the path below the value.
func (d *digester) value(level int) (uint64, *fault.Error) {
	token, err := d.ReadToken()
	if err != nil {
		return 0, badJSON(err)
	}
	var digest fingerprint
	switch kind := token.Kind(); kind {
	case '{', '[':
		if level > maxDepth {
			return 0, fault.Input("", "At most %d levels are allowed.", maxDepth)
		}
		if kind == '[' {
			return d.array(level)
		}
		return d.object(level)
	case '"':
		text := token.String()
		if strings.IndexByte(text, 0) >= 0 {
			return 0, fault.Input("", "The character NUL is not allowed.")
		}
		digest.text("s", text)
	case '0':
		text := token.String()
		exponent, fits := fitsDouble(text)
		if !fits {
			return 0, fault.Input("", "The number is beyond the range of a double.")
		}
		d.swell += exponent
		digest.text("n", text)
	default:
		digest.text("l", kind.String())
	}
	return digest.sum(), nil
}

// object adds up its members' digests: their order does not matter.
func (d *digester) object(level int) (uint64, *fault.Error) {
	members := uint64(1)
	var seen names
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return 0, badJSON(err)
		}
		name := token.String()
		if strings.IndexByte(name, 0) >= 0 {
			return 0, fault.Input("", "The character NUL is not allowed in a name.")
		}
		d.note(level, name, d.PeekKind())
		value, problem := d.value(level + 1)
		if problem != nil {
			return 0, under(name, problem)
		}
		if !seen.add(name) {
			return 0, fault.Input(name, "The name occurs twice.")
		}
		var member fingerprint
		member.text("m", name)
		member.number(value)
		members += member.sum()
	}
	if _, err := d.ReadToken(); err != nil {
		return 0, badJSON(err)
	}
	return members, nil
}

func (d *digester) array(level int) (uint64, *fault.Error) {
	var digest fingerprint
	digest.text("a")
	for d.PeekKind() != ']' {
		value, problem := d.value(level + 1)
		if problem != nil {
			return 0, problem
		}
		digest.number(value)
	}
	if _, err := d.ReadToken(); err != nil {
		return 0, badJSON(err)
	}
	return digest.sum(), nil
}

// names finds a name that comes twice. Most objects have few.
type names struct {
	few  []string
	many map[string]bool
}

const fewNames = 16

func (n *names) add(name string) (isNew bool) {
	if n.many != nil {
		isNew = !n.many[name]
		n.many[name] = true
		return isNew
	}
	if slices.Contains(n.few, name) {
		return false
	}
	n.few = append(n.few, name)
	if len(n.few) > fewNames {
		n.many = make(map[string]bool, 4*fewNames)
		for _, known := range n.few {
			n.many[known] = true
		}
	}
	return true
}

// under puts a name before a problem's path, unless nobody would want to read it.
func under(name string, problem *fault.Error) *fault.Error {
	path := name
	if problem.Field != "" {
		path += "." + problem.Field
	}
	switch {
	case len(path) <= maxText:
		return problem.In(path)
	case len(name) <= maxText:
		return problem.In(name)
	}
	return problem.In("")
}

// maxNumber is how many characters a number may have: PostgreSQL keeps every digit, and no
// more than 16,383 of them behind the point.
const maxNumber = 1_000

// fitsDouble reports whether a number is one that JavaScript can read: neither too large,
// nor so small that only its exponent is left of it. It returns the exponent's size.
func fitsDouble(text string) (exponent int, fits bool) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) > maxNumber {
		return 0, false
	}
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return 0, true
	}
	exponent, err = strconv.Atoi(text[i+1:])
	if exponent < 0 {
		exponent = -exponent
	}
	return exponent, err == nil && (value != 0 || exponent <= 308)
}

// badJSON says what is wrong without repeating the text.
func badJSON(err error) *fault.Error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fault.Input("", "The JSON ends too early.").Because(err)
	}
	return fault.Input("", "The JSON is malformed.").Because(err)
}

// fingerprint is a running 64-bit digest (xxHash). It guards against mistakes, not
// against forgery: whoever can send an event can send it under a new id as well.
type fingerprint struct{ state uint64 }

func (f *fingerprint) text(parts ...string) {
	for _, part := range parts {
		f.number(xxhash.Sum64String(part))
	}
}

func (f *fingerprint) number(numbers ...uint64) {
	var buffer [16]byte
	for _, n := range numbers {
		binary.LittleEndian.PutUint64(buffer[:8], f.state)
		binary.LittleEndian.PutUint64(buffer[8:], n)
		f.state = xxhash.Sum64(buffer[:])
	}
}

func (f *fingerprint) sum() uint64 { return f.state }
