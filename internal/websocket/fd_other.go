//go:build !unix

package websocket

import "errors"

// direct says whether sockets can be read and written without waiting here.
const direct = false

func readOnce(uintptr, []byte) (int, error)  { return 0, errors.ErrUnsupported }
func writeOnce(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
