package fault

import (
	"context"
	"net/netip"
	"strings"
)

// maxUserAgent bounds what is kept of a user agent, in bytes.
const maxUserAgent = 256

// Client is where a request comes from. Limits, audit and the list of sessions name it.
type Client struct {
	Address   netip.Addr // not valid outside of a request
	UserAgent string     // as it was sent: at most 256 bytes of UTF-8, of which nothing can be believed
	Secure    bool       // whether it came by TLS, to us or to a trusted proxy before us
}

type clientKey struct{}

// WithClient returns a context that carries the client, its user agent cut to size.
func WithClient(ctx context.Context, c Client) context.Context {
	if len(c.UserAgent) > maxUserAgent {
		c.UserAgent = c.UserAgent[:maxUserAgent]
	}
	c.UserAgent = strings.ToValidUTF8(c.UserAgent, "")
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientOf is the client whose request it is; the zero Client outside of one.
func ClientOf(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}
