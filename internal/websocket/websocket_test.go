package websocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	client "github.com/coder/websocket"

	shared "github.com/tidemarkhq/tidemark/internal/frame"
)

// within bounds every wait of a test.
const within = 10 * time.Second

// limit is that of a message.
const limit = 64 << 10

// serve upgrades whoever comes, and gives the connection to the test.
func serve(t *testing.T) (url string, conns <-chan *Conn) {
	t.Helper()
	accepted := make(chan *Conn, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := Upgrade(w, r, limit, "tide", "mark")
		if refused, ok := errors.AsType[*Refusal](err); ok {
			http.Error(w, refused.Message, refused.Status)
			return
		}
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		t.Cleanup(conn.CloseNow)
		conn.SetDeadline(time.Now().Add(within))
		accepted <- conn
	}))
	t.Cleanup(server.Close)
	return server.URL, accepted
}

// dial opens a connection with a client that others have written.
func dial(t *testing.T, options *client.DialOptions) (*client.Conn, *Conn) {
	t.Helper()
	url, conns := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	conn, _, err := client.Dial(ctx, url, options)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(-1)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn, <-conns
}

// raw opens a connection and writes bytes of the test's own, with the handshake.
func raw(t *testing.T, request string, more ...byte) (net.Conn, <-chan *Conn) {
	t.Helper()
	url, conns := serve(t)
	conn, err := (&net.Dialer{Timeout: within}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(within))
	if _, err := conn.Write(append([]byte(strings.ReplaceAll(request, "\n", "\r\n")+"\r\n\r\n"), more...)); err != nil {
		t.Fatal(err)
	}
	return conn, conns
}

const handshake = `GET / HTTP/1.1
Host: tidemark.test
Connection: keep-alive, Upgrade
Upgrade: WebSocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==`

// The key and its answer are the example of 1.3.
func TestHandshake(t *testing.T) {
	tests := []struct {
		name, request string
		want          []string
		lacks         string
	}{
		{"the example", handshake, []string{"101 Switching", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, "Sec-WebSocket-Protocol"},
		{"a subprotocol", handshake + "\nSec-WebSocket-Protocol: other, mark , tide", []string{"101 ", "Sec-WebSocket-Protocol: mark\r\n"}, "Extensions"},
		{"compression", handshake + "\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", []string{"101 ", "Extensions: " + deflateTerms}, "Sec-WebSocket-Protocol"},
		{"a small window", handshake + "\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9", []string{"101 "}, "Extensions"},
		{"or a large one", handshake + "\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9, permessage-deflate", []string{"101 ", deflateTerms}, "400"},
		{"another version", strings.Replace(handshake, "Version: 13", "Version: 8", 1), []string{"426 ", "Sec-Websocket-Version: 13"}, "101 "},
		{"a short key", strings.Replace(handshake, "dGhlIHNhbXBsZSBub25jZQ==", "dGhl", 1), []string{"400 "}, "101 "},
		{"no key", strings.Replace(handshake, "Sec-WebSocket-Key", "X", 1), []string{"400 "}, "101 "},
		{"no upgrade", strings.Replace(handshake, "Upgrade: W", "X: W", 1), []string{"400 "}, "101 "},
		{"no connection", strings.Replace(handshake, "keep-alive, Upgrade", "keep-alive", 1), []string{"400 "}, "101 "},
		{"by POST", strings.Replace(handshake, "GET", "POST", 1) + "\nContent-Length: 0", []string{"405 "}, "101 "},
		{"by HTTP/1.0", strings.Replace(handshake, "HTTP/1.1", "HTTP/1.0", 1), []string{"505 "}, "101 "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn, _ := raw(t, test.request)
			got := make([]byte, 4096)
			n, err := conn.Read(got)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range test.want {
				if !strings.Contains(string(got[:n]), part) {
					t.Errorf("answered %s, which lacks %s", got[:n], part)
				}
			}
			if strings.Contains(string(got[:n]), test.lacks) {
				t.Errorf("answered %s, which has %s", got[:n], test.lacks)
			}
		})
	}
}

// masked is a client's frame.
func masked(first byte, payload string) []byte {
	frame := appendHeader(nil, first, len(payload))
	frame[1] |= maskBit
	key := [maskSize]byte{1, 2, 3, 4}
	body := []byte(payload)
	unmask(body, key) // which masks, too
	return append(append(frame, key[:]...), body...)
}

// What a client may send, and what it may not: the cases are those of sections 5 to 7.
func TestFrames(t *testing.T) {
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	long := strings.Repeat("x", 300)
	tests := []struct {
		name string
		sent []byte
		want string // the messages, or the closure
	}{
		{"a text", masked(0x81, "hello"), "1:hello"},
		{"nothing in it", masked(0x81, ""), "1:"},
		{"two in one packet", join(masked(0x81, "a"), masked(0x82, "b")), "1:a 2:b"},
		{"length of 16 bits", masked(0x81, long), "1:" + long},
		{"fragments", join(masked(0x01, "a"), masked(0x00, "b"), masked(0x80, "c")), "1:abc"},
		{"a ping between fragments", join(masked(0x01, "a"), masked(0x89, "p"), masked(0x80, "c")), "9:p 1:ac"},
		{"a pong", masked(0x8a, "p"), "10:p"},
		{"close", masked(0x88, "\x03\xe8bye"), "1000 bye"},
		{"close without a code", masked(0x88, ""), "1005 "},
		{"close cut short", masked(0x88, "\x03"), "1002 The close frame is cut short"},
		{"close with a code that is not sent", masked(0x88, "\x03\xee"), "1002 The close frame's code is not one to send"},
		{"close with a reason that is not UTF-8", masked(0x88, "\x03\xe8\xff"), "1007 The close frame's reason is not UTF-8"},
		{"close with a code of one's own", masked(0x88, "\x0f\xa0"), "4000 "},
		{"not masked", []byte{0x81, 1, 'a'}, "1002 The frame is not masked"},
		{"RSV1 without compression", masked(0xc1, "a"), "1002 Bits are set that were not agreed upon"},
		{"RSV2", masked(0xa1, "a"), "1002 Bits are set that were not agreed upon"},
		{"unknown opcode", masked(0x83, "a"), "1002 The frame's opcode is not known"},
		{"unknown control opcode", masked(0x8b, "a"), "1002 The frame's opcode is not known"},
		{"a control frame in fragments", masked(0x09, "a"), "1002 A control frame is too large, or fragmented"},
		{"a large control frame", masked(0x89, long), "1002 A control frame is too large, or fragmented"},
		{"a continuation of nothing", masked(0x80, "a"), "1002 The fragments are out of order"},
		{"a text amid fragments", join(masked(0x01, "a"), masked(0x81, "b")), "1002 The fragments are out of order"},
		{"too large", []byte{0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0}, "1009 The message is too large"},
		{"larger than there are bytes", []byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, "1009 The message is too large"},
		{"too large in fragments", join(masked(0x01, strings.Repeat("x", limit)), masked(0x80, "x")), "1009 The message is too large"},
	}
	for _, test := range tests {
		for _, way := range []struct {
			name string
			size int
		}{{"at once", 0}, {"byte by byte", 1}} {
			t.Run(test.name+" "+way.name, func(t *testing.T) {
				early := test.sent // comes with the handshake
				if way.size > 0 {
					early = nil
				}
				conn, conns := raw(t, handshake, early...)
				server := <-conns
				go func() {
					for i := 0; way.size > 0 && i < min(len(test.sent), 1_000); i++ {
						_, _ = conn.Write(test.sent[i : i+1])
					}
					if way.size > 0 && len(test.sent) > 1_000 {
						_, _ = conn.Write(test.sent[1_000:])
					}
				}()
				if got := received(server, strings.Count(test.want, " ")+1); got != test.want {
					t.Errorf("got  %.200s\nwant %.200s", got, test.want)
				}
			})
		}
	}
}

// received writes down at most n messages, or how it ends.
func received(conn *Conn, n int) string {
	var all []string
	for range n {
		m, err := conn.Read()
		if c, ok := errors.AsType[*Closure](err); ok {
			return fmt.Sprintf("%d %s", c.Code, c.Reason)
		}
		if err != nil {
			return err.Error()
		}
		all = append(all, fmt.Sprintf("%d:%s", m.Kind, m.Data))
	}
	return strings.Join(all, " ")
}

// Both sides understand each other, compressed and not, whatever the size.
func TestMessagesGoBothWays(t *testing.T) {
	for _, mode := range []client.CompressionMode{client.CompressionDisabled, client.CompressionNoContextTakeover, client.CompressionContextTakeover} {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			conn, server := dial(t, &client.DialOptions{CompressionMode: mode})
			if server.Deflates() != (mode != client.CompressionDisabled) {
				t.Errorf("deflates: %v", server.Deflates())
			}
			for _, size := range []int{0, 1, 125, 126, 127, 1_000, 65_535, limit} {
				text := strings.Repeat("abcdefgh", limit/8)[:size]
				if err := conn.Write(t.Context(), client.MessageText, []byte(text)); err != nil {
					t.Fatal(err)
				}
				m, err := server.Read()
				if err != nil || m.Kind != Text || string(m.Data) != text {
					t.Fatalf("%d bytes came as %d: %v", size, len(m.Data), err)
				}
				back := make(chan error, 1)
				go func() { back <- server.Write(Append(nil, Text, []byte("<"), m.Data), time.Now().Add(within)) }()
				if _, got, err := conn.Read(t.Context()); err != nil || string(got) != "<"+text {
					t.Fatalf("%d bytes went as %d: %v", size, len(got), err)
				}
				if err := <-back; err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// What many are sent is compressed once, behind a head of each one's own.
func TestSharedMessages(t *testing.T) {
	conn, server := dial(t, &client.DialOptions{CompressionMode: client.CompressionContextTakeover})
	body := shared.New([]byte(`{"values":[` + strings.Repeat("1,2,3,", 1_000) + `0]}`))
	for _, id := range []string{"a", strings.Repeat("b", 1_500)} {
		head := []byte(`{"id":"` + id + `","payload":`)
		message := AppendShared(nil, head, body.Deflated(), []byte("}"))
		if len(message) > len(head)+len(body.Bytes())/10 {
			t.Errorf("%d bytes are sent as %d", len(head)+len(body.Bytes()), len(message))
		}
		if n, err := server.TryWrite(message); n != len(message) || err != nil {
			t.Fatalf("%d of %d were written: %v", n, len(message), err)
		}
		if _, got, err := conn.Read(t.Context()); err != nil || string(got) != string(head)+string(body.Bytes())+"}" {
			t.Fatalf("got %.100s: %v", got, err)
		}
	}
}

// A message that grows beyond the limit when it is unpacked is refused at the limit.
func TestBombs(t *testing.T) {
	conn, server := dial(t, &client.DialOptions{CompressionMode: client.CompressionContextTakeover, CompressionThreshold: 1})
	if err := conn.Write(t.Context(), client.MessageText, bytes.Repeat([]byte{'a'}, 50*limit)); err != nil {
		t.Fatal(err)
	}
	if got := received(server, 1); got != "1009 The message is too large" {
		t.Errorf("got %s", got)
	}
}

func TestWhatCannotBeUnpacked(t *testing.T) {
	conn, conns := raw(t, handshake+"\nSec-WebSocket-Extensions: permessage-deflate", masked(0xc1, "\xff\xff\xff")...)
	defer conn.Close()
	if got := received(<-conns, 1); got != "1007 The message's compression cannot be undone" {
		t.Errorf("got %s", got)
	}
}

// A client that does not read is noticed without waiting, and given up at the deadline.
func TestAClientThatDoesNotRead(t *testing.T) {
	_, server := dial(t, nil)
	message := Append(nil, Text, make([]byte, 1<<20))
	for {
		n, err := server.TryWrite(message)
		if err != nil {
			t.Fatal(err)
		}
		if n < len(message) {
			break
		}
	}
	if err := server.Write(message, time.Now().Add(50*time.Millisecond)); !isTimeout(err) {
		t.Errorf("writing ended with %v", err)
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// Closing ends who reads, and the other side sees the close frame.
func TestClosing(t *testing.T) {
	conn, server := dial(t, nil)
	if _, err := server.TryWrite(AppendClose(nil, &Closure{ServiceRestart, "come again"})); err != nil {
		t.Fatal(err)
	}
	_, _, err := conn.Read(t.Context())
	if closed, ok := errors.AsType[client.CloseError](err); !ok || closed.Code != 1012 || closed.Reason != "come again" {
		t.Errorf("the client sees %v", err)
	}
	if got := received(server, 1); got != "1012 come again" {
		t.Errorf("the client says %s", got)
	}
	reading := make(chan error, 1)
	go func() {
		_, err := server.Read()
		reading <- err
	}()
	server.CloseNow()
	if err := <-reading; err == nil || errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("reading ended with %v", err)
	}
}
