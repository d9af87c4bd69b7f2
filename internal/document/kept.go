package document

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// The bounds of what is kept: in each server, and in Redis of one tenant. What is over them
// pushes the least used out; what is too large is not kept, and comes as a text each time.
const (
	keptBytes      = 32 << 10 // of one document
	keptHere       = 32 << 20 // bytes in one server, over all tenants
	keptOfTenant   = 500      // documents in Redis
	keptOfStranger = 50       // documents in Redis of all who belong to no tenant
	keptFor        = 24 * time.Hour
)

// redisWithin bounds one look into Redis: a client can always send the text instead.
const redisWithin = 250 * time.Millisecond

// kept remembers texts by their hashes, each tenant's for itself, so that none learns what
// others ask. It may forget any of them.
type kept struct {
	here   *otter.Cache[slot, string]
	redis  *redis.Client
	prefix string
	logger *slog.Logger
}

func newKept(client *redis.Client, prefix string, logger *slog.Logger) *kept {
	return &kept{
		here:  otter.Must(&otter.Options[slot, string]{MaximumWeight: keptHere, Weigher: weigh}),
		redis: client, prefix: prefix, logger: logger,
	}
}

// find gives a text, or "".
func (k *kept) find(ctx context.Context, s slot) string {
	if text, ok := k.here.GetIfPresent(s); ok {
		return text
	}
	if k.redis == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	texts, used := k.keys(s.tenant)
	found := k.redis.HGet(ctx, texts, s.hash.String())
	text, err := found.Result()
	if err != nil {
		k.tell(ctx, err)
		return ""
	}
	if HashOf(text) != s.hash { // whoever writes into Redis does not say what tenants run
		k.logger.WarnContext(ctx, "a document kept in Redis is not what its hash says")
		return ""
	}
	k.here.Set(s, text)
	k.tell(ctx, k.redis.ZAddXX(ctx, used, redis.Z{Score: now(), Member: s.hash.String()}).Err())
	return text
}

// keepScript writes a text and when it was used, and takes away the least lately used ones
// over the bound. All of a tenant's are in one slot of a cluster, by the braces of their keys.
var keepScript = redis.NewScript(`
redis.call('hset', KEYS[1], ARGV[1], ARGV[2])
redis.call('zadd', KEYS[2], ARGV[3], ARGV[1])
local over = redis.call('zcard', KEYS[2]) - tonumber(ARGV[4])
if over > 0 then
  local oldest = redis.call('zpopmin', KEYS[2], over)
  for i = 1, #oldest, 2 do
    redis.call('hdel', KEYS[1], oldest[i])
  end
end
redis.call('expire', KEYS[1], ARGV[5])
redis.call('expire', KEYS[2], ARGV[5])
return 1`)

// keep remembers a text. That it could not is told to nobody but the log.
func (k *kept) keep(ctx context.Context, s slot, text string) {
	if len(text) > keptBytes {
		return
	}
	if _, known := k.here.GetIfPresent(s); known {
		return
	}
	k.here.Set(s, text)
	if k.redis == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	most := keptOfTenant
	if s.tenant == tenant.None {
		most = keptOfStranger
	}
	texts, used := k.keys(s.tenant)
	k.tell(ctx, keepScript.Run(ctx, k.redis, []string{texts, used},
		s.hash.String(), text, now(), most, int(keptFor.Seconds())).Err())
}

// keys are those of a tenant's texts, and of when each was used.
func (k *kept) keys(id tenant.ID) (texts, used string) {
	space := k.prefix + ":{" + id.String() + "}"
	return space + ":texts", space + ":used"
}

// now orders what was used; servers' clocks need not agree for that.
func now() float64 { return float64(time.Now().UnixMilli()) }

// tell writes down that Redis failed. Nothing is lost by it.
func (k *kept) tell(ctx context.Context, err error) {
	if err != nil && !errors.Is(err, redis.Nil) {
		k.logger.DebugContext(ctx, "documents are not shared by Redis at the moment", "error", err)
	}
}
