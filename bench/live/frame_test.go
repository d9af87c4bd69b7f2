//go:build linux

package main

import (
	"bytes"
	"strings"
	"testing"
)

// Whatever a read cuts off, frames come out whole, and in order.
func TestFramesInPieces(t *testing.T) {
	var want [][]byte
	var stream []byte
	for _, size := range []int{0, 1, 125, 126, 1<<16 - 1, 1 << 16} {
		payload := bytes.Repeat([]byte{byte('a' + size%7)}, size)
		want, stream = append(want, payload), append(stream, serverFrame(textFrame, payload)...)
	}
	for _, step := range []int{1, 3, 127, 4096, len(stream)} {
		var got [][]byte
		var pending []byte
		for from := 0; from < len(stream); from += step {
			pending = append(pending, stream[from:min(from+step, len(stream))]...)
			for {
				f, rest, whole, err := readFrame(pending)
				if err != nil {
					t.Fatal(err)
				}
				if !whole {
					break
				}
				got, pending = append(got, bytes.Clone(f.payload)), rest
			}
		}
		if len(got) != len(want) || len(pending) != 0 {
			t.Fatalf("by %d: %d frames and %d bytes left, want %d", step, len(got), len(pending), len(want))
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("by %d: frame %d has %d bytes, want %d", step, i, len(got[i]), len(want[i]))
			}
		}
	}
}

func TestFramesRefused(t *testing.T) {
	if _, _, _, err := readFrame(clientFrame(textFrame, []byte("x"))); err == nil {
		t.Error("a masked frame of a server's was taken")
	}
	if _, _, _, err := readFrame([]byte{textFrame, 0}); err == nil {
		t.Error("a part of a message was taken for a whole one")
	}
}

// A message of a client's is masked by zeros, and of the length that it says.
func TestClientFrame(t *testing.T) {
	for _, size := range []int{5, 300, 70_000} {
		text := strings.Repeat("x", size)
		written := clientFrame(textFrame, []byte(text))
		if written[1]&0x80 == 0 || !bytes.HasSuffix(written, []byte("\x00\x00\x00\x00"+text)) {
			t.Errorf("of %d bytes: % x …", size, written[:14])
		}
		written[1] &^= 0x80
		if f, _, whole, err := readFrame(written); err != nil || !whole || len(f.payload) != size {
			t.Errorf("of %d bytes: read as %d, %t, %v", size, len(f.payload), whole, err) // the mask is left over
		}
	}
}

func TestStamp(t *testing.T) {
	for message, want := range map[string]int64{
		`{"type":"next","id":"1","payload":{"data":{"live":{"query":{"tenant":{"name":"1763800000123456789"}}}}}}`: 1763800000123456789,
		`{"payload":{"data":{"live":{"query":{"tenant":{"name":"Bench 1"}}}}}}`:                                    0,
		`{"type":"ping"}`: 0,
	} {
		if got := readStamp([]byte(message)); got != want {
			t.Errorf("%s: %d, want %d", message, got, want)
		}
	}
}
