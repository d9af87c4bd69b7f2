// Package frame holds an answer that many are sent: it is serialized once, compressed at most
// once, and after that only copied.
package frame

import (
	"bytes"
	"compress/flate"
	"sync"
)

// Frame is a complete GraphQL response object, {"data":…} or {"errors":…}. Nobody may change
// its bytes.
type Frame struct {
	data []byte
	name string

	once     sync.Once
	deflated []byte
}

// New makes a frame of a response's bytes, which are the frame's from then on.
func New(data []byte) *Frame { return &Frame{data: data} }

// Named gives a new frame a name: the revision of what it answers.
func (f *Frame) Named(name string) *Frame {
	f.name = name
	return f
}

// Name is the frame's; "" if it has none.
func (f *Frame) Name() string { return f.name }

// Bytes is the response.
func (f *Frame) Bytes() []byte { return f.data }

// PaysFrom is the size in bytes from which compression pays: below it, a message fills a
// single packet either way.
const PaysFrom = 1 << 10

// Deflated is the response as DEFLATE blocks (RFC 1951) that refer to nothing before them and
// end at a byte's border, with the empty block that ends them there. So they can follow other
// blocks in one message, and be followed by others. It is nil where compression does not pay.
func (f *Frame) Deflated() []byte {
	f.once.Do(func() {
		if len(f.data) < PaysFrom {
			return
		}
		if packed := deflate(f.data); len(packed) < len(f.data)*3/4 {
			f.deflated = packed
		}
	})
	return f.deflated
}

// level trades size for time: half of the default level's time, for some 5 % more bytes.
const level = 3

var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, level) // fails for levels that there are not
	return w
}}

func deflate(data []byte) []byte {
	w, _ := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	var packed bytes.Buffer
	packed.Grow(len(data) / 4)
	w.Reset(&packed)
	_, _ = w.Write(data) // a buffer takes everything
	_ = w.Flush()
	return bytes.Clone(packed.Bytes())
}
