package gqlhttp

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNegotiate(t *testing.T) {
	for accept, want := range map[string]format{
		"":                                  formatJSON,
		"*/*":                               formatJSON,
		"application/*":                     formatJSON,
		"application/json":                  formatJSON,
		"application/graphql-response+json": formatResponse,
		"APPLICATION/GraphQL-Response+JSON": formatResponse,
		"text/event-stream":                 formatStream,
		"text/*":                            formatStream,
		// As [HTTP] 4.2 and its earlier editions recommend.
		"application/graphql-response+json, application/json;q=0.9":                              formatResponse,
		"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8":      formatResponse,
		"application/json, application/graphql-response+json":                                    formatResponse,
		"application/json;q=0.9, application/graphql-response+json;q=0.8":                        formatJSON,
		"application/graphql-response+json, application/json, text/event-stream":                 formatResponse,
		"text/event-stream, */*;q=0.1":                                                           formatStream,
		"text/event-stream, */*":                                                                 formatStream,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8":                        formatJSON,
		"application/json;q=0, */*":                                                              formatResponse,
		"application/json;q=0":                                                                   formatNone,
		"text/html":                                                                              formatNone,
		"application/json; charset=iso-8859-1":                                                   formatNone,
		"application/graphql-response+json; charset=iso-8859-1, application/json; charset=UTF-8": formatJSON,
		"application/json;q=2":                                                                   formatNone,
		"application/json;q=x, nonsense,, text/event-stream;q=0.1":                               formatStream,
	} {
		if got := negotiate([]string{accept}); got != want {
			t.Errorf("Accept: %s: %v, want %v", accept, got, want)
		}
	}
	if negotiate(nil) != formatJSON {
		t.Error("no Accept header: not JSON")
	}
}

func TestNotAcceptable(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		w.post(bumpQuery, "Accept", "text/html").want(406, "application/graphql-response+json").
			wantHeader("Content-Type", "application/json; charset=utf-8")
		if w.bumps.Load() != 0 {
			w.Error("the mutation was executed")
		}
	})
}

// Whatever a header says, what is chosen was not refused by it.
func TestNegotiateNeverGivesWhatIsRefused(t *testing.T) {
	element := rapid.StringMatching(`(application/(json|graphql-response\+json|\*)|text/event-stream|\*/\*)(;q=(0|0\.5|1))?`)
	rapid.Check(t, func(t *rapid.T) {
		accept := rapid.SliceOfN(element, 1, 5).Draw(t, "accept")
		ranges := parseAccept(accept)
		chosen := negotiate(accept)
		for _, f := range formats {
			acceptable := rankOf(f.typ, ranges).quality > 0
			if f.format == chosen && !acceptable {
				t.Fatalf("%v: chose %s", accept, f.typ)
			}
			if chosen == formatNone && acceptable {
				t.Fatalf("%v: did not choose %s", accept, f.typ)
			}
		}
	})
}
