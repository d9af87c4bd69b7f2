package embedded

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const oldestMajor = 15

// usualFolders are where the distributions put PostgreSQL without putting it in
// the path.
var usualFolders = []string{
	"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                   // the project's own packages for Red Hat and Fedora
	"/usr/libexec/postgresql*",           // Alpine
	"/usr/local/pgsql/bin",               // built from source
	"/opt/homebrew/opt/postgresql@*/bin", // Homebrew on Apple silicon
	"/usr/local/opt/postgresql@*/bin",    // Homebrew on Intel
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// install is a folder with postgres and initdb of one version.
type install struct {
	bin     string
	version version
	origin  string // for people
}

type version struct {
	major int
	rest  string // ".18", "beta2", "devel"
}

func (v version) String() string { return strconv.Itoa(v.major) + v.rest }

func (v version) minor() int {
	n, _ := strconv.Atoi(strings.TrimPrefix(v.rest, "."))
	return n // 0 for beta2 and the like
}

var versionPattern = regexp.MustCompile(`^postgres \([^)]+\) (\d+)(\.\d+|beta\d+|rc\d+|devel)?`)

// parseVersion reads what postgres --version prints.
func parseVersion(line string) (version, error) {
	found := versionPattern.FindStringSubmatch(strings.TrimSpace(line))
	if found == nil {
		return version{}, fmt.Errorf("not a version of PostgreSQL: %.80q", line)
	}
	major, err := strconv.Atoi(found[1])
	return version{major, found[2]}, err
}

// search is a look for binaries on this machine. It notes why it left some out.
type search struct {
	as       *account // who has to reach them
	found    []install
	rejected []string
}

// findInstalls returns what the machine has of PostgreSQL 15 and later: first
// what is in the path, in its order; then the usual folders, newest first.
func findInstalls(ctx context.Context, m machine, as *account) *search {
	s := &search{as: as}
	for _, dir := range filepath.SplitList(m.path) {
		s.look(ctx, dir, "in PATH")
	}
	inPath := len(s.found)
	for _, pattern := range m.folders {
		dirs, _ := filepath.Glob(pattern) // fails only on a bad pattern
		for _, dir := range dirs {
			s.look(ctx, dir, "installed")
		}
	}
	slices.SortStableFunc(s.found[inPath:], func(a, b install) int {
		if a.version.major != b.version.major {
			return b.version.major - a.version.major
		}
		return b.version.minor() - a.version.minor()
	})
	return s
}

// look takes a folder's binaries if they will do. Symlinks are resolved, because
// the path often has a link to postgres alone.
func (s *search) look(ctx context.Context, dir, how string) {
	file, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil || !filepath.IsAbs(file) || !isExecutable(file) || s.has(filepath.Dir(file)) {
		return
	}
	bin := filepath.Dir(file)
	v, why := s.check(ctx, bin)
	if why != "" {
		s.rejected = append(s.rejected, bin+": "+why)
		return
	}
	s.found = append(s.found, install{bin, v, fmt.Sprintf("%s (%s)", bin, how)})
}

func (s *search) has(bin string) bool {
	return slices.ContainsFunc(s.found, func(in install) bool { return in.bin == bin })
}

// check returns the version of the binaries in a folder, or why they won't do.
func (s *search) check(ctx context.Context, bin string) (v version, why string) {
	if !isExecutable(filepath.Join(bin, "initdb")) {
		return v, "has no initdb"
	}
	if !s.as.reaches(bin) {
		return v, "out of reach for " + s.as.String()
	}
	v, err := versionOf(ctx, bin)
	if err != nil {
		return v, err.Error()
	}
	if v.major < oldestMajor {
		return v, fmt.Sprintf("is version %s, older than %d", v, oldestMajor)
	}
	return v, ""
}

func versionOf(ctx context.Context, bin string) (version, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	line, err := run(ctx, exec.Command(filepath.Join(bin, "postgres"), "--version"))
	if err != nil {
		return version{}, fmt.Errorf("postgres --version: %w %s", err, line)
	}
	return parseVersion(line)
}
