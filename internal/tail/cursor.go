package tail

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// place is how far a stream has come: all events with numbers up to id are told, or were left
// out, and so is what was stored until at.
type place struct {
	id int64
	at time.Time
}

// cursorMark begins each cursor, and tells it from those of lists.
const cursorMark = "stream"

func (p place) cursor() string {
	text := cursorMark + "/" + strconv.FormatInt(p.id, 10) + "/" + strconv.FormatInt(p.at.UnixMilli(), 10)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

var (
	errBadCursor = fault.Input("after", "This is not a cursor of this stream.")
	errOldCursor = fault.Input("after", "This cursor is older than 24 hours. List the events since, and begin anew.")
)

// parseCursor reads what cursor wrote, and nothing else.
func parseCursor(text string, now time.Time) (place, error) {
	key, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return place{}, errBadCursor
	}
	parts := strings.Split(string(key), "/")
	if len(parts) != 3 {
		return place{}, errBadCursor
	}
	id, err1 := strconv.ParseInt(parts[1], 10, 64)
	ms, err2 := strconv.ParseInt(parts[2], 10, 64)
	p := place{id, time.UnixMilli(ms)}
	if err1 != nil || err2 != nil || id < 0 || p.cursor() != text || p.at.Sub(now) > aheadBy {
		return place{}, errBadCursor
	}
	if now.Sub(p.at) > goodFor {
		return place{}, errOldCursor
	}
	return p, nil
}

// aheadBy is how far the clocks of servers may be apart.
const aheadBy = 5 * time.Minute
