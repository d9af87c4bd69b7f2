package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/internal/demo"
)

const (
	trafficPerSecond = 0.5              // events of one demo company, on average
	trafficTimeout   = 10 * time.Second // of one request
)

// demoTraffic sends live events of the demo's companies to the server at base, as any
// sender would, until ctx ends.
func (n *Node) demoTraffic(ctx context.Context, state DemoState, base string) error {
	transport := &http.Transport{}
	if n.certificate != nil {
		transport.TLSClientConfig = n.certificate.Client()
	}
	defer transport.CloseIdleConnections()
	var group errgroup.Group
	for i, c := range demo.Companies() {
		sender := trafficSender{
			client: &http.Client{Timeout: trafficTimeout, Transport: transport}, url: base + "/v1/track",
			key: state.Tenants[i].WriteKey, logger: n.logger,
		}
		stream := state.plan().Live(c, trafficPerSecond)
		group.Go(func() error {
			sender.run(ctx, stream)
			return nil
		})
	}
	return group.Wait()
}

type trafficSender struct {
	client *http.Client
	url    string
	key    string
	logger *slog.Logger
}

func (s trafficSender) run(ctx context.Context, stream *demo.Live) {
	for {
		e, pause := stream.Next(time.Now().UTC())
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := s.send(ctx, e); err != nil && ctx.Err() == nil {
			s.logger.WarnContext(ctx, "demo traffic was not taken", "error", err)
		}
	}
}

func (s trafficSender) send(ctx context.Context, e demo.Event) error {
	body, err := json.Marshal(map[string]any{
		"messageId": e.MessageID, "event": e.Type, "userId": e.UserID, "anonymousId": e.AnonymousID,
		"timestamp": e.At, "properties": e.Properties, "context": e.Context,
	})
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.SetBasicAuth(s.key, "")
	response, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("send event: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // so that the connection can be used again
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("send event: %s", response.Status)
	}
	return nil
}
