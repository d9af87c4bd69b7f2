package importer

import (
	"bytes"
	"io"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// place is a point between two rows of an input.
type place struct {
	Offset int64 `json:"offset"` // in bytes, uncompressed
	Line   int64 `json:"line"`   // lines before it
}

// row is a row as it stands in the input.
type row struct {
	line    int64    // the first of its lines, from 1
	raw     []byte   // without the end of its line; good until the next row is read
	fields  []string // of CSV
	cut     bool     // whether raw is only its beginning
	problem *fault.Error
	end     place
}

// rows gives one row after the other, and io.EOF after the last. Any other error means that
// the input could not be read to its end.
type rows interface {
	next() (row, error)
	// skip goes on to a place that next has given before, in the same input.
	skip(to place) error
}

// lines cuts an input into lines, of which each is a row. Empty ones are passed over.
type lines struct {
	in   *window
	line int64
}

var (
	errLong    = fault.Newf(fault.TooLarge, "A row has at most %d bytes.", maxRow).In("row")
	errEndless = fault.Input("row", "The file ends within this row.")
)

func (l *lines) next() (row, error) {
	for {
		raw, cut, err := l.take()
		if err != nil {
			return row{}, err
		}
		r := row{line: l.line, raw: raw, cut: cut, end: place{l.in.offset, l.line}}
		switch {
		case cut:
			r.problem = errLong
		case len(bytes.TrimSpace(raw)) == 0:
			continue
		case l.in.broken() && len(l.in.bytes()) == 0 && !l.whole():
			r.problem = errEndless // what is missing can't be known
		}
		return r, nil
	}
}

// whole reports whether what was taken last ended with the end of a line.
func (l *lines) whole() bool {
	return l.in.start > 0 && l.in.buffer[l.in.start-1] == '\n'
}

// take goes over the next line. Of one that is too long it gives the beginning.
func (l *lines) take() (line []byte, cut bool, err error) {
	seen := 0
	for {
		if i := bytes.IndexByte(l.in.bytes()[seen:], '\n'); i >= 0 {
			l.line++
			return bytes.TrimSuffix(l.in.take(seen + i + 1)[:seen+i], []byte("\r")), false, nil
		}
		seen = len(l.in.bytes())
		if l.in.full() {
			return l.overlong()
		}
		if l.in.more() {
			continue
		}
		if err := l.in.failure(); err != nil && seen == 0 {
			return nil, false, err
		}
		if seen == 0 {
			return nil, false, io.EOF
		}
		l.line++
		return bytes.TrimSuffix(l.in.take(seen), []byte("\r")), false, nil
	}
}

// maxShown is how much is kept of a row that is too long.
const maxShown = 1 << 10

// overlong goes over a line that does not fit the window.
func (l *lines) overlong() (beginning []byte, cut bool, err error) {
	beginning = bytes.Clone(l.in.bytes()[:maxShown])
	for {
		if i := bytes.IndexByte(l.in.bytes(), '\n'); i >= 0 {
			l.in.take(i + 1)
			break
		}
		l.in.take(len(l.in.bytes()))
		if !l.in.more() {
			break
		}
	}
	l.line++
	return beginning, true, nil
}

func (l *lines) skip(to place) error {
	l.line = to.Line
	return l.in.discard(to.Offset - l.in.offset)
}
