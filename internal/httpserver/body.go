package httpserver

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// gzipMagic begins every gzip member (RFC 1952, section 2.3.1).
var gzipMagic = []byte{0x1f, 0x8b}

// readBody reads at most as much as a batch may have, compressed or not. Whether it is
// compressed is told by its bytes: senders label what they send in many ways.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := readAll(http.MaxBytesReader(w, r.Body, int64(event.CurrentLimits().Batch)), r.ContentLength)
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, bodyTooLarge()
	}
	if err != nil {
		return nil, fault.New(fault.BadUserInput, "The body could not be read to its end.").Because(err)
	}
	if bytes.HasPrefix(body, gzipMagic) {
		if body, err = inflate(body); err != nil {
			return nil, err
		}
		return openForm(body)
	}
	switch r.Header.Get("Content-Encoding") {
	case "", "identity", "gzip", "x-gzip": // labelled as gzip, and sent as it is
		return openForm(body)
	}
	return nil, fault.New(fault.Unsupported, "The body is encoded in a way that is not taken. Send it as it is, or as gzip.")
}

// readAll is io.ReadAll, with room for as much as the sender announced, within the limit.
func readAll(body io.Reader, announced int64) ([]byte, error) {
	room := min(max(announced, 0), int64(event.CurrentLimits().Batch)) + bytes.MinRead
	buffer := bytes.NewBuffer(make([]byte, 0, room))
	_, err := buffer.ReadFrom(body)
	return buffer.Bytes(), err
}

func bodyTooLarge() *fault.Error {
	return fault.Newf(fault.TooLarge, "A body has at most %d bytes, uncompressed.", event.CurrentLimits().Batch)
}

// inflate stops at the limit, however much there would be.
func inflate(body []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, errBadGzip.Because(err)
	}
	most := event.CurrentLimits().Batch
	inflated, err := io.ReadAll(io.LimitReader(reader, int64(most)+1))
	if len(inflated) > most {
		return nil, bodyTooLarge()
	}
	if err != nil {
		return nil, errBadGzip.Because(err)
	}
	return inflated, nil
}

var errBadGzip = fault.Input("body", "The gzip is cut or damaged.")

// openForm takes the JSON out of a form: browsers of PostHog's send it in the field data, as
// it is, in base64, or in base64 of gzip. Anything else is no form.
func openForm(body []byte) ([]byte, error) {
	if !bytes.HasPrefix(body, []byte("data=")) && !bytes.HasPrefix(body, []byte("compression=")) {
		return body, nil
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errBadForm.Because(err)
	}
	data := strings.TrimSpace(fields.Get("data"))
	if data == "" || data[0] == '{' || data[0] == '[' {
		return []byte(data), nil
	}
	// A plus that was not escaped has become a space.
	data = strings.TrimRight(strings.ReplaceAll(data, " ", "+"), "=")
	decoded, err := base64.RawStdEncoding.DecodeString(data)
	if err != nil {
		return nil, errBadForm.Because(err)
	}
	if bytes.HasPrefix(decoded, gzipMagic) {
		return inflate(decoded)
	}
	return decoded, nil
}

var errBadForm = fault.Input("body", "The form is damaged. Send JSON, or a form whose field data has it in base64.")
