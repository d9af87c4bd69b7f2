// Package jsonpatch says what has to be done to one JSON text to get another, as a JSON Patch
// (RFC 6902). It takes texts of one writer, in which equal values have equal bytes; of others the
// patches are right as well, and longer.
package jsonpatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Diff gives the patch that makes after of before: a JSON array of operations, "[]" if they are
// equal. It fails if one of them is no JSON.
func Diff(before, after []byte) ([]byte, error) {
	var p patch
	if err := p.diff("", before, after); err != nil {
		return nil, err
	}
	return list(p), nil
}

// patch is a list of operations.
type patch [][]byte

// diff adds what makes after of before, which stand at a path.
func (p *patch) diff(path string, before, after []byte) error {
	if bytes.Equal(before, after) {
		return nil
	}
	was, err := split(before)
	if err != nil {
		return fmt.Errorf("read the old text at %q: %w", path, err)
	}
	is, err := split(after)
	if err != nil {
		return fmt.Errorf("read the new text at %q: %w", path, err)
	}
	switch {
	case was.kind == '{' && is.kind == '{':
		return p.object(path, was, is)
	case was.kind == '[' && is.kind == '[':
		return p.array(path, was.values, is.values)
	}
	p.put("replace", path, after)
	return nil
}

func (p *patch) object(path string, was, is value) error {
	for _, name := range was.names {
		if !slices.Contains(is.names, name) {
			p.put("remove", path+"/"+escape(name), nil)
		}
	}
	for i, name := range is.names {
		at := path + "/" + escape(name)
		k := slices.Index(was.names, name)
		if k < 0 {
			p.put("add", at, is.values[i])
			continue
		}
		if err := p.diff(at, was.values[k], is.values[i]); err != nil {
			return err
		}
	}
	return nil
}

// array takes the shorter of two patches: of one that compares place by place, and of one that
// finds what was put in and taken out, such as the days at both ends of a series that moves on.
func (p *patch) array(path string, was, is [][]byte) error {
	head := 0
	for head < min(len(was), len(is)) && bytes.Equal(was[head], is[head]) {
		head++
	}
	tail := 0
	for tail < min(len(was), len(is))-head && bytes.Equal(was[len(was)-1-tail], is[len(is)-1-tail]) {
		tail++
	}
	middle := span{path, head, was[head : len(was)-tail], is[head : len(is)-tail]}
	best, err := middle.aligned()
	if err != nil {
		return err
	}
	if len(middle.was) != len(middle.is) || len(best) > 2 {
		if moved, ok := middle.moved(); ok && (best == nil || moved.size() < best.size()) {
			best = moved
		}
	}
	if best == nil {
		best.put("replace", path, list(is))
	}
	*p = append(*p, best...)
	return nil
}

func (p *patch) size() (n int) {
	for _, operation := range *p {
		n += len(operation)
	}
	return n
}

// put adds an operation (RFC 6902, 4).
func (p *patch) put(op, path string, value []byte) {
	quoted, _ := json.Marshal(path) // a string always can
	text := append([]byte(`{"op":"`+op+`","path":`), quoted...)
	if value != nil {
		text = append(append(text, `,"value":`...), value...)
	}
	*p = append(*p, append(text, '}'))
}

// escape writes a name as a part of a JSON Pointer (RFC 6901, 3).
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func list(values [][]byte) []byte {
	return append(append([]byte{'['}, bytes.Join(values, []byte{','})...), ']')
}

// span is where two arrays differ: from an index on.
type span struct {
	path    string
	from    int
	was, is [][]byte
}

func (s span) at(i int) string { return s.path + "/" + strconv.Itoa(s.from+i) }

// aligned compares place by place, if there are as many on both sides, or none on one.
func (s span) aligned() (patch, error) {
	var p patch
	switch {
	case len(s.was) == 0:
		for i, value := range s.is {
			p.put("add", s.at(i), value)
		}
	case len(s.is) == 0:
		for range s.was {
			p.put("remove", s.at(0), nil)
		}
	case len(s.was) != len(s.is):
		return nil, nil
	}
	for i := range min(len(s.was), len(s.is)) {
		if err := p.diff(s.at(i), s.was[i], s.is[i]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// maxCells bounds the table of moved: 4 bytes each.
const maxCells = 1 << 18

// moved keeps the longest common subsequence, and puts in and takes out around it. It goes from
// the end to the front, so that the indexes before stay what they were.
func (s span) moved() (p patch, ok bool) {
	if (len(s.was)+1)*(len(s.is)+1) > maxCells {
		return nil, false
	}
	kept := s.common()
	width := len(s.is) + 1
	i, j := len(s.was), len(s.is)
	for i > 0 || j > 0 {
		switch {
		case i > 0 && j > 0 && bytes.Equal(s.was[i-1], s.is[j-1]):
			i, j = i-1, j-1
		case j > 0 && (i == 0 || kept[i*width+j-1] >= kept[(i-1)*width+j]):
			p.put("add", s.at(i), s.is[j-1])
			j--
		default:
			p.put("remove", s.at(i-1), nil)
			i--
		}
	}
	return p, true
}

// common is the table of lengths of the longest common subsequences of all prefixes.
func (s span) common() []int32 {
	width := len(s.is) + 1
	table := make([]int32, (len(s.was)+1)*width)
	for i, old := range s.was {
		for j, value := range s.is {
			if bytes.Equal(old, value) {
				table[(i+1)*width+j+1] = table[i*width+j] + 1
			} else {
				table[(i+1)*width+j+1] = max(table[i*width+j+1], table[(i+1)*width+j])
			}
		}
	}
	return table
}
