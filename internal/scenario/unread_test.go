package scenario_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// heap is what is in use once garbage is collected.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// deafClient speaks the websocket protocol, and never reads what it is told.
type deafClient struct{ conn net.Conn }

func connectDeaf(t *testing.T, kit *served.Kit, key, query string) deafClient {
	t.Helper()
	address := strings.TrimPrefix(kit.URL, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(2048); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /graphql HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", address, key)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%+v, %v", response, err)
	}
	c := deafClient{conn}
	c.say(t, served.Frame{Type: "connection_init"})
	c.say(t, served.Frame{ID: "1", Type: "subscribe", Payload: json.RawMessage(requestOf(t, query, nil))})
	return c
}

// say writes a text frame, masked by nothing (RFC 6455, 5.2).
func (c deafClient) say(t *testing.T, f served.Frame) {
	t.Helper()
	text := toJSON(t, f)
	head := binary.BigEndian.AppendUint16([]byte{0x81, 0xfe}, uint16(len(text)))
	if _, err := c.conn.Write(append(append(head, 0, 0, 0, 0), text...)); err != nil {
		t.Fatal(err)
	}
}

// wantDropped speaks until the connection turns out to be over. To one who is still connected
// that would be a sign of life, good for two more pings.
func (c deafClient) wantDropped(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.After(time.Second); ; {
		if _, err := c.conn.Write([]byte{0x8a, 0x80, 0, 0, 0, 0}); err != nil { // a pong
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("a client that never reads is still connected")
		}
	}
}

// A hundred who never read what they are told are dropped within two pings. What they leave
// unread takes little memory meanwhile, none afterwards, and nobody else waits for them.
func TestClientsThatNeverReadAreDropped(t *testing.T) {
	const pings, deaf, most = 2, 100, 64 << 20
	s := beginWith(t, func(c *tidemark.Config) { c.Live.PingSeconds = pings })
	long := strings.Repeat("long ", 200)
	for batch := range 2 {
		var events []string
		for i := range 200 {
			events = append(events, fmt.Sprintf(`{"type":"track","messageId":"%d-%d","event":"Long","userId":"u1","timestamp":%q,"properties":{"text":%q}}`, batch, i, noon, long))
		}
		s.acme.Batch(t, events...)
	}
	const events = 400 // of 1 KB each
	query := `subscription { live(minInterval: 50) { query { events(` + ever + `) { count list(first: 400) { nodes { id properties } } } } } }`
	w := watchSocket(t, s.kit, s.acme.ReadKey, query)
	stranger := watchStream(t, s.kit, s.globex.ReadKey, query)
	wantNext(t, w, `"count":400`)
	wantNext(t, stranger, `"count":0`)
	idle := heap()

	var clients []deafClient
	for range deaf {
		clients = append(clients, connectDeaf(t, s.kit, s.acme.ReadKey, query))
	}
	silent, peak, told := time.Now(), idle, 0
	for time.Since(silent) < 2*pings*time.Second {
		told++
		s.one(t, fmt.Sprint("more ", told))
		until(t, w, fmt.Sprintf(`"count":%d`, events+told))
		if told%5 == 0 {
			peak = max(peak, heap())
		}
	}
	s.globex.Batch(t, event("m1", "E", "u1", noon))
	wantNext(t, stranger, `"count":1`)
	<-time.After(time.Until(silent.Add((2*pings + 1) * time.Second))) // the last of them was silent for two pings by now
	for _, c := range clients {
		c.wantDropped(t)
	}
	after := heap()
	t.Logf("%d answers of 400 KB were told; the heap had %d MB, %d MB at most, and has %d MB", told, idle>>20, peak>>20, after>>20)
	if told < 10 || peak > idle+most || after > idle+most/4 {
		t.Error("those who did not read have taken too much memory, or too few answers came")
	}
}
