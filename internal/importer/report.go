package importer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unicode/utf8"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// Refusal is one line of a report: a row that was not taken, and why.
type Refusal struct {
	Line      int64        `json:"line"` // in the file, from 1
	MessageID string       `json:"messageId,omitempty"`
	Status    event.Status `json:"status"`
	Field     string       `json:"field,omitempty"`
	Reason    string       `json:"reason"`
	Row       string       `json:"row,omitempty"`
	RowBytes  []byte       `json:"rowBytes,omitempty"` // in place of Row where that is not text
	Cut       bool         `json:"cut,omitempty"`      // whether only the beginning of the row stands here
}

// report is the file of refused rows. It is made when the first one is.
type report struct {
	path string
	file *os.File
	out  *bufio.Writer
	size int64
}

// openReport goes on with a report at the size that a checkpoint has told, or begins anew.
func openReport(path string, size int64) (*report, error) {
	r := &report{path: path, size: size}
	if size > 0 {
		return r, r.open(os.O_RDWR)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("remove the last report: %w", err)
		}
	}
	return r, nil
}

func (r *report) open(flags int) error {
	file, err := os.OpenFile(r.path, flags, 0o600)
	if err != nil {
		return fmt.Errorf("open report: %w", err)
	}
	r.file, r.out = file, bufio.NewWriter(file)
	if r.size == 0 {
		return nil
	}
	if info, err := file.Stat(); err != nil || info.Size() < r.size {
		return errors.Join(fmt.Errorf("the report %s is not what the last run left; --restart begins anew", r.path), err)
	}
	// What was written after the checkpoint will be written again.
	if err := file.Truncate(r.size); err != nil {
		return fmt.Errorf("open report: %w", err)
	}
	if _, err := file.Seek(r.size, 0); err != nil {
		return fmt.Errorf("open report: %w", err)
	}
	return nil
}

func (r *report) write(e entry) error {
	line, err := json.Marshal(refusalOf(e))
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if r.file == nil {
		if err := r.open(os.O_WRONLY | os.O_CREATE); err != nil {
			return err
		}
	}
	n, err := r.out.Write(append(line, '\n'))
	r.size += int64(n)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func refusalOf(e entry) Refusal {
	refusal := Refusal{
		Line: e.line, MessageID: e.id, Status: e.verdict.Status, Field: e.verdict.Field, Reason: e.verdict.Reason, Cut: e.cut,
	}
	if utf8.Valid(e.raw) {
		refusal.Row = string(e.raw)
	} else {
		refusal.RowBytes = e.raw
	}
	return refusal
}

// sync makes what was written outlast a loss of power.
func (r *report) sync() error {
	if r.file == nil {
		return nil
	}
	if err := r.out.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if info, err := r.file.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	if err := r.file.Sync(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (r *report) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
