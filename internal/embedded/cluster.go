package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// cluster is one data folder, and who may use it.
type cluster struct {
	dir       string   // PostgresOptions.Dir: password, port, log and lock
	data      string   // what PostgreSQL calls the data directory, free of symlinks
	as        *account // whom the server runs as; nil: as ourselves
	locks     []*os.File
	cacheDir  string
	throwaway bool
	machine   machine
	log       *slog.Logger
}

// openCluster takes the folder for this process and finds out where its data
// lies. The caller closes the cluster.
func openCluster(o PostgresOptions, m machine) (*cluster, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	dir, err := filepath.EvalSymlinks(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("resolve folder: %w", err)
	}
	c := &cluster{dir: dir, cacheDir: o.CacheDir, throwaway: o.Throwaway, machine: m, log: o.Logger}
	if err := c.lock(dir); err != nil {
		return nil, err
	}
	if err := c.settle(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *cluster) file(name string) string { return filepath.Join(c.dir, name) }

// home is the folder that holds data: dir itself, or one below stateRoot.
func (c *cluster) home() string { return filepath.Dir(c.data) }

func (c *cluster) relocated() bool { return c.home() != c.dir }

func (c *cluster) lock(dir string) error {
	f, err := acquireLock(filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	c.locks = append(c.locks, f)
	return nil
}

// close gives the folder free. It can be called again.
func (c *cluster) close() {
	for _, f := range c.locks {
		f.Close() // the lock goes with the descriptor
	}
	c.locks = nil
}

// settle finds the data, or the place for it, and whom it belongs to.
func (c *cluster) settle() error {
	here := c.file("data")
	if data, err := filepath.EvalSymlinks(here); err == nil {
		return c.settleAt(data)
	}
	if err := os.Remove(here); err == nil {
		c.log.Warn("the data that a link points to is gone: starting with none", "link", here)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove dangling link: %w", err)
	}
	if defaultAccount().reaches(c.dir) {
		return c.settleAt(here)
	}
	home := filepath.Join(c.machine.stateRoot, shortHash(c.dir))
	if err := makeOpen(c.machine.stateRoot, home); err != nil {
		return err
	}
	return c.settleAt(filepath.Join(home, "data"))
}

func (c *cluster) settleAt(data string) error {
	c.data = data
	c.as = serverAccount(data)
	if !c.as.reaches(c.home()) {
		return fmt.Errorf("%s lies where %s cannot reach it, and PostgreSQL refuses to run as root: move the folder, or open the way to it", data, c.as)
	}
	if !c.relocated() {
		return nil
	}
	// Two copies of a folder share one link: they must not share a server.
	return c.lock(c.home())
}

// link leaves a way from dir to data that lies elsewhere.
func (c *cluster) link() error {
	if !c.relocated() {
		return nil
	}
	err := os.Symlink(c.data, c.file("data"))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("link data: %w", err)
	}
	c.log.Info("PostgreSQL refuses to run as root, and its user cannot reach this folder: the data is kept elsewhere",
		"user", c.as.String(), "folder", c.dir, "data", c.data)
	return nil
}

// remove deletes what a stopped server kept.
func (c *cluster) remove() error {
	var errs []error
	if c.relocated() {
		errs = append(errs, os.RemoveAll(c.home()))
	}
	for _, name := range []string{"data", "password", "port", "postgres.log", "postgres.log.1", "lock"} {
		errs = append(errs, os.RemoveAll(c.file(name)))
	}
	return errors.Join(errs...)
}

// makeOpen makes folders that every user may pass, whatever the umask.
func makeOpen(dirs ...string) error {
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			return fmt.Errorf("open folder: %w", err)
		}
	}
	return nil
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:5])
}
