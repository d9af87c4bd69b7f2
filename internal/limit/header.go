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
	for _, standing := range s {
		name := strconv.Quote(standing.Policy)
		h.Add("RateLimit-Policy", name+";q="+strconv.Itoa(standing.PerMinute)+";w=60")
		h.Add("RateLimit", name+";r="+strconv.Itoa(standing.Remaining)+";t="+strconv.Itoa(Seconds(standing.Reset)))
	}
}

// Seconds are whole ones, rounded up.
func Seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
