package websocket

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// deflateTerms is how messages are compressed: each by itself, in both directions (RFC 7692,
// 7.1.1). A connection then needs no window of its own, which would be 32 KiB and more, and one
// compression serves all who are sent the same.
const deflateTerms = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// offersDeflate tells whether the client takes those terms. An offer with server_max_window_bits
// asks for a smaller window than Go's compressor has, so that one is passed over (7.1.2.1).
func offersDeflate(header http.Header) bool {
	for _, offer := range tokens(header, "Sec-WebSocket-Extensions") {
		name, parameters, _ := strings.Cut(offer, ";")
		if strings.TrimSpace(name) == "permessage-deflate" && !strings.Contains(parameters, "server_max_window_bits") {
			return true
		}
	}
	return false
}

// tail is what a sender leaves out at the end of a message (RFC 7692, 7.2.1), and ending a last,
// empty block, at which the reader stops.
const tail, ending = "\x00\x00\xff\xff", "\x01\x00\x00\xff\xff"

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// inflate undoes a message's compression (RFC 7692, 7.2.2), to at most limit bytes.
func inflate(packed []byte, limit int64) ([]byte, *Closure) {
	reader, _ := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(reader)
	source := io.MultiReader(bytes.NewReader(packed), strings.NewReader(tail+ending))
	if resetter, ok := reader.(flate.Resetter); !ok || resetter.Reset(source, nil) != nil {
		return nil, &Closure{InternalError, "Internal error"}
	}
	data, err := io.ReadAll(io.LimitReader(reader, limit+1))
	switch {
	case int64(len(data)) > limit:
		return nil, tooBig
	case err != nil && !errors.Is(err, io.EOF):
		return nil, &Closure{Invalid, "The message's compression cannot be undone"}
	}
	return data, nil
}

// AppendShared appends a text message that begins with a head of the receiver's own and goes on
// with blocks that many share, as frame.Frame gives them, and an ending. The head and the ending
// go as they are, in stored blocks (RFC 1951, 3.2.4), so that nothing has to be compressed anew.
func AppendShared(to, head, blocks, end []byte) []byte {
	const stored = 5 // a stored block's header
	size := stored + len(head) + len(blocks) + stored + len(end) + 1
	to = appendHeader(to, finBit|deflateBit|byte(Text), size)
	to = append(appendStored(to, head), blocks...)
	to = appendStored(to, end)
	return append(to, 0) // the first bits of the empty block that a receiver adds the rest of
}

// appendStored appends a stored block, which has 16 bits for its length: heads and endings are
// far shorter.
func appendStored(to, data []byte) []byte {
	n := len(data)
	to = append(to, 0, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8)) //nolint:gosec // cut to bytes as is meant
	return append(to, data...)
}
