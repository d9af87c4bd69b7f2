// Package scenario tells stories through the real server: what a client sends and sees,
// over HTTP, server-sent events and websockets, on a real PostgreSQL and a real Redis. In
// most of them a stranger, a second tenant, watches and must see nothing.
package scenario
