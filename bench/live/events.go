//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/demo"
)

// eventsOfTenant are sent for each, so that a series has figures, on every day; and so many of
// them in a request.
const eventsOfTenant, eventsAtOnce = 1000, 500

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

// send stores events of the last 90 days, of a company like those of the demo.
func (t tenantOf) send(ctx context.Context, base string, seed uint64) error {
	until := time.Now().UTC().Truncate(time.Minute)
	plan := demo.Plan{Seed: seed, Events: eventsOfTenant, Until: until, Days: seriesDays}
	var all []message
	for day := range seriesDays { // a company of this size would have days without any
		all = append(all, message{
			Type: "track", Event: "Opened", MessageID: fmt.Sprint("day-", day), UserID: "daily",
			Timestamp: until.AddDate(0, 0, -day), Properties: []byte(`{}`), Context: []byte(`{}`),
		})
	}
	for e := range plan.Generate(demo.Companies()[0]) {
		all = append(all, message{"track", e.Type, e.MessageID, e.UserID, e.AnonymousID, e.At, e.Properties, e.Context})
	}
	for batch := range slices.Chunk(all, eventsAtOnce) {
		if err := t.sendBatch(ctx, base, batch); err != nil {
			return err
		}
	}
	return nil
}

func (t tenantOf) sendBatch(ctx context.Context, base string, batch []message) error {
	body, err := json.Marshal(map[string]any{"batch": batch})
	if err != nil {
		return fmt.Errorf("render events: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/batch", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.SetBasicAuth(t.write, "")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("send events: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !bytes.Contains(answer, []byte(`"ACCEPTED"`)) {
		return fmt.Errorf("send events: %s: %.300s (%w)", response.Status, answer, err)
	}
	return nil
}
