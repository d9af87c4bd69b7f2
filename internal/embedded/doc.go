// Package embedded starts PostgreSQL and Redis where nothing is configured,
// and throw-away ones for tests. What it starts, it stops; what it keeps lies
// below the folder that it was given, or is linked from there; and a folder
// has one running server at most, whatever was killed before.
package embedded

import (
	"os"
	"path/filepath"
)

// machine is what is looked at outside of the folders that a caller names.
// Tests give their own.
type machine struct {
	path      string   // folders to look for programs in, as in $PATH
	folders   []string // patterns of the folders that distributions put PostgreSQL in
	stateRoot string   // for root only: where files lie that the server's user could not reach otherwise
	outlive   bool     // tests only: let servers survive our death, as they do on macOS
}

func thisMachine() machine {
	return machine{path: os.Getenv("PATH"), folders: usualFolders, stateRoot: "/var/lib/tidemark"}
}

// lookup returns the full path of a program in the machine's path, or "".
func (m machine) lookup(program string) string {
	for _, dir := range filepath.SplitList(m.path) {
		file := filepath.Join(dir, program)
		if filepath.IsAbs(file) && isExecutable(file) {
			return file
		}
	}
	return ""
}

func isExecutable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
