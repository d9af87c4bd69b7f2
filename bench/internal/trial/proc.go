package trial

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is what processor time is counted in (proc(5)).
const tick = 10 * time.Millisecond

// Used is the processor time that a process has spent so far; zero of one that is not there.
func Used(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, used := readStat(stat)
	return used
}

// UsedBelow is what all processes of a name have spent that work in a folder or below it:
// other servers may run on this machine.
func UsedBelow(dir, name string) (sum time.Duration) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(stat, []byte("("+name)) {
			continue // it has ended, or is another
		}
		pid, used := readStat(stat)
		if at, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil && strings.HasPrefix(at, dir) {
			sum += used
		}
	}
	return sum
}

// readStat takes the process id, and user and system time, out of /proc/PID/stat.
func readStat(stat []byte) (pid int, used time.Duration) {
	pid, _ = strconv.Atoi(string(stat[:max(bytes.IndexByte(stat, ' '), 0)]))
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return pid, 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return pid, time.Duration(user+system) * tick
}

// Resident is how many bytes of memory a process holds; zero of one that is not there.
func Resident(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	line, _, _ := strings.Cut(after, "kB")
	kilobytes, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return kilobytes << 10
}

// Descriptors is how many files and sockets a process has open.
func Descriptors(pid int) int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return len(entries)
}
