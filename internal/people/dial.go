package people

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	providerWithin = 10 * time.Second // of one request to a provider
	maxAnswer      = 1 << 20          // of a provider, in bytes
)

// shielded are networks beyond those that net/netip knows as private, to which no request of
// a tenant's making goes: RFC 6890 and its registries.
var shielded = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

var errShielded = errors.New("the address is not a public one")

// isPublic reports whether an address is one of the internet.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, network := range shielded {
		if network.Contains(a) {
			return false
		}
	}
	return true
}

// outward makes a client for addresses that tenants name. What is looked at is the address
// that is dialled, after the name was resolved, at each connection: so neither a spelling of
// an address, nor a name that changes, nor a redirect leads inside.
func outward(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: providerWithin / 2}
	if !allowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !isPublic(to.Addr()) {
				return errShielded
			}
			return nil
		}
	}
	transport := &http.Transport{
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: providerWithin / 2,
		MaxIdleConns:        20, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxConnsPerHost: 10,
		ForceAttemptHTTP2: true,
	}
	return &http.Client{
		Transport: bounded{transport}, Timeout: providerWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("a provider of identities does not redirect")
		},
	}
}

// bounded cuts answers that are too long.
type bounded struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("ask provider: %w", err)
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	return answer, nil
}

// lasting is a context for what outlives the request that begins it, such as the keys of a
// provider, which are read again when they change. Each request has the client's timeout.
func lasting(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
