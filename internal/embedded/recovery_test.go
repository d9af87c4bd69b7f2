//go:build linux || darwin

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestLeftoverOfAKilledProcessIsTakenOver(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	other, url := helper(t, "postgres", dir, true)
	ask(t, url, "create table kept (n int)", "insert into kept values (7)")
	leftover := pidOn(t, dir)
	kill(other)
	if got := ask(t, url, "select n from kept"); got != "7" {
		t.Fatalf("the leftover is not there: %q", got)
	}
	p := start(t, dir)
	if _, _, alive := inspect(leftover); alive || pidOn(t, dir) == leftover {
		t.Error("the leftover lives")
	}
	if got := ask(t, p.URL, "select n from kept"); got != "7" {
		t.Errorf("kept %q", got)
	}
}

func TestServerEndsWithAKilledProcess(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a death signal")
	}
	dir := openDir(t)
	other, _ := helper(t, "postgres", dir, false)
	pid := pidOn(t, dir)
	kill(other)
	await(t, "the server has ended", func() bool { _, _, alive := inspect(pid); return !alive })
}

func TestFolderOfALivingProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	other, url := helper(t, "postgres", dir, false)
	_, err := tryStart(t, t.Context(), dir, testMachine(t))
	wantText(t, err, "already running", "pid "+strconv.Itoa(other.Process.Pid))
	if !errors.Is(err, ErrAlreadyRunning) {
		t.Errorf("not ErrAlreadyRunning: %v", err)
	}
	if got := ask(t, url, "select 1"); got != "1" {
		t.Errorf("the refused one did harm: %q", got)
	}
}

func TestHalfMadeDataIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	half := filepath.Join(dir, "data.new-123", "data")
	must(t, os.MkdirAll(half, 0o700))
	must(t, os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "data"), 0o700)) // as a file manager would leave it
	start(t, dir)
	if left, _ := filepath.Glob(filepath.Join(dir, "data.new-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestInterruptedInitdbLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	go func() { // ends with the test's context, or when initdb is at work
		for ctx.Err() == nil {
			if found, _ := filepath.Glob(filepath.Join(dir, "data.new-*", "data", "global")); len(found) > 0 {
				cancel(errors.New("Ctrl-C"))
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := tryStart(t, ctx, dir, testMachine(t))
	wantText(t, err, "initdb", "Ctrl-C")
	if left, _ := filepath.Glob(filepath.Join(dir, "data*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	start(t, dir)
}

func TestDataOfAnotherVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	data := filepath.Join(dir, "data")
	must(t, os.Mkdir(data, 0o755))
	must(t, os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("12\n"), 0o644))
	m := testMachine(t)
	_, err := tryStart(t, t.Context(), dir, m)
	wantText(t, err, "made by PostgreSQL 12", data)
	for _, in := range findInstalls(t.Context(), m, defaultAccount()).found {
		wantText(t, err, in.version.String())
	}
}

func TestFilesThatAreNoDataAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	precious := filepath.Join(dir, "data", "thesis.txt")
	must(t, os.Mkdir(filepath.Dir(precious), 0o755))
	must(t, os.WriteFile(precious, nil, 0o644))
	_, err := tryStart(t, t.Context(), dir, testMachine(t))
	wantText(t, err, "no PostgreSQL data", filepath.Dir(precious))
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

// PostgreSQL takes a pid file for a living server if the number lives again as
// some other program of the same user.
func TestReusedPidIsNoServer(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := start(t, dir)
	stop(t, p)
	bystander := exec.Command("sleep", "60")
	p.cluster.as.apply(bystander)
	must(t, bystander.Start())
	defer kill(bystander)
	pidfile := filepath.Join(p.cluster.data, "postmaster.pid")
	text := fmt.Sprintf("%d\n%s\n1700000000\n5432\n\n127.0.0.1\n", bystander.Process.Pid, p.cluster.data)
	must(t, os.WriteFile(pidfile, []byte(text), 0o600))
	must(t, p.cluster.as.own(pidfile))
	start(t, dir)
	if _, _, alive := inspect(bystander.Process.Pid); !alive {
		t.Error("the bystander was ended")
	}
}

func TestServesKnowsTheFolder(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := start(t, dir)
	pid := pidOn(t, dir)
	if !serves(pid, p.cluster.data) || serves(pid, p.cluster.data+"2") || serves(os.Getpid(), p.cluster.data) {
		t.Error("a server is mistaken")
	}
}

// As root in a folder that the server's user cannot reach, such as a clone
// below /root.
func TestDataMovesWhereTheServersUserCanReachIt(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, whom PostgreSQL refuses")
	}
	dir, m := filepath.Join(openDir(t), "closed", "postgres"), testMachine(t)
	must(t, os.MkdirAll(dir, 0o755))
	must(t, os.Chmod(filepath.Dir(dir), 0o700))
	p, err := tryStart(t, t.Context(), dir, m)
	must(t, err)
	target, err := os.Readlink(filepath.Join(dir, "data"))
	must(t, err)
	if !strings.HasPrefix(target, m.stateRoot+"/") || ask(t, p.URL, "show data_directory") != target {
		t.Errorf("the data is in %s", target)
	}
	ask(t, p.URL, "create table kept ()")
	stop(t, p)

	// A copied folder has the same link: it must not get a server of its own.
	p, err = tryStart(t, t.Context(), dir, m)
	must(t, err)
	ask(t, p.URL, "table kept")
	twin := filepath.Join(filepath.Dir(dir), "copy")
	must(t, os.CopyFS(twin, os.DirFS(dir)))
	_, err = tryStart(t, t.Context(), twin, m)
	wantText(t, err, "already running")

	must(t, p.Destroy(context.Background()))
	if left, _ := filepath.Glob(filepath.Join(m.stateRoot, "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
