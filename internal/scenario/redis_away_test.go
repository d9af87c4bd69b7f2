//go:build linux || darwin

package scenario_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/access"
	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/feed"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// ownRedis is a Redis of a test's own, which may die. The way to it, over a relay, stays.
type ownRedis struct {
	relay    *relay
	url      string
	password string
	server   *embedded.Redis
	admin    *redis.Client
	process  *os.Process
}

func newOwnRedis(t *testing.T) *ownRedis {
	t.Helper()
	r := &ownRedis{password: "of-all-that-come-here", relay: newRelay(t, "")}
	r.url = (&url.URL{Scheme: "redis", User: url.UserPassword("", r.password), Host: r.relay.address, Path: "/0"}).String()
	r.start(t)
	t.Cleanup(func() { r.end(t) })
	return r
}

// start starts an empty one, of whatever came before it.
func (r *ownRedis) start(t *testing.T) {
	t.Helper()
	server, err := embedded.StartRedis(t.Context(), embedded.RedisOptions{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r.server = server
	if server.InProcess {
		_ = server.Stop(t.Context())
		t.Skip("neither redis-server nor valkey-server is on this machine: the in-process one cannot be killed or frozen")
	}
	options, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	first := redis.NewClient(options)
	defer first.Close()
	if err := first.ConfigSet(t.Context(), "requirepass", r.password).Err(); err != nil {
		t.Fatal(err)
	}
	options.Password = r.password
	r.admin = redis.NewClient(options)
	t.Cleanup(func() { r.admin.Close() })
	said, err := r.admin.Info(t.Context(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(regexp.MustCompile(`process_id:(\d+)`).FindStringSubmatch(said)[1])
	if err != nil {
		t.Fatal(err)
	}
	if r.process, err = os.FindProcess(pid); err != nil {
		t.Fatal(err)
	}
	r.relay.lead(options.Addr)
}

func (r *ownRedis) do(t *testing.T, command ...any) {
	t.Helper()
	if err := r.admin.Do(t.Context(), command...).Err(); err != nil {
		t.Fatal(err)
	}
}

// fill leaves it no memory for anything more.
func (r *ownRedis) fill(t *testing.T) {
	t.Helper()
	r.do(t, "config", "set", "maxmemory", "100kb") // less than it has without any data
	if err := r.admin.Set(t.Context(), "more", "x", 0).Err(); err == nil {
		t.Fatal("Redis takes more than it has memory for")
	}
}

func (r *ownRedis) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := r.process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

func (r *ownRedis) kill(t *testing.T) {
	t.Helper()
	r.signal(t, syscall.SIGKILL)
	r.end(t)
}

// end gives up what is left of it.
func (r *ownRedis) end(t *testing.T) {
	t.Helper()
	_ = r.process.Signal(syscall.SIGCONT) // of one that is gone there is none to wake
	if err := r.server.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// Whatever becomes of Redis, what is sent is stored, and counted once; nobody's attempts
// to sign in go uncounted; who loses their key asks nothing more; and once Redis is back, all that was
// watched is shown as it is, and who lost their key is shown out.
func TestRedisAway(t *testing.T) {
	if testing.Short() {
		t.Skip("freezes Redis for a while")
	}
	t.Parallel()
	r := newOwnRedis(t)
	s := beginWith(t, func(c *tidemark.Config) {
		c.RedisURL = r.url
		c.Limits.ReadRate, c.Limits.WriteRate, c.Limits.EventRate = 1e8, 1e8, 1e8 // which Redis is asked about
	})
	a := &away{s, s.follow(t, s.kit.URL), newLedger(t), s.join(t, s.acme, "ann@acme.example", access.Viewer)}
	a.tell(t, "killed", func() { r.kill(t) }, func() { r.start(t) })
	a.tell(t, "frozen", func() { r.signal(t, syscall.SIGSTOP) }, func() {
		<-time.After(5 * time.Second) // longer than anything waits for it
		r.signal(t, syscall.SIGCONT)
	})
	a.tell(t, "full", func() { r.fill(t) }, func() {
		a.wantEverybodyTold(t) // nothing that is published is stored
		r.do(t, "config", "set", "maxmemory", "0")
	})
	for range 3 {
		r.do(t, "client", "kill", "type", "pubsub")
		a.wantEverybodyTold(t)
	}
	a.publishToNobody(t, r)
	r.relay.forget()
	a.wantEverybodyTold(t)
	a.book.compare(t, s.kit)
	wantRecounted(t, s.kit)
}

// away is a story in which Redis is away, time and again.
type away struct {
	story
	followers []*follower
	book      *ledger
	ann       person
}

// wantEverybodyTold has something change, and waits until all show it.
func (a *away) wantEverybodyTold(t *testing.T) {
	t.Helper()
	a.book.sendSome(t, a.kit.URL, a.acme.WriteKey)
	a.wantCaughtUp(t, a.followers...)
}

// tell has Redis go and come back under load.
func (a *away) tell(t *testing.T, how string, goes, comes func()) {
	t.Helper()
	key := a.doomedKey(t, how)
	socket := a.kit.Connect(t, key)
	wantNext(t, socketWatcher{socket, socket.Subscribe(t, live(`tenant { name }`))}, `"Acme"`)
	stop := sync.OnceFunc(a.book.send(t, a.kit.URL, a.acme.WriteKey, 1))
	defer stop()
	goes()
	a.whileAway(t, how, key)
	comes()
	stop()
	a.wantShownOut(t, socket)
	a.wantEverybodyTold(t)
	soon(t, "signing in", func() bool {
		in, code := field[signedIn](t, a.kit, "", signIn, vars{"email": a.ann.email, "password": passphrase})
		return code == "" && in.State == "SIGNED_IN"
	})
}

// publishToNobody has something published while the server cannot listen: it was told nothing,
// and will not be.
func (a *away) publishToNobody(t *testing.T, r *ownRedis) {
	t.Helper()
	config, err := pgx.ParseConfig(a.kit.DB)
	if err != nil {
		t.Fatal(err)
	}
	r.relay.obey(func(said []byte) fate {
		if bytes.Contains(said, []byte("\nsubscribe\r\n")) {
			return unsaid
		}
		return passes
	})
	r.do(t, "client", "kill", "type", "pubsub")
	soon(t, "an attempt to listen", func() bool { return r.relay.verdicts() > 0 })
	hears := r.admin.Subscribe(t.Context(), feed.Channel(config.Database))
	defer hears.Close()
	if _, err := hears.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.book.sendOne(t, a.kit.URL, a.acme.WriteKey)
	for told := false; !told; {
		ctx, cancel := context.WithTimeout(t.Context(), healedWithin)
		message, err := hears.ReceiveMessage(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		told = strings.Contains(message.Payload, "/day/")
	}
	r.relay.obey(nil)
	a.wantCaughtUp(t, a.followers...)
}

// whileAway is what holds without Redis.
func (a *away) whileAway(t *testing.T, how, key string) {
	t.Helper()
	for len(a.book.batches) > 0 {
		<-a.book.batches // from before
	}
	a.book.waitFor(t, 10)
	a.wantNoFreeGuesses(t, how)
	if n, err := access.RevokeKeys(t.Context(), a.kit.Node.Worker(), a.acme.ID, how); n != 1 || err != nil {
		t.Fatalf("%d keys were revoked: %v", n, err)
	}
	soon(t, "the end of a key", func() bool {
		return a.kit.Do(t, http.MethodPost, "/graphql", key, requestOf(t, `{ tenant { name } }`, nil)).Status == http.StatusUnauthorized
	})
	if answer := a.kit.Ask(t, a.acme.ReadKey, `{ tenant { name } }`, nil); len(answer.Errors) > 0 {
		t.Errorf("while Redis is %s, a query gives %+v", how, answer.Errors)
	}
}

// wantNoFreeGuesses guesses a password more often than is free: guesses are counted, or there are
// none.
func (a *away) wantNoFreeGuesses(t *testing.T, how string) {
	t.Helper()
	var codes []string
	for range 6 {
		_, code := field[signedIn](t, a.kit, "", signIn, vars{"email": how + "@acme.example", "password": passphrase})
		codes = append(codes, code)
	}
	if last := codes[5]; last != "UNAVAILABLE" && last != "RATE_LIMITED" {
		t.Errorf("while Redis is %s, six guesses give %v", how, codes)
	}
	t.Logf("while Redis is %s, six guesses give %v", how, codes)
}

// doomedKey is a key that will be revoked.
func (a *away) doomedKey(t *testing.T, name string) string {
	t.Helper()
	key, err := access.CreateKey(t.Context(), a.kit.Node.Worker(), a.acme.ID, access.ReadKey, name)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// wantShownOut waits until a socket is closed because of its key.
func (a *away) wantShownOut(t *testing.T, socket *served.Socket) {
	t.Helper()
	for {
		if _, err := socket.TryReceive(t); err != nil {
			wantEqual(t, "how the socket of a revoked key ends", closedBy(t, err).Closed, 4401)
			return
		}
	}
}
