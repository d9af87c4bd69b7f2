//go:build !linux && !darwin

package embedded

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

var errUnsupported = errors.New("Tidemark cannot start its own servers on " + runtime.GOOS +
	": set DATABASE_URL (and REDIS_URL) to servers that run elsewhere, or run it under WSL or in a container")

func supported() error { return errUnsupported }

func detach(*exec.Cmd, syscall.Signal)                 {}
func (a *account) apply(*exec.Cmd)                     {}
func ownerOf(fs.FileInfo) (uid, gid uint32)            { return 0, 0 }
func signalGroup(int, syscall.Signal)                  {}
func exists(int) bool                                  { return false }
func flock(*os.File) (busy bool, err error)            { return false, errUnsupported }
func inspect(int) (command []string, f string, b bool) { return nil, "", false }
