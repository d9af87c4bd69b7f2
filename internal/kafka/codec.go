package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// A record's value is a version, the source, when a server took it, and the events:
//
//	byte      version
//	text      source
//	instant   received at
//	events, until the end, each:
//	  text    message id, type, user id, anonymous id, previous id, group type, group id
//	  instant timestamp, sent at
//	  text    properties, context, traits, traits once
//
// A text is its length and its bytes; an instant is a byte that says whether there is one, the
// seconds since 1970, and the nanoseconds. Numbers are varints, those that may be negative in
// zigzag. The tenant is the record's key.
//
// Workers are upgraded before servers. A change of this form needs a new version.
const version = 1

// batch is what one record holds.
type batch struct {
	source     string
	receivedAt time.Time
	events     []event.Incoming
}

// header begins a record.
func header(source string, receivedAt time.Time) []byte {
	return appendInstant(appendText([]byte{version}, source), receivedAt)
}

func appendEvent(to []byte, e *event.Incoming) []byte {
	for _, text := range []string{e.MessageID, e.Type, e.UserID, e.AnonymousID, e.PreviousID, e.GroupType, e.GroupID} {
		to = appendText(to, text)
	}
	to = appendInstant(appendInstant(to, e.Timestamp), e.SentAt)
	for _, object := range [][]byte{e.Properties, e.Context, e.Traits, e.TraitsOnce} {
		to = appendText(to, object)
	}
	return to
}

func appendText[T string | []byte](to []byte, text T) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

func appendInstant(to []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(to, 0)
	}
	to = binary.AppendVarint(append(to, 1), t.Unix())
	return binary.AppendUvarint(to, uint64(t.Nanosecond()))
}

// errDamaged says that a record is not what a server writes.
var errDamaged = errors.New("the record is damaged")

// decode reads a record's value. What it returns shares no bytes with it.
func decode(value []byte) (b batch, err error) {
	r := &reader{rest: value}
	if v := r.octet(); v != version && !r.damaged {
		return b, fmt.Errorf("the record has version %d, and this worker knows %d", v, version)
	}
	b.source, b.receivedAt = r.text(), r.instant()
	for len(r.rest) > 0 && !r.damaged {
		b.events = append(b.events, r.event(b.receivedAt))
	}
	if r.damaged || len(b.events) == 0 {
		return batch{}, errDamaged
	}
	return b, nil
}

// reader reads on until the first thing that is damaged; after that it gives zero values.
type reader struct {
	rest    []byte
	damaged bool
}

func (r *reader) event(receivedAt time.Time) event.Incoming {
	e := event.Incoming{ReceivedAt: receivedAt}
	for _, text := range []*string{&e.MessageID, &e.Type, &e.UserID, &e.AnonymousID, &e.PreviousID, &e.GroupType, &e.GroupID} {
		*text = r.text()
	}
	e.Timestamp, e.SentAt = r.instant(), r.instant()
	for _, object := range []*[]byte{&e.Properties, &e.Context, &e.Traits, &e.TraitsOnce} {
		if text := r.bytes(); len(text) > 0 {
			*object = bytes.Clone(text)
		}
	}
	return e
}

func (r *reader) octet() byte {
	if len(r.rest) == 0 {
		r.damaged = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) bytes() []byte {
	size, n := binary.Uvarint(r.rest)
	if n <= 0 || size > uint64(len(r.rest)-n) {
		r.damaged, r.rest = true, nil
		return nil
	}
	text := r.rest[n : n+int(size)]
	r.rest = r.rest[n+int(size):]
	return text
}

func (r *reader) instant() time.Time {
	switch r.octet() {
	case 0:
		return time.Time{}
	case 1:
		seconds, n := binary.Varint(r.rest)
		nanoseconds, m := binary.Uvarint(r.rest[max(n, 0):])
		if n > 0 && m > 0 && nanoseconds < uint64(time.Second) {
			r.rest = r.rest[n+m:]
			return time.Unix(seconds, int64(nanoseconds)).UTC()
		}
	}
	r.damaged, r.rest = true, nil
	return time.Time{}
}
