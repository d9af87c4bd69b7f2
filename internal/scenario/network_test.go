package scenario_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket/wsjson"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// network is a server whose every connection goes over a relay: to PostgreSQL, to Redis, and to
// whoever asks it.
type network struct {
	story
	url     string // of the way to the server
	between map[string]*relay
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	database := testkit.Database(t)
	sql, through := before(t, database)
	r, overRedis := overRedis(t)
	kit := served.StartOn(t, database, overRedis, func(c *tidemark.Config) { c.DatabaseURL = through })
	front, url := before(t, kit.URL)
	s := story{kit, kit.Tenant(t, "Acme", "Europe/Berlin"), kit.Tenant(t, "Globex", "America/New_York")}
	return &network{s, url, map[string]*relay{"PostgreSQL": sql, "Redis": r, "clients": front}}
}

func (n *network) become(w weather) {
	for _, r := range n.between {
		r.become(w)
	}
}

func (n *network) cut() {
	for _, r := range n.between {
		r.cut()
	}
}

// Whatever the network does to what is said: events are stored once, every answer is whole and
// reaches who asked for it, and once it is calm, all that is watched is shown as it is.
func TestABadNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("lets a network be bad for a while")
	}
	t.Parallel()
	n := newNetwork(t)
	followers, book := n.follow(t, n.url), newLedger(t)
	many := n.askers(t, book)
	stop := book.send(t, n.url, n.acme.WriteKey, 1)
	for _, w := range []weather{
		{sliced: true},
		{delay: 20 * time.Millisecond},
		{sliced: true, delay: 2 * time.Millisecond, resets: 300},
	} {
		n.become(w)
		for range 3 {
			storm := time.AfterFunc(time.Second/2, func() {
				if w.resets > 0 {
					n.cut()
				}
			})
			many.ask(t, time.Second)
			storm.Stop()
		}
		n.become(weather{})
	}
	n.wantLoadStored(t, stop, book, followers)
	if many.answered.Load() < 100 || many.broken.Load() == 0 {
		t.Errorf("%d questions were answered, and %d broke: there was no load, or no weather", many.answered.Load(), many.broken.Load())
	}
	t.Logf("%d questions were answered, and %d broke", many.answered.Load(), many.broken.Load())
}

// askers are many who ask at once, each for something of their own.
type askers struct {
	url              string
	firms            []firm
	answered, broken atomic.Int64
	number           atomic.Int64
}

// firm is a company of a number of events that no other has.
type firm struct {
	name, key string
	events    int
}

// note writes into the ledger what came by another way.
func (l *ledger) note(what, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(what, []string{id})
}

func (n *network) askers(t *testing.T, book *ledger) *askers {
	t.Helper()
	c := &askers{url: n.url}
	for i := range 8 {
		one := firm{name: fmt.Sprint("Company ", i), events: i}
		who := n.kit.Tenant(t, one.name, "UTC")
		one.key = who.ReadKey
		for m := range i {
			id := fmt.Sprintf("firm-%d-%d", i, m)
			who.Batch(t, event(id, "E", "u1", noon))
			book.note("sent", id)
			book.note("acknowledged", id)
		}
		c.firms = append(c.firms, one)
	}
	return c
}

// ask has all ask for a while, over connections that each has to itself and uses again.
func (c *askers) ask(t *testing.T, while time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), while)
	defer cancel()
	var asking sync.WaitGroup
	for _, who := range c.firms {
		for _, by := range []func(context.Context, *testing.T, firm) error{c.overHTTP, c.overSocket} {
			asking.Go(func() {
				for ctx.Err() == nil {
					if err := by(ctx, t, who); err != nil && ctx.Err() == nil {
						c.broken.Add(1)
					}
				}
			})
		}
	}
	asking.Wait()
}

// question is one that nobody else asks, and the one right answer to it.
func (c *askers) question(who firm) (query, answer string) {
	alias := fmt.Sprintf("q%d", c.number.Add(1))
	switch rand.N(3) {
	case 0:
		return fmt.Sprintf(`{ %s: tenant { name } }`, alias), fmt.Sprintf(`{"%s":{"name":"%s"}}`, alias, who.name)
	case 1:
		return fmt.Sprintf(`{ events(%s) { %s: count } }`, ever, alias), fmt.Sprintf(`{"events":{"%s":%d}}`, alias, who.events)
	}
	alias += strings.Repeat("x", rand.N(2_000))
	return fmt.Sprintf(`{ tenant { %s: name } }`, alias), fmt.Sprintf(`{"tenant":{"%s":"%s"}}`, alias, who.name)
}

// check holds an answer against the right one. One with errors says that it could not be given.
func (c *askers) check(t *testing.T, text []byte, want string) error {
	var got served.Answer
	if err := json.Unmarshal(text, &got); err != nil {
		t.Errorf("an answer was cut short, and taken for whole: %.200s", text)
		return err
	}
	if len(got.Errors) > 0 {
		if code := got.Errors[0].Extensions.Code; !isNull(got.Data) || code != "UNAVAILABLE" && code != "TIMEOUT" {
			t.Errorf("what could not be answered is %s: %.200s", code, text)
		}
		return fmt.Errorf("%+v", got.Errors)
	}
	c.answered.Add(1)
	if string(got.Data) != want {
		t.Errorf("got %.200s, want %.200s", got.Data, want)
	}
	return nil
}

// overHTTP asks over one connection until it breaks.
func (c *askers) overHTTP(ctx context.Context, t *testing.T, who firm) error {
	transport := &http.Transport{MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	for ctx.Err() == nil {
		query, want := c.question(who)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/graphql", strings.NewReader(toJSON(t, vars{"query": query})))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+who.key)
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return err // it was cut short, and says so
		}
		if err := c.check(t, text, want); err != nil {
			return err
		}
	}
	return nil
}

// overSocket asks several things at a time over one socket until it breaks.
func (c *askers) overSocket(ctx context.Context, t *testing.T, who firm) error {
	conn, err := served.DialSocket(ctx, c.url, who.key)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	if err := wsjson.Write(ctx, conn, served.Frame{Type: "connection_init"}); err != nil {
		return err
	}
	wants := map[string]string{}
	for {
		var f served.Frame
		if err := wsjson.Read(ctx, conn, &f); err != nil {
			return err
		}
		switch want, asked := wants[f.ID]; {
		case f.Type == "next" && asked:
			if err := c.check(t, f.Payload, want); err != nil {
				return err
			}
		case f.Type == "complete":
			delete(wants, f.ID)
		case f.Type == "error":
			return fmt.Errorf("%s", f.Payload)
		case f.Type != "connection_ack":
			t.Errorf("somebody is sent %s %s, and did not ask for it", f.Type, f.ID)
		}
		for len(wants) < 3 {
			query, want := c.question(who)
			id := fmt.Sprint(c.number.Add(1))
			wants[id] = want
			say := served.Frame{ID: id, Type: "subscribe", Payload: json.RawMessage(toJSON(t, vars{"query": query}))}
			if err := wsjson.Write(ctx, conn, say); err != nil {
				return err
			}
		}
	}
}
