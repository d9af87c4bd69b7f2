package archive

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// What is held in memory of a file: one row group while it is written, and one batch of
// rows while it is read.
const (
	groupBytes = 32 << 20
	groupRows  = 100_000
	batchRows  = 500
)

// spool makes a file that lies on disk while it is open, and nowhere afterwards.
func (a *Archive) spool() (*os.File, error) {
	file, err := os.CreateTemp(a.options.TempDir, "tidemark-archive-*.parquet")
	if err != nil {
		return nil, fmt.Errorf("make temporary file: %w", err)
	}
	return file, nil
}

func unspool(file *os.File) {
	file.Close()
	os.Remove(file.Name())
}

// fileWriter writes rows to a file, a row group at a time, and sums up what it wrote.
type fileWriter struct {
	tenant  tenant.ID
	file    *os.File
	hash    hash.Hash
	parquet *parquet.GenericWriter[row]
	pending int // bytes in the open row group
	rows    int // rows in it
	sum     sum
}

func newFileWriter(file *os.File, p Part) *fileWriter {
	sha := sha256.New()
	return &fileWriter{
		tenant: p.TenantID, file: file, hash: sha,
		parquet: parquet.NewGenericWriter[row](io.MultiWriter(file, sha),
			parquet.Compression(&zstd.Codec{Level: zstd.DefaultLevel}),
			parquet.MaxRowsPerRowGroup(groupRows),
			parquet.KeyValueMetadata("tidemark.tenant", p.TenantID.String()),
			parquet.KeyValueMetadata("tidemark.month", p.Month.String()[:7]),
			parquet.SortingWriterConfig(parquet.SortingColumns(parquet.Ascending("occurred_at"), parquet.Ascending("event_id"))),
		),
	}
}

func (w *fileWriter) write(rows []row) error {
	for _, r := range rows {
		w.sum.add(w.tenant, r)
		w.pending += r.size()
	}
	if _, err := w.parquet.Write(rows); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	if w.rows += len(rows); w.pending < groupBytes && w.rows < groupRows {
		return nil
	}
	w.pending, w.rows = 0, 0
	if err := w.parquet.Flush(); err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	return nil
}

// close ends the file and puts into the part what it must be found to be.
func (w *fileWriter) close(p *Part) error {
	if err := w.parquet.Close(); err != nil {
		return fmt.Errorf("end file: %w", err)
	}
	info, err := w.file.Stat()
	if err != nil {
		return fmt.Errorf("look at file: %w", err)
	}
	p.Events, p.Checksum, p.Bytes, p.Sha256 = w.sum.Events, w.sum.Checksum, info.Size(), w.hash.Sum(nil)
	p.FirstAt, p.LastAt = nil, nil
	if w.sum.Events > 0 {
		first, last := instant(w.sum.First), instant(w.sum.Last)
		p.FirstAt, p.LastAt = &first, &last
	}
	return nil
}

// eachBatch gives the rows of a file in batches; they are good until the next one.
func eachBatch[R any](file *os.File, do func(rows []R) error) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("look at file: %w", err)
	}
	opened, err := parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("open file: %w", err)
	}
	reader := parquet.NewGenericReader[R](opened)
	defer func() { _ = reader.Close() }() // what was only read loses nothing
	batch := make([]R, batchRows)
	for {
		n, err := reader.Read(batch)
		if n > 0 {
			if err := do(batch[:n]); err != nil {
				return err
			}
			clear(batch) // what is null stays as it was otherwise
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
	}
}
