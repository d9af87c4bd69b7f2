package event

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// seal checks both JSON objects and takes the event's fingerprint, by which a repeat
// of the same event is told from another event under the same id. A missing message
// id is made up.
func (e *Incoming) seal() *fault.Error {
	properties, problem := sealObject("properties", &e.Properties)
	if problem != nil {
		return problem
	}
	context, problem := sealObject("context", &e.Context)
	if problem != nil {
		return problem
	}
	var digest fingerprint
	digest.text(e.Type, e.UserID, e.AnonymousID)
	if !e.Timestamp.IsZero() {
		digest.number(uint64(e.Timestamp.UnixMicro()))
	}
	digest.number(properties, context)
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

func sealObject(field string, object *[]byte) (uint64, *fault.Error) {
	if len(*object) == 0 || bytes.Equal(*object, []byte("null")) {
		*object = []byte("{}")
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(*object)) // refuses repeated names and invalid UTF-8
	if decoder.PeekKind() != '{' {
		return 0, fault.Input(field, "A JSON object is needed.")
	}
	sum, problem := digestValue(decoder, field, 0)
	if problem != nil {
		return 0, problem
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return 0, fault.Input(field, "Text follows the JSON object.")
	}
	return sum, nil
}

// digestValue reads one value, checks that PostgreSQL can keep it and JavaScript can read
// it, and returns its digest. The order of an object's members does not matter to it.
func digestValue(decoder *jsontext.Decoder, path string, depth int) (uint64, *fault.Error) {
	if depth > maxDepth {
		return 0, fault.Input(path, "At most %d levels are allowed.", maxDepth)
	}
	token, err := decoder.ReadToken()
	if err != nil {
		return 0, badJSON(path, err)
	}
	var digest fingerprint
	switch kind := token.Kind(); kind {
	case '{':
		return digestObject(decoder, path, depth)
	case '[':
		return digestArray(decoder, path, depth)
	case '"':
		text := token.String()
		if strings.IndexByte(text, 0) >= 0 {
			return 0, fault.Input(path, "The character NUL is not allowed.")
		}
		digest.text("s", text)
	case '0':
		text := token.String()
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			return 0, fault.Input(path, "The number is beyond the range of a double.")
		}
		digest.text("n", text)
	default:
		digest.text("l", kind.String())
	}
	return digest.sum(), nil
}

func digestObject(decoder *jsontext.Decoder, path string, depth int) (uint64, *fault.Error) {
	members := uint64(1)
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadToken()
		if err != nil {
			return 0, badJSON(path, err)
		}
		key := name.String()
		if strings.IndexByte(key, 0) >= 0 {
			return 0, fault.Input(path, "The character NUL is not allowed in a name.")
		}
		value, problem := digestValue(decoder, within(path, key), depth+1)
		if problem != nil {
			return 0, problem
		}
		var member fingerprint
		member.text("m", key)
		member.number(value)
		members += member.sum() // a sum, since members have no order
	}
	_, err := decoder.ReadToken()
	return members, badJSON(path, err)
}

func digestArray(decoder *jsontext.Decoder, path string, depth int) (uint64, *fault.Error) {
	var digest fingerprint
	digest.text("a")
	for decoder.PeekKind() != ']' {
		value, problem := digestValue(decoder, path, depth+1)
		if problem != nil {
			return 0, problem
		}
		digest.number(value)
	}
	_, err := decoder.ReadToken()
	return digest.sum(), badJSON(path, err)
}

// within names a member for an error, and no longer than a person would read.
func within(path, key string) string {
	if len(path)+len(key) > maxText {
		return path
	}
	return path + "." + key
}

// badJSON says what is wrong without repeating the text.
func badJSON(path string, err error) *fault.Error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fault.Input(path, "A name occurs twice in one object.").Because(err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault.Input(path, "The JSON ends too early.").Because(err)
	}
	return fault.Input(path, "The JSON is malformed.").Because(err)
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
