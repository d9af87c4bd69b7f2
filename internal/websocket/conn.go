package websocket

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// Conn is a connection. One goroutine may read and another one write; closing and deadlines are
// for any.
type Conn struct {
	conn        net.Conn
	raw         syscall.RawConn // nil: the connection is no plain socket, such as one under TLS
	descriptor  uintptr         // of raw, for TryWrite
	limit       int64
	subprotocol string
	deflates    bool

	// Of who reads.
	partial  []byte // read, and no complete frame yet
	message  []byte // the fragments so far
	kind     Kind   // of the message that they are of; 0: none
	deflated bool   // so is that message

	closing sync.Mutex // the descriptor is good while it is held
	closed  bool
}

func newConn(conn net.Conn, limit int64) *Conn {
	c := &Conn{conn: conn, limit: limit}
	if plain, ok := conn.(syscall.Conn); ok && direct {
		raw, err := plain.SyscallConn()
		if err == nil {
			err = raw.Control(func(descriptor uintptr) { c.descriptor = descriptor })
		}
		if err == nil {
			c.raw = raw // without it, writes wait
		}
	}
	return c
}

// Subprotocol is the one agreed upon; "" for none.
func (c *Conn) Subprotocol() string { return c.subprotocol }

// Deflates tells whether the client takes compressed messages.
func (c *Conn) Deflates() bool { return c.deflates }

// CloseNow ends the connection without a word, and whoever reads or writes with it.
func (c *Conn) CloseNow() {
	c.closing.Lock()
	c.closed = true
	c.closing.Unlock()
	_ = c.conn.Close() // there is nobody to be told
}

// SetDeadline bounds what reads and writes, also what does so already.
func (c *Conn) SetDeadline(at time.Time) { _ = c.conn.SetDeadline(at) } // fails on closed ones only

// Message is what a client sent: a Text or Binary message, or a Ping or Pong.
type Message struct {
	Kind Kind
	Data []byte
}

// Read waits for the next message. Its error is a *Closure if the client closed the connection,
// or spoke against the protocol, in which case that is what to tell it.
func (c *Conn) Read() (Message, error) {
	for {
		f, size, bad := parse(c.partial, c.limit)
		if bad != nil {
			return Message{}, bad
		}
		if size == 0 {
			if err := c.fill(); err != nil {
				return Message{}, err
			}
			continue
		}
		c.partial = c.partial[size:]
		if len(c.partial) == 0 {
			c.partial = nil // an idle connection holds no buffer
		}
		m, whole, err := c.take(f)
		if whole || err != nil {
			return m, err
		}
	}
}

// take puts a frame to those before it (5.4), and gives what is complete by it.
func (c *Conn) take(f frame) (m Message, whole bool, err error) {
	switch {
	case f.deflated && (!c.deflates || f.kind >= Close || f.kind == continuation):
		return m, false, against("Bits are set that were not agreed upon")
	case f.kind == Close:
		return m, false, closureOf(f.payload)
	case f.kind == Ping || f.kind == Pong:
		return Message{f.kind, f.payload}, true, nil
	case (f.kind == continuation) == (c.kind == 0):
		return m, false, against("The fragments are out of order")
	case int64(len(c.message)+len(f.payload)) > c.limit:
		return m, false, tooBig
	}
	if f.kind != continuation {
		c.kind, c.deflated = f.kind, f.deflated
	}
	if !f.fin {
		c.message = append(c.message, f.payload...)
		return m, false, nil
	}
	return c.complete(f.payload)
}

// complete gives the message that ends with a payload.
func (c *Conn) complete(last []byte) (Message, bool, error) {
	m := Message{c.kind, last}
	if c.message != nil {
		c.message = append(c.message, last...)
		m.Data = c.message
	}
	deflated := c.deflated
	c.message, c.kind, c.deflated = nil, 0, false
	if deflated {
		data, bad := inflate(m.Data, c.limit)
		if bad != nil {
			return m, false, bad
		}
		m.Data = data
	}
	return m, true, nil
}

// chunk is how much is read at once.
const chunk = 8 << 10

// chunks are the buffers of those that are reading at this moment.
var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// fill waits until there is something to read, and adds it to partial.
func (c *Conn) fill() error {
	if c.raw == nil {
		return c.fillPlainly()
	}
	var (
		n   int
		err error
	)
	waited := c.raw.Read(func(fd uintptr) bool {
		buf, _ := chunks.Get().(*[chunk]byte)
		defer chunks.Put(buf)
		n, err = readOnce(fd, buf[:])
		if errors.Is(err, syscall.EAGAIN) {
			return false // wait, and hold nothing meanwhile
		}
		if n > 0 {
			c.keep(buf[:n])
		}
		return true
	})
	switch {
	case waited != nil:
		return waited
	case err != nil:
		return err
	case n <= 0:
		return io.EOF
	}
	return nil
}

func (c *Conn) fillPlainly() error {
	small := make([]byte, 512) // which an idle one holds, besides what TLS does
	n, err := c.conn.Read(small)
	if n > 0 {
		c.keep(small[:n])
		return nil
	}
	return err
}

// keep adds what was read to partial, which does not share the buffer.
func (c *Conn) keep(data []byte) {
	c.partial = append(c.partial, data...)
}

// TryWrite writes without waiting, and says how much of it was taken. On a connection that is no
// plain socket it writes nothing: Write does.
func (c *Conn) TryWrite(data []byte) (n int, err error) {
	if c.raw == nil {
		return 0, nil
	}
	// Not by raw, whose way leads through four more places in memory: for thousands of
	// connections that are written to in turn, each of them has to be fetched anew.
	c.closing.Lock()
	defer c.closing.Unlock()
	if c.closed {
		return 0, ErrClosed
	}
	n, err = writeOnce(c.descriptor, data)
	if errors.Is(err, syscall.EAGAIN) {
		err = nil
	}
	return max(n, 0), err
}

// Write writes all of it, and waits for the client to take it, until the deadline.
func (c *Conn) Write(data []byte, deadline time.Time) error {
	if err := c.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if _, err := c.conn.Write(data); err != nil {
		return err
	}
	return c.conn.SetWriteDeadline(time.Time{}) // which would bound TryWrite too
}
