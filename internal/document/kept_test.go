package document

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func client(t *testing.T) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		t.Fatalf("REDIS_URL: %v; run this under the sandbox", err)
	}
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// keepers are two servers on one Redis, with keys of their own.
func keepers(t *testing.T) (here, there *kept, c *redis.Client) {
	t.Helper()
	c = client(t)
	prefix := "test:" + t.Name() + rand(t)
	return newKept(c, prefix, slog.New(slog.DiscardHandler)), newKept(c, prefix, slog.New(slog.DiscardHandler)), c
}

func rand(t *testing.T) string {
	t.Helper()
	id, err := tenant.New()
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

func slotOf(id tenant.ID, text string) slot { return slot{id, HashOf(text)} }

func TestWhatIsKeptIsFoundByItsTenantEverywhere(t *testing.T) {
	here, there, _ := keepers(t)
	acme, globex := tenant.ID{1}, tenant.ID{2}
	here.keep(t.Context(), slotOf(acme, "{ a }"), "{ a }")
	for name, k := range map[string]*kept{"here": here, "there": there} {
		if got := k.find(t.Context(), slotOf(acme, "{ a }")); got != "{ a }" {
			t.Errorf("%s: %q", name, got)
		}
		for _, other := range []tenant.ID{globex, tenant.None} {
			if got := k.find(t.Context(), slotOf(other, "{ a }")); got != "" {
				t.Errorf("%s, a stranger finds %q", name, got)
			}
		}
		if got := k.find(t.Context(), slotOf(acme, "{ b }")); got != "" {
			t.Errorf("%s: what was not kept is %q", name, got)
		}
	}
	// What a server has found it knows, with or without Redis.
	alone := &kept{here: there.here, logger: there.logger}
	if got := alone.find(t.Context(), slotOf(acme, "{ a }")); got != "{ a }" {
		t.Errorf("without Redis: %q", got)
	}
	alone.keep(t.Context(), slotOf(globex, "{ c }"), "{ c }")
	if got := alone.find(t.Context(), slotOf(globex, "{ c }")); got != "{ c }" {
		t.Errorf("kept without Redis: %q", got)
	}
}

// However many are sent, so many stay, the latest; and nobody pushes out another's.
func TestManyUniqueDocumentsAreBounded(t *testing.T) {
	here, there, c := keepers(t)
	acme, globex := tenant.ID{1}, tenant.ID{2}
	here.keep(t.Context(), slotOf(globex, "{ theirs }"), "{ theirs }")
	for id, most := range map[tenant.ID]int{acme: keptOfTenant, tenant.None: keptOfStranger} {
		text := func(i int) string { return fmt.Sprintf("{ a%d }", i) }
		sent := most + 300
		for i := range sent {
			here.keep(t.Context(), slotOf(id, text(i)), text(i))
		}
		texts, used := here.keys(id)
		if n := c.HLen(t.Context(), texts).Val(); n != int64(most) {
			t.Errorf("%d texts are in Redis, want %d", n, most)
		}
		if n := c.ZCard(t.Context(), used).Val(); n != int64(most) {
			t.Errorf("%d uses are in Redis, want %d", n, most)
		}
		for _, key := range []string{texts, used} {
			if ttl := c.TTL(t.Context(), key).Val(); ttl <= 0 || ttl > keptFor {
				t.Errorf("%s stays for %v", key, ttl)
			}
		}
		if got := there.find(t.Context(), slotOf(id, text(sent-1))); got != text(sent-1) {
			t.Errorf("the last is %q", got)
		}
	}
	if got := there.find(t.Context(), slotOf(globex, "{ theirs }")); got != "{ theirs }" {
		t.Errorf("the stranger's is %q", got)
	}
}

// A server's own memory has a bound as well, over all tenants.
func TestAServersMemoryIsBounded(t *testing.T) {
	k := newKept(nil, "", slog.New(slog.DiscardHandler))
	padding := strings.Repeat(" ", 16<<10)
	for i := range 5_000 { // 80 MB
		text := fmt.Sprintf("{ a%d }%s", i, padding)
		k.keep(t.Context(), slotOf(tenant.ID{byte(i)}, text), text)
	}
	k.here.CleanUp()
	if weight := k.here.WeightedSize(); weight > keptHere || weight < keptHere/2 {
		t.Errorf("%d bytes are kept, want at most %d", weight, keptHere)
	}
}

func TestALargeDocumentIsNotKept(t *testing.T) {
	here, there, _ := keepers(t)
	for size, want := range map[int]bool{keptBytes: true, keptBytes + 1: false} {
		text := strings.Repeat("x", size)
		here.keep(t.Context(), slotOf(tenant.ID{1}, text), text)
		for _, k := range []*kept{here, there} {
			if got := k.find(t.Context(), slotOf(tenant.ID{1}, text)); (got != "") != want {
				t.Errorf("of %d bytes, %d are found", size, len(got))
			}
		}
	}
}

// Whoever can write into Redis can't have a tenant run what its hash does not say.
func TestAForgedTextIsNotBelieved(t *testing.T) {
	here, _, c := keepers(t)
	s := slotOf(tenant.ID{1}, "{ a }")
	texts, _ := here.keys(s.tenant)
	if err := c.HSet(t.Context(), texts, s.hash.String(), "mutation { evil }").Err(); err != nil {
		t.Fatal(err)
	}
	if got := here.find(t.Context(), s); got != "" {
		t.Errorf("found %q", got)
	}
}

// Without Redis each server knows what it was told, and nobody waits for long.
func TestWithoutRedisItGoesOn(t *testing.T) {
	c := client(t)
	_ = c.Close()
	k := newKept(c, "test", slog.New(slog.DiscardHandler))
	s := slotOf(tenant.ID{1}, "{ a }")
	if got := k.find(t.Context(), s); got != "" {
		t.Errorf("found %q", got)
	}
	k.keep(t.Context(), s, "{ a }")
	if got := k.find(t.Context(), s); got != "{ a }" {
		t.Errorf("found %q", got)
	}
}

func TestAHashHasOneSpelling(t *testing.T) {
	h := HashOf("{ a }")
	if got, ok := ParseHash(h.String()); !ok || got != h || len(h.String()) != 64 {
		t.Errorf("%s is read as %s, %v", h, got, ok)
	}
	for _, bad := range []string{"", "x", strings.ToUpper(h.String()), h.String() + "0", h.String()[:62], " " + h.String(), "0x" + h.String()[2:]} {
		if _, ok := ParseHash(bad); ok && bad != h.String() {
			t.Errorf("%q is a hash", bad)
		}
	}
}
