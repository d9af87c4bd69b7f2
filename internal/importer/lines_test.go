package importer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// seen is what a test looks at of a row.
type seen struct {
	Line    int64
	Raw     string
	Fields  []string
	Problem string
}

func all(t *testing.T, in rows) (found []seen, err error) {
	t.Helper()
	for {
		r, err := in.next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		s := seen{Line: r.line, Raw: string(r.raw), Fields: r.fields}
		if r.problem != nil {
			s.Problem, s.Fields = r.problem.Message, nil
		}
		found = append(found, s)
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxRow+1)
	tests := []struct {
		name, in string
		want     []seen
	}{
		{"nothing", "", nil},
		{"one without an end", "a", []seen{{Line: 1, Raw: "a"}}},
		{"CRLF and empty lines", "a\r\n\r\n \n\nb\r\n", []seen{{Line: 1, Raw: "a"}, {Line: 5, Raw: "b"}}},
		{"too long in the middle", "a\n" + long + long + "\nb\n", []seen{
			{Line: 1, Raw: "a"}, {Line: 2, Raw: long[:maxShown], Problem: errLong.Message}, {Line: 3, Raw: "b"}}},
		{"too long at the end", "a\n" + long, []seen{
			{Line: 1, Raw: "a"}, {Line: 2, Raw: long[:maxShown], Problem: errLong.Message}}},
		{"just not too long", long[1:] + "\nb", []seen{{Line: 1, Raw: long[1:]}, {Line: 2, Raw: "b"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for how, in := range readers(test.in) {
				got, err := all(t, &lines{in: newWindow(in)})
				if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
					t.Errorf("%s (-want +got):\n%s\n%v", how, diff, err)
				}
			}
		})
	}
}

// readers give the same text in different ways.
func readers(text string) map[string]io.Reader {
	return map[string]io.Reader{
		"at once": strings.NewReader(text), "with the end": iotest.DataErrReader(strings.NewReader(text)),
		"in halves": iotest.HalfReader(strings.NewReader(text)),
	}
}

func TestTable(t *testing.T) {
	long := strings.Repeat("x", maxRow+1)
	tests := []struct {
		name, in string
		want     []seen
	}{
		{"quotes, their delimiters and newlines", "a,b\n\"1,\"\"2\"\"\",\"x\r\ny\"\r\n,\"\"\n", []seen{
			{Line: 2, Raw: "\"1,\"\"2\"\"\",\"x\r\ny\"", Fields: []string{`1,"2"`, "x\r\ny"}},
			{Line: 4, Raw: `,""`, Fields: []string{"", ""}}}},
		{"no end of the last line", "a,b\n1,2", []seen{{Line: 2, Raw: "1,2", Fields: []string{"1", "2"}}}},
		{"a quoted last field and CR", "a,b\n1,\"2\"\r", []seen{{Line: 2, Raw: "1,\"2\"", Fields: []string{"1", "2"}}}},
		{"a quote within a field", "a,b\n5\" pipe,2\n", []seen{{Line: 2, Raw: `5" pipe,2`, Fields: []string{`5" pipe`, "2"}}}},
		{"too few, too many, none", "a,b\n1\n1,2,3\n\n1,2\n", []seen{
			{Line: 2, Raw: "1", Problem: "The row has 1 fields, and the header 2."},
			{Line: 3, Raw: "1,2,3", Problem: "The row has 3 fields, and the header 2."},
			{Line: 5, Raw: "1,2", Fields: []string{"1", "2"}}}},
		{"text after a quote", "a,b\n\"1\"x,2\n3,4\n", []seen{
			{Line: 2, Raw: `"1"x,2`, Problem: errQuote.Message}, {Line: 3, Raw: "3,4", Fields: []string{"3", "4"}}}},
		{"a quote that is never closed", "a,b\n\"1,2\n3,4\n5,6\n", []seen{
			{Line: 2, Raw: `"1,2`, Problem: errOpen.Message},
			{Line: 3, Raw: "3,4", Fields: []string{"3", "4"}}, {Line: 4, Raw: "5,6", Fields: []string{"5", "6"}}}},
		{"a row too long", "a,b\n1," + long + "\n3,4\n", []seen{
			{Line: 2, Raw: ("1," + long)[:maxShown], Problem: errLong.Message}, {Line: 3, Raw: "3,4", Fields: []string{"3", "4"}}}},
		{"semicolons", "a;b;c\n1;2,5;3\n", []seen{{Line: 2, Raw: "1;2,5;3", Fields: []string{"1", "2,5", "3"}}}},
		{"tabs", "a\tb\n1\t2\n", []seen{{Line: 2, Raw: "1\t2", Fields: []string{"1", "2"}}}},
		{"one column", "a\n1\n", []seen{{Line: 2, Raw: "1", Fields: []string{"1"}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for how, in := range readers(test.in) {
				table, err := newTable(newWindow(in), 0)
				if err != nil {
					t.Fatal(err)
				}
				got, err := all(t, table)
				if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
					t.Errorf("%s (-want +got):\n%s\n%v", how, diff, err)
				}
			}
		})
	}
	if _, err := newTable(newWindow(strings.NewReader("\n\n")), 0); !errors.Is(err, errHeader) {
		t.Errorf("without a header: %v", err)
	}
}

// Of a gzip that is cut, all rows up to the cut are read; the one that is cut is refused.
func TestCutGzip(t *testing.T) {
	var text strings.Builder
	text.WriteString("a,b\n")
	for range 5000 {
		text.WriteString("1,\"x\ny\"\n")
	}
	var zipped bytes.Buffer
	w, _ := gzip.NewWriterLevel(&zipped, gzip.NoCompression)
	w.Write([]byte(text.String()))
	w.Close()
	for _, cut := range []int{zipped.Len() - 100, zipped.Len() - 101, zipped.Len() - 102, zipped.Len() - 1} {
		in, err := gzip.NewReader(bytes.NewReader(zipped.Bytes()[:cut]))
		if err != nil {
			t.Fatal(err)
		}
		table, err := newTable(newWindow(in), 0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := all(t, table)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", cut, err)
		}
		for i, row := range got {
			if row.Problem != "" && i < len(got)-1 || row.Problem == "" && (row.Fields[1] != "x\ny" || row.Line != int64(2+2*i)) {
				t.Fatalf("cut at %d: row %d is %+v", cut, i, row)
			}
		}
		if last := got[len(got)-1]; cut < zipped.Len()-1 && last.Problem == "" && last.Raw != "1,\"x\ny\"" {
			t.Errorf("cut at %d: the last row is %+v", cut, last)
		}
	}
}

// Whatever an input is, its rows follow each other, fit the bound, and reading can go on
// from any of them.
func FuzzRows(f *testing.F) {
	for _, seed := range []string{"", "a,b\n1,2\n", "a\n\"", "\"a\"\r\n\"x\"\"y\nz\"\r\n", "{\"a\":1}\n\n{", "a;b\n\";\"x;1\n2;3"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, csv bool) {
		open := func() rows {
			if !csv {
				return &lines{in: newWindow(iotest.HalfReader(strings.NewReader(text)))}
			}
			table, err := newTable(newWindow(iotest.HalfReader(strings.NewReader(text))), ',')
			if err != nil {
				t.Skip()
			}
			return table
		}
		in := open()
		var ends []place
		var found []seen
		for {
			r, err := in.next()
			if err != nil {
				break
			}
			if len(ends) > 0 && (r.end.Offset <= ends[len(ends)-1].Offset || r.line <= ends[len(ends)-1].Line) || len(r.raw) > maxRow {
				t.Fatalf("row %+v after %+v", r, ends[len(ends)-1])
			}
			ends = append(ends, r.end)
			found = append(found, seen{Line: r.line, Raw: string(r.raw)})
		}
		if len(ends) == 0 {
			return
		}
		middle := len(ends) / 2
		again := open()
		if err := again.skip(ends[middle]); err != nil {
			t.Fatal(err)
		}
		rest, err := all(t, again)
		for i := range rest {
			rest[i].Fields, rest[i].Problem = nil, ""
		}
		if want := found[middle+1:]; err != nil || len(want)+len(rest) > 0 && !cmp.Equal(want, rest) {
			t.Fatalf("%v\n%s", err, cmp.Diff(want, rest))
		}
	})
}
