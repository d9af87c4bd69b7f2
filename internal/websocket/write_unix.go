//go:build unix && !linux

package websocket

import (
	"errors"
	"syscall"
)

// writeOnce writes what is taken at once.
func writeOnce(fd uintptr, data []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), data)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
