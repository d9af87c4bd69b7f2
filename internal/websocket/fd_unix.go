//go:build unix

package websocket

import (
	"errors"
	"syscall"
)

// direct says whether sockets can be read and written without waiting here.
const direct = true

// readOnce reads what is there; EAGAIN says that nothing is.
func readOnce(fd uintptr, into []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), into)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
