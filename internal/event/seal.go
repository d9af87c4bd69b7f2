package event

import (
	"bytes"
	"errors"
	"io"
	"math/bits"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/registry"
)

// checkedObject is a JSON object that was checked, with its digest.
type checkedObject struct {
	text   []byte
	digest uint64
	size   int // of the text with its numbers written out, as PostgreSQL gives them back

	members []registry.Property // if they were asked for
}

// contents is all that an event has in JSON, checked.
type contents struct{ properties, context, traits, once checkedObject }

func (s *contents) size() int {
	return s.properties.size + s.context.size + s.traits.size + s.once.size
}

// seal takes the event's fingerprint, by which a repeat of the same event is told from
// another event under the same id. A missing message id is made up.
func (e *Incoming) seal(s contents) *fault.Error {
	if s.size() > limits.Event {
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

// noMembers is the empty object: what nothing and null are read as.
var noMembers = checkedObject{text: []byte("{}"), digest: 1, size: 2}

// sealTraits checks traits. An object without members says as little as none.
func sealTraits(object []byte, list bool) (checkedObject, *fault.Error) {
	traits, problem := sealObject("traits", object, list)
	if traits.digest == noMembers.digest {
		return checkedObject{}, problem
	}
	return traits, problem
}

// sealObject checks an object, and lists its members if asked to; nothing and null give an
// empty one.
func sealObject(field string, object []byte, list bool) (checkedObject, *fault.Error) {
	object = bytes.TrimSpace(object)
	if len(object) == 0 || bytes.Equal(object, null) {
		return noMembers, nil
	}
	if object[0] != '{' {
		return checkedObject{}, fault.Input(field, "A JSON object is needed.")
	}
	w := walker{data: object, lists: list}
	digest, problem := w.value(1)
	if problem != nil {
		return checkedObject{}, under(field, problem)
	}
	if w.space(); w.at < len(object) {
		return checkedObject{}, fault.Input(field, "Text follows the JSON object.")
	}
	return checkedObject{object, digest, len(object) + w.swell, w.members}, nil
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

// fingerprint is a running 64-bit digest. It guards against mistakes, not against forgery:
// whoever can send an event can send it under a new id as well.
type fingerprint struct{ state uint64 }

func (f *fingerprint) text(parts ...string) {
	for _, part := range parts {
		f.state = mix(f.state, xxhash.Sum64String(part))
	}
}

func (f *fingerprint) number(numbers ...uint64) {
	for _, n := range numbers {
		f.state = mix(f.state, n)
	}
}

func (f *fingerprint) sum() uint64 { return f.state }

// mix folds a number into a digest: the two halves of a product of 128 bits, as in wyhash
// (github.com/wangyi-fudan/wyhash), whose constants these are.
func mix(state, n uint64) uint64 {
	high, low := bits.Mul64(state^0xa0761d6478bd642f, n^0xe7037ed1a0b428db)
	return high ^ low
}
