package limit

import (
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// frozen is the address of a Redis that takes connections and never says anything.
func frozen(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var taking sync.WaitGroup
	taking.Go(func() {
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			held = append(held, conn)
		}
		for _, conn := range held {
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		taking.Wait()
	})
	return listener.Addr().String()
}

// A Redis that hangs is as good as none: costs are counted here, attempts are not made.
func TestAFrozenRedisHoldsNobodyUp(t *testing.T) {
	client := Connect(redis.Options{Addr: frozen(t)})
	defer client.Close()
	l := NewLimiter(client, "x", slog.New(slog.DiscardHandler))
	wantSpent(t, l, acme1, Read, 60)
	wantRefused(t, l, acme1, Read, 60, "caller-read")
	if !l.breaker.down {
		t.Error("Redis is taken to be well")
	}
	if f, _ := fault.Of(NewAttempts(client, "x").Take(t.Context(), "ada", home)); f.Code != fault.Unavailable {
		t.Errorf("an attempt: %v, want UNAVAILABLE", f)
	}
}
