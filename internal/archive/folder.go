package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// folder is a store in a local folder, or one that is mounted.
type folder struct{ root *os.Root }

func openFolder(name string) (*folder, error) {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, fmt.Errorf("make the archive's folder: %w", err)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("open the archive's folder: %w", err)
	}
	return &folder{root}, nil
}

// partial is where an object lies until all of it is on disk.
func partial(name string) string { return path.Join(path.Dir(name), "."+path.Base(name)+".partial") }

func (f *folder) Put(ctx context.Context, name string, content *io.SectionReader) error {
	if err := f.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := f.write(ctx, partial(name), content); err != nil {
		return err
	}
	if err := f.root.Rename(partial(name), name); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	// The new names must outlive a power failure as well, up to the folder itself.
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if err := f.sync(dir); err != nil {
			return err
		}
		if dir == "." {
			return nil
		}
	}
}

func (f *folder) write(ctx context.Context, name string, content io.Reader) error {
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	defer file.Close()
	if _, err := io.Copy(file, reading{ctx, content}); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return file.Close()
}

func (f *folder) sync(dir string) error {
	opened, err := f.root.Open(dir)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	defer opened.Close()
	if err := opened.Sync(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

func (f *folder) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	file, err := f.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return struct {
		io.Reader
		io.Closer
	}{reading{ctx, file}, file}, nil
}

func (f *folder) Remove(_ context.Context, name string) error {
	for _, n := range []string{partial(name), name} {
		if err := f.root.Remove(n); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove: %w", err)
		}
	}
	return nil
}

// reading stops once its context has ended: a copy may be long.
type reading struct {
	ctx  context.Context
	from io.Reader
}

func (r reading) Read(to []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(to)
}
