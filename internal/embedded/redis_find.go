package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"regexp"
	"time"
)

// findRedis returns a server in the path that runs, and its name and version.
func findRedis(ctx context.Context, m machine, log *slog.Logger) (binary, kind string) {
	if supported() != nil {
		return "", ""
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		file := m.lookup(name)
		if file == "" {
			continue
		}
		v, err := redisVersion(ctx, file)
		if err == nil {
			return file, name + " " + v
		}
		log.Warn("leaving out a Redis that does not run", "file", file, "err", err)
	}
	return "", ""
}

var redisVersionPattern = regexp.MustCompile(`\bv=(\d[\w.\-]*)`)

func redisVersion(ctx context.Context, file string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	line, err := run(ctx, exec.Command(file, "--version"))
	if err != nil {
		return "", fmt.Errorf("ask for version: %w %s", err, line)
	}
	found := redisVersionPattern.FindStringSubmatch(line)
	if found == nil {
		return "", fmt.Errorf("not a version of Redis: %.80q", line)
	}
	return found[1], nil
}
