package httpserver

import (
	"net/http"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// delivery is what one request brought.
type delivery struct {
	items []event.Item
	alone bool // one event by itself: the status tells what became of it
}

// reader takes a request's body apart; its error, a fault, refuses the request as a whole.
type reader func(header http.Header, body []byte) (delivery, error)

// door is a way in for events: the paths that a kind of sender knows, and how what it sends
// is read.
type door struct {
	paths  []string
	read   reader
	status int // what the answer says besides, for clients that look for it
}

// doors are all ways in. Each path is also taken with a slash behind it.
var doors = []door{
	{paths: []string{"/v1/track", "/v1/t"}, read: call("track")},
	{paths: []string{"/v1/page", "/v1/p"}, read: call("page")},
	{paths: []string{"/v1/screen", "/v1/s"}, read: call("screen")},
	{paths: []string{"/v1/identify", "/v1/i"}, read: call("identify")},
	{paths: []string{"/v1/group", "/v1/g"}, read: call("group")},
	{paths: []string{"/v1/alias", "/v1/a"}, read: call("alias")},
	{paths: []string{"/v1/batch", "/v1/b", "/v1/import"}, read: batch},
	{paths: []string{"/batch", "/capture", "/e", "/i/v0/e"}, read: captures, status: 1},
	{paths: []string{"/v1/cloudevents"}, read: cloudEvents},
}

// call reads one call of Segment's.
func call(kind string) reader {
	return func(_ http.Header, body []byte) (delivery, error) {
		item, err := event.DecodeCall(kind, body)
		return delivery{[]event.Item{item}, true}, err
	}
}

// batch reads calls of Segment's, and of RudderStack's.
func batch(_ http.Header, body []byte) (delivery, error) {
	items, err := event.DecodeBatch(body)
	return delivery{items, false}, err
}

// captures reads what PostHog's clients send.
func captures(_ http.Header, body []byte) (delivery, error) {
	items, alone, err := event.DecodeCaptures(body)
	return delivery{items, alone}, err
}

func cloudEvents(header http.Header, body []byte) (delivery, error) {
	if event.IsBinaryCloudEvent(header) {
		item, err := event.DecodeBinaryCloudEvent(header, body)
		return delivery{[]event.Item{item}, true}, err
	}
	items, alone, err := event.DecodeCloudEvents(body)
	return delivery{items, alone}, err
}

// open puts every door into the routes.
func (in ingest) open(mux *http.ServeMux) {
	for _, d := range doors {
		for _, path := range d.paths {
			handler := withCORS(http.MethodPost, in.handler(d))
			mux.Handle(path, handler)
			mux.Handle(path+"/{$}", handler)
		}
	}
}
