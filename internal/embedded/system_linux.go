package embedded

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

func setDeathSignal(attr *syscall.SysProcAttr, death syscall.Signal) { attr.Pdeathsig = death }

// inspect returns the command line of a living process, and its working folder
// if we may see it. A zombie is not alive: where nothing reaps orphans, as in
// many containers, a dead server stays one for ever.
func inspect(pid int) (command []string, folder string, alive bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, "", false
	}
	// pid (name) state …; the name may hold anything, parentheses too.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) == 0 || fields[0] == "Z" || fields[0] == "X" {
		return nil, "", false
	}
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	folder, _ = os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return strings.Split(strings.TrimRight(string(line), "\x00"), "\x00"), folder, true
}
