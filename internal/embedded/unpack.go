package embedded

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// unpack puts the package's native files into a folder: all of them, or no
// folder. Someone else may unpack the same at the same time.
func unpack(ctx context.Context, archive, dir string) error {
	sweep(filepath.Join(filepath.Dir(dir), ".unpack-*"), time.Hour)
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".unpack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // in vain once it is renamed
	if err := extract(ctx, archive, tmp); err != nil {
		return err
	}
	if err := makeLinks(tmp); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	err = os.Rename(tmp, dir)
	if errors.Is(err, fs.ErrExist) && isExecutable(filepath.Join(dir, "bin", "postgres")) {
		return nil // theirs is as good
	}
	return err
}

// extract writes the files below package/native. It fails on a name that leads
// elsewhere.
func extract(ctx context.Context, archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(unzipped); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err = errors.Join(err, context.Cause(ctx)); err != nil {
			return err
		}
		name, native := strings.CutPrefix(head.Name, "package/native/")
		if !native || head.Typeflag != tar.TypeReg {
			continue
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("archive has a file outside of its folder: %q", head.Name)
		}
		if err := extractFile(r, filepath.Join(dir, name), head.FileInfo().Mode()); err != nil {
			return err
		}
	}
}

func extractFile(r io.Reader, file string, mode fs.FileMode) error {
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 || filepath.Base(filepath.Dir(file)) == "bin" {
		perm = 0o755
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close(), os.Chmod(file, perm)) // whatever the umask
}

// makeLinks makes the symlinks that the libraries need. npm cannot carry them,
// so the package lists them in a file.
func makeLinks(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "pg-symlinks.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var links []struct{ Source, Target string }
	if err == nil {
		err = json.Unmarshal(text, &links)
	}
	if err != nil {
		return fmt.Errorf("read list of symlinks: %w", err)
	}
	for _, l := range links {
		if err := makeLink(dir, strings.TrimPrefix(l.Source, "native/"), strings.TrimPrefix(l.Target, "native/")); err != nil {
			return fmt.Errorf("make symlink: %w", err)
		}
	}
	return nil
}

func makeLink(dir, source, target string) error {
	if !filepath.IsLocal(source) || !filepath.IsLocal(target) {
		return fmt.Errorf("%q to %q leads out of the folder", target, source)
	}
	relative, err := filepath.Rel(filepath.Dir(target), source)
	if err != nil {
		return err
	}
	return os.Symlink(relative, filepath.Join(dir, target))
}

// sweep removes what a killed process left behind long ago. What it cannot
// remove is in nobody's way.
func sweep(pattern string, age time.Duration) {
	left, _ := filepath.Glob(pattern)
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) >= age {
			_ = os.RemoveAll(path)
		}
	}
}
