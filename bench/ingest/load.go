package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/demo"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

const (
	perRequest = 500 // events, well below the limits of a batch
	senders    = 40  // concurrent requests of one tenant: a transaction and as much that waits
	sendWithin = 30 * time.Second
)

// part is what one tenant sends: one tenant is written by one connection at a time.
type part struct {
	id     tenant.ID
	key    string
	bodies [][]byte
	events int
}

// prepare makes as many tenants as connections, and the bodies that they will send.
func (h *house) prepare(ctx context.Context, connections, events int) ([]part, error) {
	parts := make([]part, connections)
	for i := range parts {
		h.tenants++
		id, err := access.CreateTenant(ctx, h.worker, fmt.Sprint("Bench ", h.tenants), "Europe/Berlin", time.Monday)
		if err != nil {
			return nil, err
		}
		key, err := access.CreateKey(ctx, h.worker, id, access.WriteKey, "bench")
		if err != nil {
			return nil, err
		}
		parts[i] = part{id: id, key: key}
		if err := parts[i].render(uint64(h.tenants), events/connections); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// message is an event as Segment's clients send it.
type message struct {
	Type        string          `json:"type"`
	Event       string          `json:"event"`
	MessageID   string          `json:"messageId"`
	UserID      string          `json:"userId,omitempty"`
	AnonymousID string          `json:"anonymousId,omitempty"`
	Timestamp   time.Time       `json:"timestamp"`
	Properties  json.RawMessage `json:"properties"`
	Context     json.RawMessage `json:"context"`
}

// render writes the bodies of a demo company's last month.
func (p *part) render(seed uint64, events int) error {
	plan := demo.Plan{Seed: seed, Events: 2 * events, Until: time.Now().UTC().Truncate(time.Minute), Days: 30}
	var batch []message
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		body, err := json.Marshal(map[string]any{"batch": batch})
		if err != nil {
			return fmt.Errorf("render a batch: %w", err)
		}
		p.bodies, p.events = append(p.bodies, body), p.events+len(batch)
		batch = batch[:0]
		return nil
	}
	for e := range plan.Generate(demo.Companies()[0]) {
		batch = append(batch, message{"track", e.Type, e.MessageID, e.UserID, e.AnonymousID, e.At, e.Properties, e.Context})
		if len(batch) == perRequest {
			if err := flush(); err != nil {
				return err
			}
		}
		if p.events+len(batch) >= events {
			break
		}
	}
	return flush()
}

// ingest sends all parts at once, and returns the events a second, and what they cost.
func (h *house) ingest(ctx context.Context, parts []part) (perSecond float64, spent cost, err error) {
	before := h.spent()
	start, events := time.Now(), 0
	group, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		events += parts[i].events
		group.Go(func() error { return h.send(ctx, &parts[i]) })
	}
	if err := group.Wait(); err != nil {
		return 0, spent, err
	}
	perSecond = float64(events) / time.Since(start).Seconds()
	return perSecond, h.spent().since(before, events), nil
}

func (h *house) send(ctx context.Context, p *part) error {
	client := &http.Client{Timeout: sendWithin, Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(senders)
	for _, body := range p.bodies {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return h.post(ctx, client, p.key, body) })
	}
	return group.Wait()
}

func (h *house) post(ctx context.Context, client *http.Client, key string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+"/v1/batch", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.SetBasicAuth(key, "")
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("send events: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if n := bytes.Count(answer, []byte(`"ACCEPTED"`)); response.StatusCode != http.StatusOK || n < perRequest && n == 0 {
		return fmt.Errorf("send events: %s, %d accepted: %.300s", response.Status, n, answer)
	}
	return nil
}
