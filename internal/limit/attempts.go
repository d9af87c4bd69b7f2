package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Attempts bounds guessing: passwords, codes of a second factor, tokens sent by mail. It
// counts attempts, not requests, before they are made, per account and per address, over
// a window that slides; too many lock, and each lock is twice as long as the last. It
// needs Redis, which all servers share, and fails closed: without it there are no attempts.
//
// The rules follow OWASP's Authentication Cheat Sheet (account lockout), the address'
// being wider because many people may share one.
type Attempts struct {
	redis  redis.Scripter
	delete func(ctx context.Context, keys ...string) error
	prefix string
	shift  time.Duration // of Redis' clock: tests look into the future
}

// attemptRule is how many attempts are free, and what comes after them.
type attemptRule struct {
	most      int           // attempts within
	window    time.Duration // that slides
	firstLock time.Duration // of the attempt after them
	lastLock  time.Duration // locks double up to it
	memory    time.Duration // for which a lock makes the next one longer
}

var (
	accountRule = attemptRule{most: 5, window: 15 * time.Minute, firstLock: time.Minute, lastLock: time.Hour, memory: 24 * time.Hour}
	addressRule = attemptRule{most: 50, window: 15 * time.Minute, firstLock: time.Minute, lastLock: time.Hour, memory: 24 * time.Hour}
)

// NewAttempts makes the bound over a client of Connect. Installations that share a Redis are told apart by name,
// such as that of their database.
func NewAttempts(client *redis.Client, name string) *Attempts {
	return &Attempts{
		redis: client, prefix: "attempts:" + name + ":",
		delete: func(ctx context.Context, keys ...string) error { return client.Del(ctx, keys...).Err() },
	}
}

// take counts an attempt, or says for how many milliseconds there may be none. Locks are
// kept in a hash beside the window's sorted set. An attempt while locked is not counted,
// so that whoever keeps trying is not locked out for ever.
var take = redis.NewScript(`
local window, lock = KEYS[1], KEYS[2]
local most, span, first, last, memory, shift =
  tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) + shift
local open = tonumber(redis.call('HGET', lock, 'until') or '0')
if now < open then
  return open - now
end
redis.call('ZREMRANGEBYSCORE', window, '-inf', now - span)
if redis.call('ZCARD', window) >= most then
  local level = redis.call('HINCRBY', lock, 'level', 1)
  local wait = math.min(first * 2 ^ (level - 1), last)
  redis.call('HSET', lock, 'until', string.format('%.0f', now + wait))
  redis.call('PEXPIRE', lock, string.format('%.0f', wait + memory))
  redis.call('DEL', window)
  return wait
end
redis.call('ZADD', window, now, redis.call('HINCRBY', lock, 'taken', 1))
redis.call('PEXPIRE', window, span)
if redis.call('PTTL', lock) < span then
  redis.call('PEXPIRE', lock, span)
end
return 0
`)

var errAttemptsUnknown = fault.New(fault.Unavailable, "Signing in is not possible at the moment. Try again.")

// Take counts an attempt for an account from an address, before it is made. It fails with
// RATE_LIMITED, which says when to try again, and with UNAVAILABLE when Redis cannot be
// asked; then there must be no attempt. Accounts are named by whatever tells them apart,
// such as the e-mail address that was given, whether anybody has it or not; capitals don't
// matter. An address that is not known is one with all others that are not.
func (a *Attempts) Take(ctx context.Context, account string, address netip.Addr) error {
	// The address first: one that is locked can't lock accounts any more.
	if err := a.takeOne(ctx, "address", NetworkOf(address), addressRule); err != nil {
		return err
	}
	return a.takeOne(ctx, "account", nameOf(account), accountRule)
}

// Succeeded lets an account start afresh, after the right password. Its address does not:
// else an account of one's own would buy guesses at others'.
func (a *Attempts) Succeeded(ctx context.Context, account string) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if err := a.delete(ctx, a.keys("account", nameOf(account))...); err != nil {
		return errAttemptsUnknown.Because(err)
	}
	return nil
}

func (a *Attempts) takeOne(ctx context.Context, kind, name string, rule attemptRule) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	wait, err := take.Run(ctx, a.redis, a.keys(kind, name), rule.most, rule.window.Milliseconds(),
		rule.firstLock.Milliseconds(), rule.lastLock.Milliseconds(), rule.memory.Milliseconds(), a.shift.Milliseconds()).Int64()
	if err != nil {
		return errAttemptsUnknown.Because(errors.Join(errors.New("count attempt"), err))
	}
	if wait > 0 {
		return fault.New(fault.RateLimited, "There were too many attempts. Try again later.").After(time.Duration(wait) * time.Millisecond)
	}
	return nil
}

// keys are of one slot, as a script's have to be in a cluster.
func (a *Attempts) keys(kind, name string) []string {
	base := a.prefix + kind + ":{" + name + "}"
	return []string{base, base + ":lock"}
}

// nameOf keeps e-mail addresses, and what somebody typed in their place, out of Redis.
func nameOf(account string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(account))))
	return hex.EncodeToString(sum[:16])
}

// NetworkOf names what one customer of a provider commonly has: an address of IPv4, or 64
// bits of IPv6 (RFC 6177). Limits by address go by it.
func NetworkOf(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	switch {
	case !address.IsValid():
		return "unknown"
	case address.Is4():
		return address.String()
	}
	network, err := address.Prefix(64)
	if err != nil { // an address of 128 bits has 64
		return "unknown"
	}
	return network.String()
}
