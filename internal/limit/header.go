package limit

import (
	"fmt"
	"math"
	"net/http"
	"time"
)

// WriteHeader tells the budgets in the fields of the draft "RateLimit header fields for HTTP"
// (draft-ietf-httpapi-ratelimit-headers): what they allow in a window of 60 seconds, and
// what is left, with the seconds until they are full. The unit is cost.
func (s Spending) WriteHeader(h http.Header) {
	for _, standing := range s {
		h.Add("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=60", standing.Policy, standing.PerMinute))
		h.Add("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", standing.Policy, standing.Remaining, Seconds(standing.Reset)))
	}
}

// Seconds are whole ones, rounded up.
func Seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
