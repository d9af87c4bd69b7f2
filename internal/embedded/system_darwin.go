package embedded

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// setDeathSignal does nothing: macOS has no such signal. A server that outlives
// us is taken over by the next start.
func setDeathSignal(*syscall.SysProcAttr, syscall.Signal) {}

// inspect returns the command line of a living process. The working folder is
// not to be had cheaply, and a folder with spaces comes in several words.
func inspect(pid int) (command []string, folder string, alive bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "/bin/ps", "-ww", "-o", "stat=,command=", "-p", strconv.Itoa(pid)).Output()
	state, line, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || strings.HasPrefix(state, "Z") {
		return nil, "", false
	}
	return strings.Fields(line), "", true
}
