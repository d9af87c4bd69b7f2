//go:build linux || darwin

package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLogIsRotatedAndItsTailIsOfThisRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	must(t, os.WriteFile(path, []byte(strings.Repeat("old\n", maxLog/4+1)), 0o600))
	f, from, err := openLog(path)
	must(t, err)
	defer f.Close()
	if info, err := os.Stat(path + ".1"); from != 0 || err != nil || info.Size() < maxLog {
		t.Errorf("not rotated: %d, %v", from, err)
	}
	_, err = f.WriteString("one\ntwo\nthree\n")
	must(t, err)
	if got := logTail(path, from, 2); got != "two\nthree" {
		t.Errorf("tail %q", got)
	}
	again, from, err := openLog(path)
	must(t, err)
	defer again.Close()
	if got := logTail(path, from, 2); got != "" {
		t.Errorf("tail of nothing: %q", got)
	}
}

func TestReplaceFileIsOursAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(path, []byte("before"), 0o644))
	must(t, replaceFile(path, "after\n"))
	info, err := os.Stat(path)
	must(t, err)
	if text, err := readPassword(path); text != "after" || err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%q, %v, %v", text, err, info.Mode())
	}
	if text, err := readPassword(path + "2"); text != "" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}
