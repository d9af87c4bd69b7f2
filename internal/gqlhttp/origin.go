package gqlhttp

import (
	"net/http"
	"net/url"
	"strings"
)

// originAllowed tells whether the page that opens a websocket may (RFC 6455,
// 10.2): a browser sends cookies and reaches private networks for any page, and
// no preflight asks us first. Programs send no Origin, and "null" is nobody's.
func (h *Handler) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	switch {
	case len(origins) == 0 || h.origins["*"]:
		return true
	case len(origins) > 1:
		return false
	}
	return h.origins[strings.ToLower(origins[0])] || sameHost(origins[0], r.Host)
}

func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	return u.Host != "" && strings.EqualFold(u.Host, host)
}
