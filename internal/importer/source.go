package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
)

// source is an input that is open.
type source struct {
	file     *os.File
	raw      counter // what was read of it, compressed if it is
	size     int64   // 0 if it is not known
	regular  bool    // whether it can be read again
	print    fingerprint
	expanded *window
}

// counter counts what is read of an input.
type counter struct {
	io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// fingerprint tells whether a file is the one that was read before.
type fingerprint struct {
	Size  int64  `json:"size"`
	First string `json:"first"`
	Last  string `json:"last"`
}

const printed = 64 << 10 // bytes at each end of a file that a fingerprint looks at

func fingerprintOf(file *os.File) (p fingerprint, err error) {
	info, err := file.Stat()
	if err != nil {
		return p, err
	}
	p.Size = info.Size()
	if p.First, err = hashAt(file, 0, min(printed, p.Size)); err == nil {
		p.Last, err = hashAt(file, max(p.Size-printed, 0), min(printed, p.Size))
	}
	return p, err
}

func hashAt(file *os.File, offset, length int64) (string, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(file, offset, length)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)[:16]), nil
}

// openSource opens a file; "-" is standard input.
func openSource(ctx context.Context, name string) (*source, error) {
	s := &source{file: os.Stdin}
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("open: %w", err)
		}
		s.file = file
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("look at: %w", err), s.file.Close())
	}
	if info.IsDir() {
		return nil, errors.Join(errors.New("it is a folder"), s.file.Close())
	}
	if s.regular = info.Mode().IsRegular() && name != "-"; s.regular {
		err = s.identify()
	}
	if err == nil {
		s.raw.Reader = s.file
		if !s.regular {
			s.raw.Reader = interruptible(ctx, s.file)
		}
		err = s.expand()
	}
	if err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return s, nil
}

// interruptible reads an input that may keep silent for ever. When ctx ends, so does the
// reading; the goroutine that waits in the system's call ends with the process.
func interruptible(ctx context.Context, file *os.File) io.Reader {
	reader, writer := io.Pipe()
	context.AfterFunc(ctx, func() { _ = reader.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(writer, file)
		_ = writer.CloseWithError(err) // none: the end of the file
	}()
	return reader
}

// identify makes sure that no other import is at the file, and which file it is.
func (s *source) identify() (err error) {
	if isLocked(s.file) {
		return errors.New("another import of it is running")
	}
	if s.print, err = fingerprintOf(s.file); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	s.size = s.print.Size
	return nil
}

// changed reports whether the file is not as it was when it was opened.
func (s *source) changed() bool {
	now, err := fingerprintOf(s.file)
	return s.regular && (err != nil || now != s.print)
}

// is reports whether the source is the file of that path.
func (s *source) is(path string) bool {
	ours, err := s.file.Stat()
	theirs, missing := os.Stat(path)
	return err == nil && missing == nil && os.SameFile(ours, theirs)
}

var gzipMagic = []byte{0x1f, 0x8b}

// expand makes the window on what is in the file: gzip is told by its first bytes.
func (s *source) expand() error {
	buffered := bufio.NewReaderSize(&s.raw, 64<<10)
	magic, _ := buffered.Peek(len(gzipMagic)) // a shorter file is not gzip, and a broken one says so below
	var in io.Reader = buffered
	if bytes.Equal(magic, gzipMagic) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return fmt.Errorf("read gzip: %w", err)
		}
		in = unzipped
	}
	s.expanded = newWindow(in)
	for len(s.expanded.bytes()) < len(byteOrderMark) && s.expanded.more() {
		continue // until the first bytes are seen
	}
	if head := s.expanded.bytes(); bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return errors.New("it is written in UTF-16: convert it to UTF-8 first")
	}
	if bytes.HasPrefix(s.expanded.bytes(), byteOrderMark) {
		s.expanded.take(len(byteOrderMark))
	}
	return nil
}

var byteOrderMark = []byte("\ufeff")

// The formats.
const (
	Auto   = "auto"
	NDJSON = "ndjson"
	CSV    = "csv"
)

// format tells the format by the file's name, or else by its first character.
func (s *source) format(name string) (string, error) {
	for bytes.TrimSpace(s.expanded.bytes()) == nil && s.expanded.more() {
		continue // until there is something to see
	}
	head := bytes.TrimSpace(s.expanded.bytes())
	base := strings.TrimSuffix(strings.ToLower(name), ".gz")
	switch {
	case len(head) > 0 && head[0] == '[':
		return "", errors.New(`it is one JSON list; NDJSON has an event on each line: jq -c '.[]' makes it so`)
	case strings.HasSuffix(base, ".csv"), strings.HasSuffix(base, ".tsv"):
		return CSV, nil
	case strings.HasSuffix(base, ".ndjson"), strings.HasSuffix(base, ".jsonl"), strings.HasSuffix(base, ".json"),
		len(head) > 0 && head[0] == '{':
		return NDJSON, nil
	}
	return CSV, nil
}
