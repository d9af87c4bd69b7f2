package pusher

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/document"
	"github.com/tidemarkhq/tidemark/internal/patience"
)

const (
	requestWithin = 60 * time.Second
	maxAnswer     = 32 << 20
	pageSize      = 500
)

// Client asks a server's GraphQL.
type Client struct {
	url    string
	key    string
	within time.Duration
	notice func(sentence string)
	http   *http.Client
}

// NewClient makes a client of the server at an address, such as http://127.0.0.1:8080, that
// tries for as long as within while the server is away or too busy.
func NewClient(address, key string, within time.Duration, notice func(sentence string)) (*Client, error) {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("--url is not of the form https://host")
	}
	if key == "" {
		return nil, errors.New("a key is needed that may manage documents: --key, or TIDEMARK_KEY, as key create --kind manage has printed it")
	}
	return &Client{url: strings.TrimRight(address, "/") + "/graphql", key: key, within: within, notice: notice, http: &http.Client{
		Timeout: requestWithin,
		// A redirect would take the key to another place.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

const registration = `mutation RegisterDocuments($documents: [DocumentInput!]!) {
  registerDocuments(documents: $documents) { outcomes { status field reason } }
}`

func (c *Client) register(ctx context.Context, batch []Document) ([]Outcome, error) {
	type draft struct {
		Name string `json:"name,omitempty"`
		Body string `json:"body"`
	}
	drafts := make([]draft, len(batch))
	for i, d := range batch {
		drafts[i] = draft{d.Name, d.Body}
	}
	var answer struct {
		RegisterDocuments struct {
			Outcomes []struct {
				Status        document.Status
				Field, Reason string
			}
		}
	}
	if err := c.ask(ctx, registration, map[string]any{"documents": drafts}, &answer); err != nil {
		return nil, err
	}
	got := answer.RegisterDocuments.Outcomes
	if len(got) != len(batch) {
		return nil, errForeign
	}
	outcomes := make([]Outcome, len(batch))
	for i, d := range batch {
		outcomes[i] = Outcome{d, got[i].Status, got[i].Reason}
	}
	return outcomes, nil
}

// Listed is a document that a server has.
type Listed struct {
	Hash, Name string
	CreatedAt  time.Time
	RetiredAt  *time.Time
}

const listing = `query TrustedDocuments($after: String, $retired: Boolean!, $first: Int!) {
  trustedDocuments(first: $first, after: $after, retired: $retired) {
    nodes { hash name createdAt retiredAt }
    pageInfo { hasNextPage endCursor }
  }
}`

// List gives the documents that may run, or those that are retired, to each, the newest first.
func (c *Client) List(ctx context.Context, retired bool, each func(Listed)) error {
	var after *string
	for {
		var answer struct {
			TrustedDocuments struct {
				Nodes    []Listed
				PageInfo struct {
					HasNextPage bool
					EndCursor   *string
				}
			}
		}
		if err := c.ask(ctx, listing, map[string]any{"after": after, "retired": retired, "first": pageSize}, &answer); err != nil {
			return err
		}
		for _, d := range answer.TrustedDocuments.Nodes {
			each(d)
		}
		page := answer.TrustedDocuments.PageInfo
		if !page.HasNextPage || page.EndCursor == nil {
			return nil
		}
		after = page.EndCursor
	}
}

// ask sends an operation until there is an answer. All of them can be sent again.
func (c *Client) ask(ctx context.Context, query string, variables map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	return patience.Try(ctx, c.within, c.notice, func() error { return c.post(ctx, body, into) })
}

var errForeign = errors.New("the answer is not one of Tidemark's; --url is where it serves")

func (c *Client) post(ctx context.Context, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/graphql-response+json, application/json;q=0.9")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return patience.FailureOf(response, text)
	}
	return decode(text, into)
}

// decode reads an answer. An error among it is the server's last word, unless it passes.
func decode(text []byte, into any) error {
	var answer struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return &patience.Failure{Reason: errForeign.Error()}
	}
	if len(answer.Errors) > 0 {
		e := answer.Errors[0]
		passes := e.Extensions.Code == "UNAVAILABLE" || e.Extensions.Code == "TIMEOUT"
		return &patience.Failure{Reason: "the server says: " + e.Message, Again: passes}
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return &patience.Failure{Reason: errForeign.Error()}
	}
	return nil
}
