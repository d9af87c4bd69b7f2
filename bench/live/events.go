//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tidemarkhq/tidemark/internal/demo"
)

// eventsOfTenant are sent for each, in one request, so that a series has figures.
const eventsOfTenant = 500

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
	plan := demo.Plan{Seed: seed, Events: 2 * eventsOfTenant, Until: time.Now().UTC().Truncate(time.Minute), Days: seriesDays}
	var batch []message
	for e := range plan.Generate(demo.Companies()[0]) {
		if batch = append(batch, message{"track", e.Type, e.MessageID, e.UserID, e.AnonymousID, e.At, e.Properties, e.Context}); len(batch) == eventsOfTenant {
			break
		}
	}
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
