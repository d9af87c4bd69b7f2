//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// The kinds of frames (RFC 6455, 5.2) that a client of one server meets.
const (
	textFrame  = 0x1
	closeFrame = 0x8
	pingFrame  = 0x9
	pongFrame  = 0xA
)

var (
	errMasked = errors.New("the server's frame is masked")
	errPieces = errors.New("the server sends a message in pieces, which this client does not put together")
)

// frame is one of a server's. Its payload is a part of what it was read from.
type frame struct {
	kind    byte
	payload []byte
}

// readFrame takes the first frame off what was received. Whole is false while part of it is
// still to come; then nothing is taken.
func readFrame(data []byte) (f frame, rest []byte, whole bool, err error) {
	if len(data) < 2 {
		return f, data, false, nil
	}
	switch {
	case data[1]&0x80 != 0:
		return f, data, false, errMasked
	case data[0]&0x80 == 0:
		return f, data, false, errPieces
	}
	size, from := int(data[1]), 2
	switch size {
	case 126:
		if from = 4; len(data) < from {
			return f, data, false, nil
		}
		size = int(binary.BigEndian.Uint16(data[2:]))
	case 127:
		if from = 10; len(data) < from {
			return f, data, false, nil
		}
		size = int(binary.BigEndian.Uint64(data[2:]))
	}
	if len(data)-from < size {
		return f, data, false, nil
	}
	return frame{data[0] & 0xF, data[from : from+size]}, data[from+size:], true, nil
}

// appendHead begins a frame of so many bytes; masked is the bit that says so.
func appendHead(b []byte, kind, masked byte, size int) []byte {
	b = append(b, 0x80|kind)
	switch {
	case size < 126:
		return append(b, masked|byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, masked|126), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(b, masked|127), uint64(size))
}

// serverFrame is one as a server sends it.
func serverFrame(kind byte, payload []byte) []byte {
	return append(appendHead(nil, kind, 0, len(payload)), payload...)
}

// clientFrame is one as a client sends it: masked, by a key of zeros, which leaves the payload
// as it is. A browser must choose another; a server must do the same work for this one.
func clientFrame(kind byte, payload []byte) []byte {
	return append(append(appendHead(nil, kind, 0x80, len(payload)), 0, 0, 0, 0), payload...)
}

// Of a message in graphql-transport-ws, this much is told apart.
var (
	ackStart   = []byte(`{"type":"connection_ack"`)
	nextStart  = []byte(`{"type":"next"`)
	pingStart  = []byte(`{"type":"ping"`)
	pongAnswer = clientFrame(textFrame, []byte(`{"type":"pong"}`))
	stampStart = []byte(`"name":"`)
)

// readStamp finds the instant in an answer, without reading more of it than that: the name of
// the tenant, which both documents ask for first. Zero: there is none.
func readStamp(message []byte) (stamp int64) {
	at := bytes.Index(message, stampStart)
	if at < 0 {
		return 0
	}
	for _, c := range message[at+len(stampStart):] {
		if c < '0' || c > '9' {
			break
		}
		stamp = 10*stamp + int64(c-'0')
	}
	return stamp
}
