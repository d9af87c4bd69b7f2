package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const superuser = "tidemark"

// prepare makes the data if there is none, and returns the superuser's password.
func (c *cluster) prepare(ctx context.Context, in install) (string, error) {
	kept := c.file("password")
	password, err := readPassword(kept)
	if err != nil {
		return "", err
	}
	made, err := c.madeBy()
	if err != nil {
		return "", err
	}
	switch {
	case made != 0 && password == "":
		return "", fmt.Errorf("the data in %s is there, but its password is not in %s: bring it back, or move the data away", c.data, kept)
	case made != 0:
		return password, c.link()
	case password == "":
		password = newPassword()
		if err := replaceFile(kept, password+"\n"); err != nil {
			return "", err
		}
	}
	if err := c.makeData(ctx, in, password); err != nil {
		return "", fmt.Errorf("make a database in %s: %w", c.data, err)
	}
	return password, c.link()
}

// makeData runs initdb beside the data's place and renames what it made, so
// that the place has whole data or none.
func (c *cluster) makeData(ctx context.Context, in install, password string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	sweep(c.data+".new-*", 0) // we hold the lock: nobody is at work on them
	scratch, err := os.MkdirTemp(c.home(), filepath.Base(c.data)+".new-")
	if err != nil {
		return fmt.Errorf("make temporary folder: %w", err)
	}
	defer os.RemoveAll(scratch)
	pwfile := filepath.Join(scratch, "password")
	if err := replaceFile(pwfile, password+"\n"); err != nil {
		return err
	}
	if err := errors.Join(c.as.own(scratch), c.as.own(pwfile)); err != nil {
		return fmt.Errorf("hand over to %s: %w", c.as, err)
	}
	made := filepath.Join(scratch, "data")
	if err := c.initdb(ctx, in, made, pwfile); err != nil {
		return err
	}
	_ = os.Remove(c.data) // an empty folder would be in the way; a full one stays, and the rename says so
	return os.Rename(made, c.data)
}

// initdb tries the locales that we would like, best first.
func (c *cluster) initdb(ctx context.Context, in install, data, pwfile string) error {
	var out string
	var err error
	for _, locale := range locales(in.version.major) {
		args := []string{
			"--pgdata=" + data, "--username=" + superuser, "--auth=scram-sha-256", "--pwfile=" + pwfile,
			"--encoding=UTF8", "--data-checksums", "--no-instructions",
		}
		if c.throwaway {
			args = append(args, "--no-sync")
		}
		cmd := c.command(in, "initdb", append(args, locale...)...)
		if out, err = run(ctx, cmd); err == nil {
			return nil
		}
		if !strings.Contains(out, "locale") {
			break
		}
	}
	return fmt.Errorf("initdb: %w: %s", err, lastLines(out, 8))
}

// locales are ways to sort by code point and still know letters beyond ASCII;
// plain C, which every system has, knows only ASCII.
func locales(major int) [][]string {
	all := [][]string{{"--locale=C.UTF-8"}, {"--locale=C"}}
	if major >= 17 {
		// PostgreSQL's own: the same on every system, and after every upgrade of one.
		builtin := []string{"--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"}
		all = append([][]string{builtin}, all...)
	}
	return all
}

// command is one of the binaries, run as the server's user in a folder that
// every user can read, with as little of our environment as it needs.
func (c *cluster) command(in install, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(in.bin, program), args...)
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + c.machine.path} // C: its messages are read below
	for _, name := range []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value := os.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	c.as.apply(cmd)
	return cmd
}

func lastLines(text string, n int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}
