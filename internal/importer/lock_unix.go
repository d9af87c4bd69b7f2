//go:build linux || darwin

package importer

import (
	"errors"
	"os"
	"syscall"
)

// isLocked reports whether another process has the file locked; if none has, we do, until
// it is closed. A file system without locks has none.
func isLocked(file *os.File) bool {
	return errors.Is(syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
