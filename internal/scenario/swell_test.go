package scenario_test

import (
	"net/http"
	"strings"
	"testing"
)

// PostgreSQL writes a number out in full: five bytes of input must not become kilobytes of
// every answer that lists the event.
func TestANumberDoesNotSwell(t *testing.T) {
	s := begin(t)
	for _, number := range []string{"1e-16000", "1e300"} {
		many := strings.Repeat(number+",", 3_000) + "0"
		s.kit.Do(t, http.MethodPost, "/v1/track", s.acme.WriteKey, `{"event":"E","userId":"u1","timestamp":"`+noon+`","properties":{"n":[`+many+`]}}`)
		query := `{ events(` + ever + `) { list(first: 1) { nodes { properties } } } }`
		reply := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.ReadKey, toJSON(t, map[string]string{"query": query}))
		if len(reply.Body) > 100_000 {
			t.Errorf("3,000 times %s in %d bytes of event are %d bytes in an answer", number, len(many), len(reply.Body))
		}
	}
	s.wantStrangerEmpty(t)
}
