package httpserver

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// maxHops bounds how far back a chain of proxies is followed.
const maxHops = 32

// forwarded are the headers that proxies tell by. Whatever they say is told to nobody but
// withClient: behind it, they are gone.
var forwarded = []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "Forwarded"}

// proxies are the networks whose word on where a request comes from is believed.
type proxies []netip.Prefix

func (p proxies) trust(address netip.Addr) bool {
	for _, network := range p {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// withClient says in the context whose request it is, and gives the request the host that
// the client asked for.
func withClient(trusted proxies, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := fault.Client{Address: trusted.clientAddress(r), UserAgent: r.UserAgent(), Secure: r.TLS != nil}
		r = r.WithContext(r.Context()) // a copy, whose host is ours to set
		if trusted.trust(peer(r)) {
			client.Secure = client.Secure || strings.EqualFold(lastOf(r, "X-Forwarded-Proto"), "https")
			if host := lastOf(r, "X-Forwarded-Host"); isHost(host) {
				r.Host = host
			}
		}
		for _, name := range forwarded {
			r.Header.Del(name)
		}
		next.ServeHTTP(w, r.WithContext(fault.WithClient(r.Context(), client)))
	})
}

// peer is the address at the other end of the connection.
func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// clientAddress is the right-most address that is not a trusted proxy's: each proxy appends
// whom it heard from, so what stands left of that is the client's own invention (RFC 7239,
// section 8.1). A chain that cannot be read is followed as far as it can.
func (p proxies) clientAddress(r *http.Request) netip.Addr {
	address, lines := peer(r), r.Header.Values("X-Forwarded-For")
	for hop := 0; hop < maxHops && len(lines) > 0 && p.trust(address); hop++ {
		last := len(lines) - 1
		rest, text, more := cutLast(lines[last])
		before, ok := parseHop(text)
		if !ok {
			break
		}
		if address = before; more {
			lines = append(lines[:last:last], rest)
		} else {
			lines = lines[:last]
		}
	}
	return address
}

// cutLast cuts the last entry off a list; more tells whether there is another.
func cutLast(list string) (rest, last string, more bool) {
	at := strings.LastIndexByte(list, ',')
	if at < 0 {
		return "", list, false
	}
	return list[:at], list[at+1:], true
}

// parseHop reads an address as proxies write it: bare, in brackets, or with a port.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap().WithZone(""), true
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return address.Unmap().WithZone(""), err == nil
}

// lastOf is what the nearest proxy says: the last value of the last header.
func lastOf(r *http.Request, name string) string {
	values := r.Header.Values(name)
	if len(values) == 0 {
		return ""
	}
	_, last, _ := cutLast(values[len(values)-1])
	return strings.TrimSpace(last)
}

// isHost lets through what can be the host of a URL, with or without a port.
func isHost(text string) bool {
	const maxHost = 260 // a name of 253 bytes (RFC 1035, section 2.3.4), a colon and a port
	if text == "" || len(text) > maxHost {
		return false
	}
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._:[]", rune(c)) {
			return false
		}
	}
	return true
}
