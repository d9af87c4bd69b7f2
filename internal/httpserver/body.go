package httpserver

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// gzipMagic begins every gzip member (RFC 1952, section 2.3.1).
var gzipMagic = []byte{0x1f, 0x8b}

// readBody reads at most as much as a batch may have, compressed or not. Whether it is
// compressed is told by its bytes: senders label what they send in many ways.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, event.MaxBatchBytes))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, errBodyTooLarge
	}
	if err != nil {
		return nil, fault.New(fault.BadUserInput, "The body could not be read to its end.").Because(err)
	}
	if bytes.HasPrefix(body, gzipMagic) {
		return inflate(body)
	}
	switch r.Header.Get("Content-Encoding") {
	case "", "identity", "gzip", "x-gzip": // labelled as gzip, and sent as it is
		return body, nil
	}
	return nil, fault.New(fault.Unsupported, "The body is encoded in a way that is not taken. Send it as it is, or as gzip.")
}

var errBodyTooLarge = fault.Newf(fault.TooLarge, "A body has at most %d bytes, uncompressed.", event.MaxBatchBytes)

// inflate stops at the limit, however much there would be.
func inflate(body []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, errBadGzip.Because(err)
	}
	inflated, err := io.ReadAll(io.LimitReader(reader, event.MaxBatchBytes+1))
	if len(inflated) > event.MaxBatchBytes {
		return nil, errBodyTooLarge
	}
	if err != nil {
		return nil, errBadGzip.Because(err)
	}
	return inflated, nil
}

var errBadGzip = fault.Input("body", "The gzip is cut or damaged.")
