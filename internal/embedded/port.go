package embedded

import (
	"net"
	"os"
	"strconv"
	"strings"
)

// inUse is how PostgreSQL and Redis say that someone took the port between our
// look at it and their start.
const inUse = "Address already in use"

// pickPort returns a loopback port that was free a moment ago: the one kept in
// a file, if it is still free, so that URLs stay the same from run to run.
func pickPort(file string) (int, error) {
	if text, err := os.ReadFile(file); err == nil {
		port, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err == nil && port > 0 && isFree(port) {
			return port, nil
		}
	}
	return anyPort()
}

func anyPort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func isFree(port int) bool {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	l.Close()
	return true
}
