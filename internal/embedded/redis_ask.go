package embedded

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// askRedis logs in, sends one command and expects one line. It speaks the
// protocol by hand: a client library would retry, pool and log by itself.
func askRedis(ctx context.Context, address, password, command, want string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // fails only on a closed connection, and then so does the rest
	}
	if _, err := fmt.Fprintf(conn, "AUTH %s\r\n%s\r\n", password, command); err != nil {
		return fmt.Errorf("send %s: %w", command, err)
	}
	lines := bufio.NewReader(conn)
	for _, want := range []string{"+OK", want} {
		got, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("read answer to %s: %w", command, err)
		}
		if got = strings.TrimSpace(got); got != want {
			return fmt.Errorf("answer to %s is %.80q", command, got)
		}
	}
	return nil
}
