package httpserver

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

func networks(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// arrival is what withClient has made of a request.
type arrival struct {
	client fault.Client
	host   string
	header http.Header
}

func arrive(trusted proxies, peer string, headers ...string) (got arrival) {
	r := httptest.NewRequest(http.MethodPost, "http://tidemark.test/graphql", nil)
	r.RemoteAddr = peer
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	withClient(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = arrival{fault.ClientOf(r.Context()), r.Host, r.Header}
	})).ServeHTTP(httptest.NewRecorder(), r)
	return got
}

func TestWhereARequestComesFrom(t *testing.T) {
	const forged = "203.0.113.66" // an address that the sender would like to have
	for name, c := range map[string]struct {
		peer string
		xff  []string
		want string
	}{
		"nobody between":                 {"198.51.100.7:4711", nil, "198.51.100.7"},
		"nobody between, forged":         {"198.51.100.7:4711", []string{forged}, "198.51.100.7"},
		"nobody between, forged a proxy": {"198.51.100.7:4711", []string{"10.0.0.1"}, "198.51.100.7"},
		"a proxy":                        {"10.0.0.1:80", []string{"198.51.100.7"}, "198.51.100.7"},
		"a proxy, forged":                {"10.0.0.1:80", []string{forged + ", 198.51.100.7"}, "198.51.100.7"},
		"a proxy, forged in a line":      {"10.0.0.1:80", []string{forged, "198.51.100.7"}, "198.51.100.7"},
		"a proxy, forged many":           {"10.0.0.1:80", []string{strings.Repeat(forged+",", 5000) + "198.51.100.7"}, "198.51.100.7"},
		"a proxy, forged proxies":        {"10.0.0.1:80", []string{"10.0.0.5, " + forged + ", 198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		"two proxies":                    {"10.0.0.1:80", []string{"198.51.100.7, 10.9.9.9"}, "198.51.100.7"},
		"two proxies, two lines":         {"10.0.0.1:80", []string{"198.51.100.7", "10.9.9.9"}, "198.51.100.7"},
		"a proxy of version 6":           {"[2001:db8:1::1]:80", []string{forged + ",2001:db8:2::7"}, "2001:db8:2::7"},
		"a proxy that nobody trusts":     {"192.0.2.1:80", []string{"198.51.100.7"}, "192.0.2.1"},
		"one trusted, one not":           {"10.0.0.1:80", []string{"198.51.100.7, 192.0.2.1"}, "192.0.2.1"},
		"only proxies":                   {"10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"a proxy that says nothing":      {"10.0.0.1:80", nil, "10.0.0.1"},
		"a proxy that says an empty one": {"10.0.0.1:80", []string{""}, "10.0.0.1"},
		"with a port":                    {"10.0.0.1:80", []string{"198.51.100.7:12345"}, "198.51.100.7"},
		"in brackets":                    {"10.0.0.1:80", []string{"[2001:db8:2::7]"}, "2001:db8:2::7"},
		"in brackets, with a port":       {"10.0.0.1:80", []string{"[2001:db8:2::7]:443"}, "2001:db8:2::7"},
		"mapped into version 6":          {"[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"with a zone":                    {"10.0.0.1:80", []string{"fe80::1%eth0"}, "fe80::1"},
		"no address":                     {"10.0.0.1:80", []string{forged + ", unknown"}, "10.0.0.1"},
		"no address, behind a proxy":     {"10.0.0.1:80", []string{forged + ", _hidden, 10.0.0.2"}, "10.0.0.2"},
		"SQL":                            {"10.0.0.1:80", []string{"'; drop table event; --"}, "10.0.0.1"},
		"more hops than are followed":    {"10.0.0.1:80", []string{forged + strings.Repeat(",10.0.0.2", 100)}, "10.0.0.2"},
	} {
		var headers []string
		for _, line := range c.xff {
			headers = append(headers, "X-Forwarded-For", line)
		}
		got := arrive(networks("10.0.0.0/8", "2001:db8:1::/48"), c.peer, headers...)
		if got.client.Address.String() != c.want {
			t.Errorf("%s: it comes from %s, want %s", name, got.client.Address, c.want)
		}
	}
}

// Without a list, nobody is believed, not even a neighbour on the same machine.
func TestNobodyIsTrustedUnlessNamed(t *testing.T) {
	got := arrive(nil, "127.0.0.1:80", "X-Forwarded-For", "203.0.113.66", "X-Real-Ip", "203.0.113.66", "Forwarded", "for=203.0.113.66;proto=https;host=evil.test",
		"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.test")
	if got.client.Address.String() != "127.0.0.1" || got.client.Secure || got.host != "tidemark.test" {
		t.Errorf("a forged header is believed: %+v, host %s", got.client, got.host)
	}
	for _, name := range forwarded {
		if got.header.Get(name) != "" {
			t.Errorf("%s is passed on", name)
		}
	}
}

func TestWhatATrustedProxySays(t *testing.T) {
	for name, c := range map[string]struct {
		header, value string
		secure        bool
		host          string
	}{
		"https":                     {"X-Forwarded-Proto", "https", true, "tidemark.test"},
		"in capitals":               {"X-Forwarded-Proto", "HTTPS", true, "tidemark.test"},
		"http":                      {"X-Forwarded-Proto", "http", false, "tidemark.test"},
		"forged, then http":         {"X-Forwarded-Proto", "https, http", false, "tidemark.test"},
		"forged, then https":        {"X-Forwarded-Proto", "http,https", true, "tidemark.test"},
		"a host":                    {"X-Forwarded-Host", "app.example.com", false, "app.example.com"},
		"a host with a port":        {"X-Forwarded-Host", "app.example.com:8443", false, "app.example.com:8443"},
		"forged, then a host":       {"X-Forwarded-Host", "evil.test, app.example.com", false, "app.example.com"},
		"no host":                   {"X-Forwarded-Host", "", false, "tidemark.test"},
		"a host with a user":        {"X-Forwarded-Host", "app.example.com@evil.test", false, "tidemark.test"},
		"a host with a path":        {"X-Forwarded-Host", "evil.test/x", false, "tidemark.test"},
		"a host that is a megabyte": {"X-Forwarded-Host", strings.Repeat("x", 1<<20), false, "tidemark.test"},
	} {
		got := arrive(networks("10.0.0.0/8"), "10.0.0.1:80", c.header, c.value)
		if got.client.Secure != c.secure || got.host != c.host {
			t.Errorf("%s: secure %v, host %.40s", name, got.client.Secure, got.host)
		}
		if got.header.Get(c.header) != "" {
			t.Errorf("%s: the header is passed on", name)
		}
	}
}
