package importer

import (
	"bytes"
	"errors"
	"io"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// table cuts CSV (RFC 4180) into rows of as many fields as its header has. A row with a
// mistake in its quotes is refused as far as its first line goes, and reading goes on with
// the next one: a quote that is never closed doesn't take the rest of the file with it.
type table struct {
	lines
	delimiter byte
	header    []string
}

var (
	errQuote  = fault.Input("row", "Text follows a closing quote.")
	errOpen   = fault.Input("row", "A quote is not closed.")
	errHeader = errors.New("it has no header: the first line of a CSV file names its columns")
)

// newTable reads the header. Without a delimiter, the one that the header has most of is it.
func newTable(in *window, delimiter byte) (*table, error) {
	t := &table{lines: lines{in: in}, delimiter: delimiter}
	if delimiter == 0 {
		t.delimiter = sniffDelimiter(in)
	}
	header, err := t.record()
	if errors.Is(err, io.EOF) {
		return nil, errHeader
	}
	if err != nil {
		return nil, err
	}
	if header.problem != nil {
		return nil, errors.New("its header can't be read: " + header.problem.Message)
	}
	t.header = header.fields
	return t, nil
}

// sniffDelimiter looks at the first line.
func sniffDelimiter(in *window) byte {
	for bytes.IndexByte(in.bytes(), '\n') < 0 && in.more() {
		continue // until the line is seen
	}
	first, _, _ := bytes.Cut(in.bytes(), []byte("\n"))
	best, most := byte(','), 0
	for _, candidate := range []byte{',', ';', '\t', '|'} {
		fields, _, _ := split(first, candidate, true)
		if len(fields) > most {
			best, most = candidate, len(fields)
		}
	}
	return best
}

func (t *table) next() (row, error) {
	r, err := t.record()
	if err != nil || r.problem != nil {
		return r, err
	}
	if len(r.fields) != len(t.header) {
		r.problem = fault.Input("row", "The row has %d fields, and the header %d.", len(r.fields), len(t.header))
	}
	return r, nil
}

// record reads the next row, whatever its fields. Empty lines are passed over.
func (t *table) record() (row, error) {
	for {
		fields, n, state := split(t.in.bytes(), t.delimiter, t.in.ended != nil)
		switch state {
		case unfinished:
			if !t.in.full() {
				if !t.in.more() && len(t.in.bytes()) == 0 {
					return row{}, errors.Join(t.in.failure(), t.atEnd())
				}
				continue
			}
			return t.refuse(errOpen)
		case unclosed:
			if t.in.broken() {
				return t.rest(), nil
			}
			return t.refuse(errOpen)
		case misquoted:
			return t.refuse(errQuote)
		}
		line := t.line + 1
		raw := t.in.take(n)
		t.line += int64(max(bytes.Count(raw, []byte("\n")), 1))
		if len(bytes.TrimRight(raw, "\r\n")) == 0 {
			continue
		}
		r := row{line: line, raw: bytes.TrimRight(raw, "\r\n"), fields: fields, end: place{t.in.offset, t.line}}
		if !t.whole() && t.in.broken() {
			r.problem = errEndless
		}
		return r, nil
	}
}

func (t *table) atEnd() error {
	if t.in.broken() {
		return nil
	}
	return io.EOF
}

// refuse goes over the first line of a row that can't be read.
func (t *table) refuse(problem *fault.Error) (row, error) {
	raw, cut, err := t.take()
	if cut {
		problem = errLong
	}
	return row{line: t.line, raw: raw, cut: cut, problem: problem, end: place{t.in.offset, t.line}}, err
}

// rest goes over all that is left of an input that ends too early.
func (t *table) rest() row {
	r := row{line: t.line + 1, problem: errEndless}
	r.raw = t.in.take(len(t.in.bytes()))
	t.line += int64(bytes.Count(r.raw, []byte("\n"))) + 1
	r.end = place{t.in.offset, t.line}
	return r
}

// The states of a row that was looked at.
type state int

const (
	complete   state = iota
	unfinished       // it may go on beyond what is seen
	unclosed         // it ends within quotes
	misquoted        // text follows a closing quote
)

// split takes the first row of data apart: its fields, and its length with the end of its
// line. ended says that nothing follows data.
func split(data []byte, delimiter byte, ended bool) (fields []string, length int, _ state) {
	if len(data) == 0 {
		return nil, 0, unfinished
	}
	for at := 0; ; at++ {
		var field []byte
		var s state
		if field, at, s = splitField(data, at, delimiter, ended); s != complete {
			return nil, 0, s
		}
		fields = append(fields, string(field))
		if at == len(data) || data[at] == '\n' {
			return fields, min(at+1, len(data)), complete
		}
	}
}

// splitField reads a field up to the delimiter, or to the end of the line.
func splitField(data []byte, at int, delimiter byte, ended bool) (field []byte, end int, _ state) {
	if at == len(data) || data[at] != '"' {
		field, at = plain(data, at, delimiter)
	} else {
		var closed bool
		if field, at, closed = quoted(data, at+1); !closed && ended {
			return nil, 0, unclosed
		} else if !closed {
			return nil, 0, unfinished
		}
		if at < len(data) && data[at] == '\r' && (at+1 < len(data) && data[at+1] == '\n' || at+1 == len(data)) {
			at++
		}
		if at < len(data) && data[at] != delimiter && data[at] != '\n' {
			return nil, 0, misquoted
		}
	}
	if at == len(data) && !ended {
		return nil, 0, unfinished
	}
	return field, at, complete
}

// plain reads a field without quotes around it. Those within it stand for themselves.
func plain(data []byte, at int, delimiter byte) (field []byte, end int) {
	end = at
	for end < len(data) && data[end] != delimiter && data[end] != '\n' {
		end++
	}
	field = data[at:end]
	if end == len(data) || data[end] == '\n' {
		field = bytes.TrimSuffix(field, []byte("\r"))
	}
	return field, end
}

// quoted reads a field up to its closing quote; two quotes stand for one.
func quoted(data []byte, at int) (field []byte, after int, closed bool) {
	for start := at; ; {
		i := bytes.IndexByte(data[at:], '"')
		if i < 0 {
			return nil, 0, false
		}
		at += i + 1
		if at == len(data) || data[at] != '"' {
			return append(field, data[start:at-1]...), at, true
		}
		field = append(field, data[start:at]...)
		at++
		start = at
	}
}
