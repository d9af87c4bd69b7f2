//go:build linux || darwin

package embedded

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestPostgresServesLogicalDecodingAndKeepsItsData(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	first := start(t, dir)
	for setting, want := range map[string]string{
		"wal_level": "logical", "max_replication_slots": "64", "max_slot_wal_keep_size": "2GB",
		"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "timezone": "UTC", "jit": "off",
		"synchronous_commit": "on", "fsync": "off", "data_checksums": "on", "server_encoding": "UTF8",
		"password_encryption": "scram-sha-256", "server_version": first.Version,
	} {
		if got := ask(t, first.URL, "show "+setting); got != want && !strings.HasPrefix(got, want+" ") {
			t.Errorf("%s is %q, not %q", setting, got, want)
		}
	}
	if got := ask(t, first.URL, "select upper('é') || current_user || current_database()"); got != "Étidemarktidemark" {
		t.Errorf("got %q", got)
	}
	ask(t, first.URL, "create table kept (n int)", "insert into kept values (7)",
		"select pg_create_logical_replication_slot('feed', 'pgoutput')")
	stop(t, first)

	second := start(t, dir)
	if second.URL != first.URL {
		t.Errorf("the URL changed from %s to %s", first.URL, second.URL)
	}
	if got := ask(t, second.URL, "select n from kept"); got != "7" {
		t.Errorf("kept %q", got)
	}
}

func TestStopLeavesNothingAndCanBeRepeated(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := start(t, dir)
	pid, data := pidOn(t, dir), p.cluster.data
	stop(t, p)
	stop(t, p)
	if _, _, alive := inspect(pid); alive || inFolder(data) > 0 {
		t.Error("processes are left")
	}
	select {
	case err := <-p.Exited():
		t.Errorf("a wanted end was reported: %v", err)
	default:
	}
}

func TestPasswordIsOursAlone(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := start(t, dir)
	info, err := os.Stat(filepath.Join(dir, "password"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("password has mode %v", info.Mode())
	}
	stranger := strings.Replace(p.URL, "tidemark:", "tidemark:not", 1)
	config := p.cluster.probe(t.Context(), stranger)
	if !says(config, "28P01") {
		t.Errorf("a wrong password got %v", config)
	}
}

func TestUnaskedEndIsReported(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := start(t, dir)
	must(t, syscall.Kill(pidOn(t, dir), syscall.SIGKILL))
	select {
	case err := <-p.Exited():
		wantText(t, err, "ended by itself", "killed")
	case <-time.After(20 * time.Second):
		t.Fatal("not reported")
	}
	stop(t, p)
	again := start(t, dir) // while children of the killed one may still be there
	if got := ask(t, again.URL, "select 1"); got != "1" {
		t.Errorf("got %q", got)
	}
}

func TestStopKillsAServerThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := start(t, dir)
	must(t, syscall.Kill(pidOn(t, dir), syscall.SIGSTOP))
	ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
	defer cancel()
	wantText(t, p.Stop(ctx), "stop PostgreSQL", "was killed")
	await(t, "its children have ended", func() bool { return inFolder(p.cluster.data) == 0 })
	stop(t, p)
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := start(t, dir)
	stop(t, p)
	_, address, _ := strings.Cut(p.URL, "@")
	address, _, _ = strings.Cut(address, "/")
	squatter, err := net.Listen("tcp4", address)
	must(t, err)
	defer squatter.Close()

	var c *cluster
	// What another test starts has our lock open for a moment, until it is the program that it becomes.
	await(t, "the folder is free", func() bool {
		c, err = openCluster(PostgresOptions{Dir: dir, Throwaway: true, Logger: testLog(t)}, testMachine(t))
		return err == nil
	})
	in, err := c.chooseInstall(t.Context())
	must(t, err)
	_, err = c.bootOnce(t.Context(), in, squatter.Addr().(*net.TCPAddr).Port, p.URL)
	c.close()
	wantText(t, err, "it ended", inUse, "postgres.log")
	if !mayPass(err) {
		t.Error("a taken port is not tried again")
	}

	other := start(t, dir)
	if strings.Contains(other.URL, address) || ask(t, other.URL, "select 1") != "1" {
		t.Errorf("no other port: %s", other.URL)
	}
}

func TestFailedStartShowsTheLog(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := start(t, dir)
	stop(t, p)
	conf := filepath.Join(p.cluster.data, "postgresql.auto.conf")
	must(t, os.WriteFile(conf, []byte("no_such_setting = 1\n"), 0o600))
	must(t, p.cluster.as.own(conf))
	_, err := tryStart(t, t.Context(), dir, testMachine(t))
	wantText(t, err, "it ended: exit status 1", "no_such_setting")
	if inFolder(p.cluster.data) > 0 {
		t.Error("processes are left")
	}
}

func TestTheirPasswordFileIsMissed(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := start(t, dir)
	stop(t, p)
	must(t, os.Remove(filepath.Join(dir, "password")))
	_, err := tryStart(t, t.Context(), dir, testMachine(t))
	wantText(t, err, "password", filepath.Join(dir, "password"))

	must(t, replaceFile(filepath.Join(dir, "password"), "wrong"))
	_, err = tryStart(t, t.Context(), dir, testMachine(t))
	wantText(t, err, "does not take the password in "+filepath.Join(dir, "password"))
}

func TestPickPortPrefersTheLastOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "port")
	port, err := pickPort(file)
	must(t, err)
	must(t, replaceFile(file, strconv.Itoa(port)))
	if again, err := pickPort(file); err != nil || again != port {
		t.Errorf("got %d, %v instead of %d", again, err, port)
	}
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	must(t, err)
	defer l.Close()
	if other, err := pickPort(file); err != nil || other == port {
		t.Errorf("got the taken port %d, %v", other, err)
	}
}
