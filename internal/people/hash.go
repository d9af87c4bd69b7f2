package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// cost is what a hash takes: Argon2id's parameters (RFC 9106).
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// current is what new hashes take: the second of the settings that OWASP's Password Storage
// Cheat Sheet gives as equally strong, which is easy on memory.
var current = cost{memory: 19 << 10, passes: 2, threads: 1}

// The bounds of what is believed of a stored hash: more would let a damaged row take the
// machine's memory.
const (
	mostMemory = 256 << 10 // KiB
	mostPasses = 16
	saltSize   = 16
	tagSize    = 32
)

// hashesAtOnce bounds the memory, and the processors, that sign-ins take: 4 times 19 MiB.
const hashesAtOnce = 4

// hasher hashes passwords, a few at a time: others wait in line until their deadline.
type hasher struct {
	cost  cost
	turns chan struct{}
	dummy string // of no password
}

func newHasher(c cost, atOnce int) *hasher {
	h := &hasher{cost: c, turns: make(chan struct{}, atOnce)}
	// A hash that nothing matches, so that an unknown address takes as long as a known one.
	h.dummy = c.text(make([]byte, saltSize), make([]byte, tagSize))
	return h
}

var errBusy = fault.New(fault.Unavailable, "Too many people sign in at the moment. Try again.")

// hash makes the PHC string of a password, with a salt of its own.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	tag, err := h.tag(ctx, h.cost, password, salt)
	if err != nil {
		return "", err
	}
	return h.cost.text(salt, tag), nil
}

// verify reports whether a password is that of the hash; none is that of an empty hash, which
// takes as long. stale says that the hash was made with other parameters than are used now.
func (h *hasher) verify(ctx context.Context, password, stored string) (right, stale bool, err error) {
	empty := stored == ""
	if empty {
		stored = h.dummy
	}
	c, salt, tag, err := parseHash(stored)
	if err != nil {
		return false, false, err
	}
	got, err := h.tag(ctx, c, password, salt)
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, tag) == 1 && !empty, c != h.cost, nil
}

func (h *hasher) tag(ctx context.Context, c cost, password string, salt []byte) ([]byte, error) {
	select {
	case h.turns <- struct{}{}:
		defer func() { <-h.turns }()
	case <-ctx.Done():
		return nil, errBusy.Because(ctx.Err())
	}
	return argon2.IDKey([]byte(normal(password)), salt, c.passes, c.memory, c.threads, tagSize), nil
}

// normal makes two spellings of one text the same: keyboards differ in how they write an é
// (NIST SP 800-63B-4, 3.1.1.2). Nothing else is changed, and nothing is cut off.
func normal(password string) string { return norm.NFC.String(password) }

// text writes the PHC string format.
func (c cost) text(salt, tag []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(tag))
}

var errHash = errors.New("read password hash: it is not an Argon2id hash of ours")

func parseHash(stored string) (c cost, salt, tag []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil {
		return c, nil, nil, errHash
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	tag, tagErr := base64.RawStdEncoding.DecodeString(parts[5])
	switch {
	case saltErr != nil, tagErr != nil, len(salt) < 8, len(tag) != tagSize,
		c.memory < 8, c.memory > mostMemory, c.passes < 1, c.passes > mostPasses, c.threads < 1:
		return c, nil, nil, errHash
	}
	return c, salt, tag, nil
}
