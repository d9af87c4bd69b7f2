//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// socket is one subscriber.
type socket struct {
	fd    int
	topic int
	stage stage
	rest  []byte // of what was received: the part of a frame
}

// stage is how far a socket has come.
type stage int

const (
	connecting stage = iota
	upgrading
	waiting // for the acknowledgement and the first answer
	live
)

// dialMore begins with as many as are allowed at a time.
func (c *client) dialMore() {
	for len(c.queue) > 0 && c.dialing < c.atOnce {
		topic := c.queue[0]
		c.queue = c.queue[1:]
		if err := c.dial(topic); err != nil {
			c.lose(topic, fmt.Errorf("connect: %w", err))
		}
	}
}

func (c *client) dial(topic int) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := syscall.Connect(fd, &c.target.address); err != nil && !errors.Is(err, syscall.EINPROGRESS) {
		_ = syscall.Close(fd)
		return err
	}
	if err := c.watch(syscall.EPOLL_CTL_ADD, fd, syscall.EPOLLOUT); err != nil {
		_ = syscall.Close(fd)
		return err
	}
	for len(c.sockets) <= fd {
		c.sockets = append(c.sockets, nil)
	}
	c.sockets[fd] = &socket{fd: fd, topic: topic}
	c.dialing++
	return nil
}

func (c *client) watch(change, fd int, events uint32) error {
	return syscall.EpollCtl(c.epoll, change, fd, &syscall.EpollEvent{Fd: int32(fd), Events: events})
}

// serve does what a socket is ready for, and ends it where that fails.
func (c *client) serve(s *socket, events uint32, buffer []byte) {
	var err error
	if s.stage == connecting {
		err = c.connected(s)
	} else if events&(syscall.EPOLLIN|over) != 0 {
		err = c.receive(s, buffer, events&over != 0)
	}
	if err == nil {
		return
	}
	c.drop(s)
	c.lose(s.topic, err)
}

// lose has a socket dialed again a moment later, or counts it as lost.
func (c *client) lose(topic int, err error) {
	if c.redial {
		c.again = append(c.again, topic)
		return
	}
	c.queue = nil
	c.fail(err)
}

// connected asks for the upgrade.
func (c *client) connected(s *socket) error {
	code, err := syscall.GetsockoptInt(s.fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err == nil && code != 0 {
		err = syscall.Errno(code)
	}
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	s.stage = upgrading
	if err := s.send(c.target.upgrade[s.topic]); err != nil {
		return err
	}
	return c.watch(syscall.EPOLL_CTL_MOD, s.fd, syscall.EPOLLIN|syscall.EPOLLRDHUP|edge)
}

// send writes what is short enough to be taken at once.
func (s *socket) send(message []byte) error {
	n, err := syscall.Write(s.fd, message)
	if err == nil && n < len(message) {
		err = errors.New("the server does not read")
	}
	return err
}

// edge has a socket reported once for what has come, and not until it is read, which is to ask
// about each twice.
const edge = 1 << 31 // EPOLLET, which is negative in package syscall

// over is what is reported of a socket on which nothing more will come.
const over = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR

// receive reads what has come, and takes what is whole. A buffer that is not full was enough,
// except for the end.
func (c *client) receive(s *socket, buffer []byte, toTheEnd bool) error {
	for {
		n, err := syscall.Read(s.fd, buffer)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return nil
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		case n == 0:
			return errors.New("the server hung up")
		}
		if err := c.received(s, buffer[:n]); err != nil || n < len(buffer) && !toTheEnd {
			return err
		}
	}
}

func (c *client) received(s *socket, data []byte) (err error) {
	kept := s.rest
	if len(kept) > 0 {
		data = append(kept, data...)
	}
	data, err = c.take(s, data, time.Now().UnixNano())
	switch {
	case err != nil:
		return err
	case len(data) == 0:
		s.rest = nil
	case len(kept) > 0:
		s.rest = append(s.rest[:0], data...)
	default:
		s.rest = bytes.Clone(data)
	}
	return nil
}

// take handles the messages that are whole, and returns what is left.
func (c *client) take(s *socket, data []byte, now int64) ([]byte, error) {
	if s.stage == upgrading {
		head, after, whole := bytes.Cut(data, []byte("\r\n\r\n"))
		if !whole {
			return data, nil
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
			return nil, fmt.Errorf("the server answers: %.200s", data)
		}
		s.stage, data = waiting, after
		if err := s.send(c.target.hello[s.topic]); err != nil {
			return nil, err
		}
	}
	for {
		f, rest, whole, err := readFrame(data)
		if err != nil || !whole {
			return data, err
		}
		if err := c.handle(s, f, now); err != nil {
			return nil, err
		}
		data = rest
	}
}

// handle acts on one frame.
func (c *client) handle(s *socket, f frame, now int64) error {
	switch {
	case f.kind == textFrame && bytes.HasPrefix(f.payload, nextStart):
		c.answer(s, f.payload, now)
	case f.kind == textFrame && bytes.HasPrefix(f.payload, pingStart):
		return s.send(pongAnswer)
	case f.kind == textFrame && bytes.HasPrefix(f.payload, ackStart):
	case f.kind == pingFrame:
		return s.send(clientFrame(pongFrame, f.payload))
	case f.kind == closeFrame && len(f.payload) >= 2:
		return fmt.Errorf("the server closes with %d %s", binary.BigEndian.Uint16(f.payload), f.payload[2:])
	default:
		return fmt.Errorf("the server sends %.200s", f.payload)
	}
	return nil
}

// answer counts one, and looks closer at a socket's first.
func (c *client) answer(s *socket, message []byte, now int64) {
	stamp := c.count(message, now)
	if s.stage == live {
		return
	}
	s.stage = live
	c.dialing--
	c.answered++
	if c.expected != 0 && stamp != c.expected {
		c.wrong++
	}
	if c.sample == nil {
		c.sample = bytes.Clone(message)
	}
}
