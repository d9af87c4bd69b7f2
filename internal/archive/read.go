package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// errDamaged says that an object is not what the manifest says.
var errDamaged = errors.New("the object is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errDamaged}, args...)...)
}

// withRead fetches a part from the store, holds it against the manifest, and lends the file.
// So whoever uses a part has just checked it.
func (a *Archive) withRead(ctx context.Context, p Part, use func(file *os.File) error) error {
	if a.store == nil {
		return errNoStore
	}
	file, err := a.spool()
	if err != nil {
		return err
	}
	defer unspool(file)
	if err := a.fetch(ctx, p, file); err != nil {
		return fmt.Errorf("read %s back: %w", p.Path, err)
	}
	if err := recount(p, file); err != nil {
		return fmt.Errorf("recount %s: %w", p.Path, err)
	}
	return use(file)
}

// fetch copies an object into a file and compares its bytes.
func (a *Archive) fetch(ctx context.Context, p Part, to *os.File) error {
	object, err := a.store.Get(ctx, p.Path)
	if errors.Is(err, ErrMissing) {
		return damaged("it is missing")
	}
	if err != nil {
		return err
	}
	defer object.Close()
	sha := sha256.New()
	// One byte more than there should be is enough to know.
	n, err := io.Copy(io.MultiWriter(to, sha), io.LimitReader(object, p.Bytes+1))
	if err != nil {
		return err
	}
	if n != p.Bytes {
		return damaged("it does not have %d bytes", p.Bytes)
	}
	if !bytes.Equal(sha.Sum(nil), p.Sha256) {
		return damaged("its SHA-256 differs")
	}
	return nil
}

// recount compares what the rows of a file come to.
func recount(p Part, file *os.File) error {
	var found sum
	err := eachBatch(file, func(rows []row) error {
		for _, r := range rows {
			found.add(p.TenantID, r)
		}
		return nil
	})
	if err != nil {
		return damaged("it cannot be read: %v", err)
	}
	if found.Events != p.Events || found.Checksum != p.Checksum {
		return damaged("it has %d events, and not the %d of the manifest", found.Events, p.Events)
	}
	return nil
}
