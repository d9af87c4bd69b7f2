package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/demo"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/ticket"
)

// demoSeed decides what the demo's companies went through.
const demoSeed = 1

// DemoState is what is kept about the demo between runs, in a file that only its owner
// can read: it holds keys.
type DemoState struct {
	Seed    uint64       `json:"seed"`
	Events  int          `json:"events"`
	Until   time.Time    `json:"until"`
	Loaded  bool         `json:"loaded"`
	Tenants []DemoTenant `json:"tenants"` // in the order of demo.Companies
	// Password is that of all people of the demo.
	Password string `json:"password,omitempty"`
}

// DemoTenant is one demo company as it stands in the database.
type DemoTenant struct {
	Company  string `json:"company"`
	Tenant   string `json:"tenant"`
	WriteKey string `json:"writeKey"`
	ReadKey  string `json:"readKey"`
	// Of a demo that an earlier release loaded there is none until it is started again.
	ManageKey string `json:"manageKey"`
	// People can sign in, with the demo's password.
	People []DemoPerson `json:"people,omitempty"`
}

func (s DemoState) plan() demo.Plan { return demo.Plan{Seed: s.Seed, Events: s.Events, Until: s.Until} }

func demoFile(dir string) string { return filepath.Join(dir, "demo.json") }

// readDemo reads the state; a missing file gives the zero state.
func readDemo(dir string) (s DemoState, err error) {
	data, err := os.ReadFile(demoFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read demo state: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("read demo state in %s: %w", demoFile(dir), err)
	}
	return s, nil
}

// writeSecret writes content as JSON, for its owner alone to read.
func writeSecret(path string, content any) error {
	data, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writePrivate(path, append(data, '\n'))
}

// writePrivate writes a file that only its owner can read, whole or not at all.
func writePrivate(path string, data []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// LoadDemo brings the demo of this many events into the database, and resumes where an
// earlier run was stopped. Where one is loaded already it is left as it is, unless fresh is
// set: then new tenants are made.
func (n *Node) LoadDemo(ctx context.Context, dir string, events int, fresh bool, report func(done, total int)) (DemoState, error) {
	state, err := n.demoState(ctx, dir, events, fresh)
	if err != nil || state.Loaded {
		return state, err
	}
	if err := n.loadEvents(ctx, state, report); err != nil {
		return state, err
	}
	if err := n.analyze(ctx); err != nil {
		return state, err
	}
	if err := n.healthDemo(ctx, state); err != nil {
		return state, err
	}
	if err := n.cohortDemo(ctx, state); err != nil {
		return state, err
	}
	state.Loaded = true
	return state, writeSecret(demoFile(dir), state)
}

// demoState finds the state to go on from, or begins a new one.
func (n *Node) demoState(ctx context.Context, dir string, events int, fresh bool) (DemoState, error) {
	state, err := readDemo(dir)
	if err != nil {
		return state, err
	}
	known := len(state.Tenants) == len(demo.Companies())
	if known {
		if known, err = access.KeyLives(ctx, n.worker, state.Tenants[0].ReadKey); err != nil {
			return state, err
		}
	}
	if known && (!fresh || (!state.Loaded && state.Events == events)) {
		return n.completeDemo(ctx, dir, state)
	}
	state = DemoState{Seed: demoSeed, Events: events, Until: time.Now().UTC().Truncate(time.Minute)}
	for _, c := range demo.Companies() {
		t, err := n.makeDemoTenant(ctx, c)
		if err != nil {
			return state, err
		}
		state.Tenants = append(state.Tenants, t)
	}
	return state, writeSecret(demoFile(dir), state)
}

// completeDemo gives the demo what an earlier release did not give it.
func (n *Node) completeDemo(ctx context.Context, dir string, state DemoState) (DemoState, error) {
	for i := range state.Tenants {
		t := &state.Tenants[i]
		if t.ManageKey != "" {
			continue
		}
		id, err := tenant.Parse(t.Tenant)
		if err != nil {
			return state, err
		}
		if t.ManageKey, err = access.CreateKey(ctx, n.worker, id, access.ManageKey, "demo manage"); err != nil {
			return state, err
		}
		if err := writeSecret(demoFile(dir), state); err != nil {
			return state, err
		}
	}
	return state, nil
}

func (n *Node) makeDemoTenant(ctx context.Context, c demo.Company) (DemoTenant, error) {
	id, err := access.CreateTenant(ctx, n.worker, c.Name, c.Zone, c.WeekStart)
	if err != nil {
		return DemoTenant{}, err
	}
	made := DemoTenant{Company: c.Key, Tenant: id.String()}
	if made.WriteKey, err = access.CreateKey(ctx, n.worker, id, access.WriteKey, "demo write"); err != nil {
		return made, err
	}
	if made.ReadKey, err = access.CreateKey(ctx, n.worker, id, access.ReadKey, "demo read"); err != nil {
		return made, err
	}
	made.ManageKey, err = access.CreateKey(ctx, n.worker, id, access.ManageKey, "demo manage")
	return made, err
}

const (
	loadChunk   = 2_500 // events in one call of the writer
	loadAtOnce  = 4     // calls at a time for each company: they share transactions
	loadTimeout = 2 * time.Minute
)

func (n *Node) loadEvents(ctx context.Context, state DemoState, report func(done, total int)) error {
	writer := n.Writer(event.WriterOptions{Deadline: loadTimeout})
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var owner errgroup.Group
	owner.Go(func() error { return writer.Run(background) })
	defer func() {
		stop()
		_ = owner.Wait() // a writer's Run has no errors of its own
	}()
	loaded := newLoaded(state.Events, report)
	group, ctx := errgroup.WithContext(ctx)
	for i, c := range demo.Companies() {
		id, err := tenant.Parse(state.Tenants[i].Tenant)
		if err != nil {
			return err
		}
		group.Go(func() error {
			earned := newTill(revenue.NewService(n.app), id, state.plan(), c)
			if err := loadCompany(ctx, writer, id, earned, loaded); err != nil {
				return err
			}
			if err := earned.load(ctx); err != nil {
				return err
			}
			return earned.askSupport(ctx, ticket.NewService(n.app))
		})
	}
	return group.Wait()
}

func loadCompany(ctx context.Context, writer *event.Writer, id tenant.ID, of *till, loaded *loaded) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loadAtOnce)
	send := func(chunk []event.Item) {
		group.Go(func() error {
			verdicts, err := writer.Append(ctx, id, "default", chunk)
			if err != nil {
				return fmt.Errorf("load demo of %s: %w", of.company.Name, err)
			}
			loaded.add(len(verdicts))
			return allTaken(verdicts)
		})
	}
	chunk := make([]event.Item, 0, loadChunk)
	for e := range of.plan.Generate(of.company) {
		of.see(e)
		chunk = append(chunk, demoItem(e))
		if len(chunk) == loadChunk {
			send(chunk)
			chunk = make([]event.Item, 0, loadChunk)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(chunk) > 0 {
		send(chunk)
	}
	return group.Wait()
}

func demoItem(e demo.Event) event.Item {
	item := event.Item{Incoming: event.Incoming{
		MessageID: e.MessageID, Type: e.Type, UserID: e.UserID, AnonymousID: e.AnonymousID,
		Timestamp: e.At, Properties: e.Properties, Context: e.Context, GroupID: e.AccountID, Traits: e.Traits,
	}}
	item.Problem = item.Check()
	return item
}

// allTaken makes sure that the demo is what its stories say. After a resumed load the
// first part is duplicates.
func allTaken(verdicts []event.Verdict) error {
	for _, v := range verdicts {
		if v.Status != event.Accepted && v.Status != event.Duplicate {
			return fmt.Errorf("load demo: event %s was %s: %s", v.MessageID, v.Status, v.Reason)
		}
	}
	return nil
}

// analyze tells the planner what the load has put there; the tables are the owner's.
func (n *Node) analyze(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, n.config.DatabaseURL)
	if err != nil {
		return fmt.Errorf("connect to analyze: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "analyze"); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}
