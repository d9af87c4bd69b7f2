package importer

import (
	"errors"
	"io"
)

// maxRow is how many bytes a row may have as it stands in the file. An event has at most
// 32 KB; what is over is room for quotes, escapes and columns that are left out.
const maxRow = 256 << 10

// window shows a part of an input, from the next byte on. It holds maxRow bytes at most,
// however long the input or a line of it is.
type window struct {
	in     io.Reader
	buffer []byte
	start  int
	end    int
	offset int64 // of start
	ended  error // what the input ended with
}

func newWindow(in io.Reader) *window { return &window{in: in, buffer: make([]byte, maxRow+1)} }

// bytes gives what is seen. It is good until more is called.
func (w *window) bytes() []byte { return w.buffer[w.start:w.end] }

// more reads on. It tells whether there is more to see now.
func (w *window) more() bool {
	if w.ended != nil || w.end-w.start == len(w.buffer) {
		return false
	}
	if w.end == len(w.buffer) {
		w.end = copy(w.buffer, w.bytes())
		w.start = 0
	}
	for range maxEmptyReads {
		n, err := w.in.Read(w.buffer[w.end:])
		w.end += n
		w.ended = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	w.ended = io.ErrNoProgress
	return false
}

// maxEmptyReads is how often a reader may give nothing and no error.
const maxEmptyReads = 100

// take goes over n bytes, and gives them.
func (w *window) take(n int) []byte {
	taken := w.buffer[w.start : w.start+n]
	w.start += n
	w.offset += int64(n)
	return taken
}

// full reports whether no row that begins here can be seen whole.
func (w *window) full() bool { return w.end-w.start == len(w.buffer) }

// broken reports whether the input could not be read to its end.
func (w *window) broken() bool { return w.failure() != nil }

// failure is why the input could not be read to its end, or nil.
func (w *window) failure() error {
	if w.ended == nil || errors.Is(w.ended, io.EOF) {
		return nil
	}
	return w.ended
}

// discard goes over n bytes without a look at them.
func (w *window) discard(n int64) error {
	for n > 0 {
		if len(w.bytes()) == 0 && !w.more() {
			return errors.Join(io.ErrUnexpectedEOF, w.failure())
		}
		step := min(n, int64(len(w.bytes())))
		w.take(int(step))
		n -= step
	}
	return nil
}
