package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/httpserver"
)

// checkEdge reports what is wrong with what is told about the world before the server:
// pages, proxies, TLS.
func (c Config) checkEdge() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, text := range c.Origins {
		if _, ok := parseOrigin(text); !ok {
			add("TIDEMARK_ORIGINS has an entry that is not of the form https://host: %q", text)
		}
	}
	for _, text := range c.TrustedProxies {
		if network, ok := parseNetwork(text); !ok {
			add("TIDEMARK_TRUSTED_PROXIES has an entry that is not an address or a network: %q", text)
		} else if network.Bits() == 0 {
			add("TIDEMARK_TRUSTED_PROXIES has an entry that trusts everybody: %q", text)
		}
	}
	problems = append(problems, c.checkTLS())
	return errors.Join(problems...)
}

func (c Config) checkTLS() error {
	if c.TLSCert == "" && c.TLSKey == "" {
		return nil
	}
	if c.TLSCert == "" || c.TLSKey == "" {
		return errors.New("TIDEMARK_TLS_CERT and TIDEMARK_TLS_KEY go together")
	}
	if _, err := httpserver.LoadCertificate(c.TLSCert, c.TLSKey, nil); err != nil {
		return fmt.Errorf("TIDEMARK_TLS_CERT and TIDEMARK_TLS_KEY: %w", err)
	}
	return nil
}

// parseOrigin gives an origin as browsers write it (RFC 6454, section 6.2): in small letters,
// without a default port. "*" stands for all.
func parseOrigin(text string) (string, bool) {
	if text == "*" {
		return text, true
	}
	u, err := url.Parse(strings.ToLower(text))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.TrimSuffix(u.Path, "/") != "" {
		return "", false
	}
	switch u.Scheme {
	case "http":
		return "http://" + strings.TrimSuffix(u.Host, ":80"), true
	case "https":
		return "https://" + strings.TrimSuffix(u.Host, ":443"), true
	}
	return "", false
}

func parseNetwork(text string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap().WithZone("")
		return netip.PrefixFrom(address, address.BitLen()), true
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err == nil
}

// origins are the foreign origins, as browsers write them.
func (c Config) origins() (list []string) {
	for _, text := range c.Origins {
		if origin, ok := parseOrigin(text); ok {
			list = append(list, origin)
		}
	}
	return list
}

func (c Config) proxies() (list []netip.Prefix) {
	for _, text := range c.TrustedProxies {
		if network, ok := parseNetwork(text); ok && network.Bits() > 0 {
			list = append(list, network)
		}
	}
	return list
}

// certificate is the server's, if the configuration names one; nil otherwise.
func (c Config) certificate(logger *slog.Logger) (*httpserver.Certificate, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	certificate, err := httpserver.LoadCertificate(c.TLSCert, c.TLSKey, logger)
	if err != nil {
		return nil, fmt.Errorf("serve TLS: %w", err)
	}
	return certificate, nil
}
