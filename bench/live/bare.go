//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
)

// What the broadcaster is told in its environment: where to listen.
const bareListen = "BENCH_LIVE_BARE_LISTEN"

// everyTopic stands for all of them.
const everyTopic = -1

// bareQueue is how many frames wait for a connection at most; a full one holds the rest up.
const bareQueue = 16

// bare is the broadcaster that somebody would write in Go for just these frames: a goroutine
// and a channel for each connection, one write for each frame. It knows no protocol beyond the
// upgrade, no tenants, no queries, no deadlines.
type bare struct {
	message []byte // an answer of the server's, with room for the instant
	at      int    // where that begins

	mu     sync.Mutex
	topics map[int]map[chan []byte]struct{}
}

// serveBare broadcasts as its standard input says: first the message, then lines of a topic
// and an instant. It ends with that input.
func serveBare(ctx context.Context, address string) error {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	message, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the message: %w", err)
	}
	b := &bare{message: bytes.TrimSpace(message), topics: map[int]map[chan []byte]struct{}{}}
	b.at = bytes.Index(b.message, stampStart) + len(stampStart)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer listener.Close()
	go b.accept(listener) // ends with the listener
	for {
		line, err := input.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		var topic int
		var stamp int64
		if err == nil {
			_, err = fmt.Sscan(line, &topic, &stamp)
		}
		if err != nil {
			return fmt.Errorf("read what to send: %w", err)
		}
		b.broadcast(topic, stamp)
	}
}

func (b *bare) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go b.serve(conn) // ends with the connection
	}
}

// answer is the message with an instant in it.
func (b *bare) answer(stamp int64) []byte {
	message := bytes.Clone(b.message)
	strconv.AppendInt(message[:b.at], stamp, 10)
	return serverFrame(textFrame, message)
}

// broadcast prepares a frame once, and lays it into every channel.
func (b *bare) broadcast(topic int, stamp int64) {
	message := b.answer(stamp)
	b.mu.Lock()
	defer b.mu.Unlock()
	for of, channels := range b.topics {
		if topic == everyTopic || topic == of {
			for channel := range channels {
				channel <- message
			}
		}
	}
}

// serve upgrades, and has one goroutine write while this one waits for the end.
func (b *bare) serve(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	request, err := http.ReadRequest(reader)
	if err != nil {
		return
	}
	topic, _ := strconv.Atoi(strings.TrimPrefix(request.URL.Path, "/"))
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"); err != nil {
		return
	}
	if _, err := reader.ReadByte(); err != nil { // the client subscribes
		return
	}
	channel := make(chan []byte, bareQueue)
	channel <- b.answer(stampOf(0))
	b.join(topic, channel)
	go write(conn, channel) // ends with the channel
	var small [64]byte      // what the client says is of no matter
	for err == nil {
		_, err = conn.Read(small[:])
	}
	b.leave(topic, channel)
}

func write(conn net.Conn, channel chan []byte) {
	for message := range channel {
		_, _ = conn.Write(message) // who is gone leaves
	}
}

func (b *bare) join(topic int, channel chan []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.topics[topic] == nil {
		b.topics[topic] = map[chan []byte]struct{}{}
	}
	b.topics[topic][channel] = struct{}{}
}

func (b *bare) leave(topic int, channel chan []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.topics[topic], channel)
	close(channel)
}
