package websocket

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// The bits around a frame's opcode and length (5.2).
const (
	finBit     = 0x80
	deflateBit = 0x40 // RSV1, which permessage-deflate uses (RFC 7692, 7.2.1)
	otherBits  = 0x30 // RSV2 and RSV3, which nothing here uses
	kindBits   = 0x0f
	maskBit    = 0x80
	lengthBits = 0x7f

	length16, length64 = 126, 127 // a length of 2 or 8 bytes follows

	maxControl = 125 // of a control frame's payload, which cannot be fragmented (5.5)
	maskSize   = 4
)

// frame is one of a client's, unmasked in place.
type frame struct {
	kind     Kind
	fin      bool
	deflated bool
	payload  []byte
}

// parse takes the first frame off what was read. Without an error, size 0 says that there is
// more to come.
func parse(data []byte, limit int64) (f frame, size int, bad *Closure) {
	if len(data) < 2 {
		return f, 0, nil
	}
	f.kind, f.fin, f.deflated = Kind(data[0]&kindBits), data[0]&finBit != 0, data[0]&deflateBit != 0
	switch {
	case data[0]&otherBits != 0:
		return f, 0, against("Bits are set that were not agreed upon")
	case data[1]&maskBit == 0:
		return f, 0, against("The frame is not masked")
	}
	length, header := payloadLength(data)
	if header == 0 {
		return f, 0, nil
	}
	switch {
	case f.kind >= Close && (!f.fin || length > maxControl):
		return f, 0, against("A control frame is too large, or fragmented")
	case f.kind > Binary && f.kind < Close || f.kind > Pong:
		return f, 0, against("The frame's opcode is not known")
	case length > uint64(limit): //nolint:gosec // limits are not negative
		return f, 0, tooBig
	}
	size = header + maskSize + int(length) //nolint:gosec // it is within limit
	if len(data) < size {
		return f, 0, nil
	}
	f.payload = data[header+maskSize : size]
	unmask(f.payload, [maskSize]byte(data[header:]))
	return f, size, nil
}

// payloadLength reads the length, and where it ends; 0 if it is not all there. Lengths are taken
// in any of their three forms: who is liberal there is safe (5.2 asks senders for the shortest).
func payloadLength(data []byte) (length uint64, header int) {
	switch short := data[1] & lengthBits; {
	case short < length16:
		return uint64(short), 2
	case short == length16 && len(data) >= 4:
		return uint64(binary.BigEndian.Uint16(data[2:])), 4
	case short == length64 && len(data) >= 10:
		return min(binary.BigEndian.Uint64(data[2:]), math.MaxInt64), 10
	}
	return 0, 0
}

// unmask undoes a client's masking (5.3), eight bytes at a time.
func unmask(payload []byte, key [maskSize]byte) {
	four := binary.LittleEndian.Uint32(key[:])
	eight := uint64(four)<<32 | uint64(four)
	for len(payload) >= 8 {
		binary.LittleEndian.PutUint64(payload, binary.LittleEndian.Uint64(payload)^eight)
		payload = payload[8:]
	}
	for i := range payload {
		payload[i] ^= key[i%maskSize]
	}
}

// appendHeader writes a server's header, which is not masked (5.1).
func appendHeader(to []byte, first byte, length int) []byte {
	switch {
	case length < length16:
		return append(to, first, byte(length))
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(to, first, length16), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(to, first, length64), uint64(length))
}

// Append appends a message in one frame; its payload may come in parts.
func Append(to []byte, kind Kind, parts ...[]byte) []byte {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	to = appendHeader(to, finBit|byte(kind), size)
	for _, part := range parts {
		to = append(to, part...)
	}
	return to
}

// AppendClose appends a close frame (5.5.1).
func AppendClose(to []byte, c *Closure) []byte {
	if c.Code == noCode {
		return Append(to, Close)
	}
	return Append(to, Close, binary.BigEndian.AppendUint16(nil, uint16(c.Code)), []byte(c.Reason))
}

// closureOf reads a close frame. One against the protocol is answered as such (7.4.1, 7.4.2).
func closureOf(payload []byte) *Closure {
	if len(payload) == 0 {
		return &Closure{Code: noCode}
	}
	if len(payload) == 1 {
		return against("The close frame is cut short")
	}
	c := &Closure{Code(binary.BigEndian.Uint16(payload)), string(payload[2:])}
	switch known := c.Code >= 1000 && c.Code <= 1003 || c.Code >= 1007 && c.Code <= 1014; {
	case !known && (c.Code < 3000 || c.Code > 4999):
		return against("The close frame's code is not one to send")
	case !utf8.ValidString(c.Reason):
		return &Closure{Invalid, "The close frame's reason is not UTF-8"}
	}
	return c
}

func against(reason string) *Closure { return &Closure{ProtocolError, reason} }

var tooBig = &Closure{TooBig, "The message is too large"}
