package websocket

import (
	"syscall"
	"unsafe"
)

// writeOnce writes what is taken at once, to a descriptor that does not wait.
//
// The scheduler is not told of the call, as of one that may take long: it would give the
// processor that this goroutine has to another thread whenever the kernel is interrupted in it. A
// burst of thousands of writes is then made by several threads for each processor, which the kernel
// puts in each other's way: it takes a fifth longer, and its last message half as long again
// (bench/live).
func writeOnce(fd uintptr, data []byte) (int, error) {
	for {
		n, _, err := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)))
		switch err {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return -1, err
		}
	}
}
