package limit

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// WriteHeader tells the budgets in the fields of the draft "RateLimit header fields for HTTP"
// (draft-ietf-httpapi-ratelimit-headers): what they allow in a window of 60 seconds, and
// what is left, with the seconds until they are full. The unit is cost.
func (s Spending) WriteHeader(h http.Header) {
	if len(s) == 0 {
		return
	}
	policies, limits := make([]byte, 0, 96), make([]byte, 0, 96)
	for i, standing := range s {
		if i > 0 { // several items are a list (RFC 9651, 3.1)
			policies, limits = append(policies, ", "...), append(limits, ", "...)
		}
		policies = strconv.AppendQuote(policies, standing.Policy)
		policies = strconv.AppendInt(append(policies, ";q="...), int64(standing.PerMinute), 10)
		policies = append(policies, ";w=60"...)
		limits = strconv.AppendQuote(limits, standing.Policy)
		limits = strconv.AppendInt(append(limits, ";r="...), int64(standing.Remaining), 10)
		limits = strconv.AppendInt(append(limits, ";t="...), int64(Seconds(standing.Reset)), 10)
	}
	h[policyHeader], h[limitHeader] = []string{string(policies)}, []string{string(limits)}
}

// The names, as net/http has them.
var policyHeader, limitHeader = http.CanonicalHeaderKey("RateLimit-Policy"), http.CanonicalHeaderKey("RateLimit")

// Seconds are whole ones, rounded up.
func Seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
