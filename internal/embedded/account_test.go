//go:build linux || darwin

package embedded

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReachesReadsEveryFolderAbove(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, who alone runs servers as someone else")
	}
	stranger := &account{"stranger", 54321, 54321}
	for _, c := range []struct {
		name      string
		mode      os.FileMode
		uid, gid  int
		reachable bool
	}{
		{"open to all", 0o755, 0, 0, true},
		{"closed", 0o700, 0, 0, false},
		{"closed, but theirs", 0o700, 54321, 0, true},
		{"open to their group", 0o750, 0, 54321, true},
		{"open to all but their group", 0o705, 0, 54321, false},
		{"readable, not passable", 0o744, 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			above := filepath.Join(openDir(t), "above")
			path := filepath.Join(above, "below")
			must(t, os.MkdirAll(path, 0o755))
			must(t, os.Chmod(above, c.mode))
			must(t, os.Chown(above, c.uid, c.gid))
			if got := stranger.reaches(path); got != c.reachable {
				t.Errorf("reaches: %v", got)
			}
		})
	}
	var ourselves *account
	if !ourselves.reaches("/anything") || stranger.reaches("/no/such/folder") {
		t.Error("wrong about ourselves, or about nothing")
	}
}

func TestServerRunsAsTheOwnerOfItsData(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, who alone runs servers as someone else")
	}
	data := filepath.Join(openDir(t), "data")
	if got := serverAccount(data); *got != *defaultAccount() || got.uid == 0 {
		t.Errorf("without data: %v", got)
	}
	must(t, os.Mkdir(data, 0o700))
	if got := serverAccount(data); *got != *defaultAccount() {
		t.Errorf("with root's data: %v", got)
	}
	must(t, os.Chown(data, 54321, 54322))
	if got := serverAccount(data); got.uid != 54321 || got.gid != 54322 {
		t.Errorf("with their data: %v", got)
	}
}
