package gqlhttp

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	bumpQuery = `{"query":"mutation { bump }"}`
	liveQuery = `{"query":"subscription { live }"}`
)

func TestMethods(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		w.do(http.MethodPut, endpoint, "{}").want(405, "BAD_USER_INPUT").wantHeader("Allow", "GET, POST")
		w.get("query=mutation%7Bbump%7D").want(405, "by POST").wantHeader("Allow", "POST")
		w.get("query=subscription%7Blive%7D").want(405, "graphql-transport-ws", "text/event-stream")
		w.post(liveQuery).want(405, "graphql-transport-ws").lacks(`"data"`)
		if w.bumps.Load()+w.resolvers.live.Load() != 0 {
			w.Error("something was executed")
		}
		w.post(bumpQuery).want(200, `{"data":{"bump":1}}`)
	})
}

func TestResponseHeaders(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		for _, r := range []*response{w.post(plainQuery), w.post("{"), w.get("")} {
			r.wantHeader("Content-Type", "application/json; charset=utf-8").
				wantHeader("Cache-Control", "no-store").wantHeader("X-Content-Type-Options", "nosniff")
		}
	})
}

// A page of another site can send these without asking first, or hide a bomb in
// them.
func TestForeignBodiesAreRefused(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		for _, typ := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
			"application/graphql", "application/json; charset=iso-8859-1", "application/json; charset", "nonsense"} {
			w.post(bumpQuery, "Content-Type", typ).want(415, "UNSUPPORTED_MEDIA")
		}
		w.post(bumpQuery, "Content-Encoding", "gzip").want(415, "UNSUPPORTED_MEDIA")
		w.post(bumpQuery, "Content-Encoding", "identity").want(200)
		if w.bumps.Load() != 1 {
			w.Error("a refused mutation was executed")
		}
	})
}

func TestBodyLimit(t *testing.T) {
	bubble(t, Config{MaxBody: 64}, func(w *world) {
		w.post(`{"query":"{ name }"}`+strings.Repeat(" ", 44)).want(200, "tidemark")
		w.post(`{"query":"{ name }"}`+strings.Repeat(" ", 45)).want(413, "PAYLOAD_TOO_LARGE", "64 bytes")
	})
}

func TestSlowBodyIsGivenUp(t *testing.T) {
	bubble(t, Config{Timeout: time.Second}, func(w *world) {
		never, stop := context.WithCancel(context.Background())
		defer stop()
		r, _ := http.NewRequest(http.MethodPost, endpoint, untilDone{never})
		r.Header.Set("Content-Type", jsonType)
		resp, err := w.client.Do(r)
		if err != nil {
			w.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusRequestTimeout {
			w.Errorf("status %d, want 408", resp.StatusCode)
		}
	})
}

// untilDone is a body that never comes.
type untilDone struct{ context.Context }

func (u untilDone) Read([]byte) (int, error) { <-u.Done(); return 0, u.Err() }

// Each message names what is wrong, and shows nothing of what was sent.
func TestMalformedRequests(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		for body, want := range map[string]string{
			``:                          "empty",
			`[{"query":"{ hunter2 }"}]`: "Batches",
			`null`:                      "not a JSON object",
			`"hunter2"`:                 "not a JSON object",
			`{"query":"hunter2`:         "not a JSON object",
			`{"query":"{ name }"} {"query":"{ hunter2 }"}`:           "not a JSON object",
			`{"query":"{ name }"} hunter2`:                           "not a JSON object",
			"{\"query\":\"\xff hunter2\"}":                           "UTF-8",
			`{"Query":"{ hunter2 }"}`:                                `"field":"query"`,
			`{"query":null,"x":"hunter2"}`:                           `"field":"query"`,
			`{"query":{"hunter2":1}}`:                                `"field":"query"`,
			`{"query":"{ name }","operationName":["hunter2"]}`:       `"field":"operationName"`,
			`{"query":"{ name }","variables":"hunter2"}`:             `"field":"variables"`,
			`{"query":"{ name }","extensions":["hunter2"]}`:          `"field":"extensions"`,
			`{"query":` + strings.Repeat("[", 20_000) + `"hunter2"}`: "not a JSON object",
		} {
			w.post(body, "Accept", responseType).want(400, "BAD_USER_INPUT", want).lacks("hunter2", `"data"`)
		}
	})
}

func TestMalformedURLs(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		for query, want := range map[string]string{
			"":                                "query is missing",
			"query=":                          "query is missing",
			"query=%zz":                       "not well-formed",
			"query=%ff":                       "not UTF-8",
			"query=a&query=b":                 "more than once",
			"query={name}&variables=hunter2":  "not valid JSON",
			"query={name}&variables=[1]":      "not an object",
			"query={name}&extensions=%221%22": "not an object",
		} {
			w.get(query).want(400, "BAD_USER_INPUT", want).lacks("hunter2")
		}
		w.get("query={name}&variables=&extensions=null&operationName=").want(200, "tidemark")
	})
}

// 2^53+1 is where a float64 loses count.
func TestBigIntegersStayExact(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		const echo = `{"query":"query($b: Big) { echo(big: $b) }","variables":{"b":9007199254740993}}`
		w.post(echo).want(200, "9007199254740993")
		w.get(urlOf("query($b: Big) { echo(big: $b) }", `{"b":9007199254740993}`)).want(200, "9007199254740993")
	})
}

func TestErrorsHaveCodes(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		accept := []string{"Accept", responseType}
		w.post(brokenQuery, accept...).want(400, `"code":"GRAPHQL_PARSE_FAILED"`)
		w.post(unknownQuery, accept...).want(400, `"code":"GRAPHQL_VALIDATION_FAILED"`)
		w.post(`{"query":"query A { name } query B { name }"}`, accept...).want(400, `"code":"GRAPHQL_VALIDATION_FAILED"`)
		w.post(`{"query":"{ fails name }"}`, accept...).
			want(200, `{"errors":[{"message":"No luck."`, `"code":"INTERNAL"`, `"data":{"fails":null,"name":"tidemark"}`)
		w.post(`{"query":"{ nothing }"}`, accept...).want(200, `"data":null`)
	})
}

func TestErrorsAreBounded(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		many := `{"query":"{ ` + strings.Repeat("x ", 3000) + `}"}`
		if r := w.post(many); strings.Count(r.body, `"message"`) > maxErrors {
			w.Errorf("%d errors", strings.Count(r.body, `"message"`))
		}
		long := w.post(`{"query":"{ name }","operationName":"` + strings.Repeat("é", 5000) + `"}`)
		if len(long.body) > 1000 {
			w.Errorf("an answer of %d bytes", len(long.body))
		}
	})
}

func TestAuthentication(t *testing.T) {
	bubble(t, Config{Authenticate: authenticate}, func(w *world) {
		const who = `{"query":"{ whoami }"}`
		w.post(who, "Authorization", acmeKey).want(200, `{"data":{"whoami":"acme"}}`)
		for _, accept := range []string{jsonType, responseType, "text/event-stream"} {
			w.post(who, "Accept", accept).
				want(401, `{"errors":[{"message":"Send a key.","extensions":{"code":"UNAUTHENTICATED"}}]}`).
				wantHeader("WWW-Authenticate", "Bearer")
		}
		w.post(who, "Authorization", blockedKey).want(403, `"code":"FORBIDDEN"`).wantHeader("WWW-Authenticate", "")
		w.post(who, "Authorization", outageKey).want(503, `"code":"UNAVAILABLE"`).lacks("redis")
		w.post(who, "Authorization", brokenKey).want(500, "Internal error.", `"code":"INTERNAL"`).lacks("secret")
		if !strings.Contains(w.log.String(), "secret cause") {
			w.Error("the cause is not in the log")
		}
	})
}

func TestDeadline(t *testing.T) {
	bubble(t, Config{Timeout: time.Second}, func(w *world) {
		start := time.Now()
		w.post(`{"query":"{ slow nothing }"}`).want(504, `{"errors":[{"message":"The request took too long.","extensions":{"code":"TIMEOUT"}}]}`)
		if took := time.Since(start); took != time.Second {
			w.Errorf("took %v", took)
		}
		w.post(`{"query":"{ slow name }"}`).want(200, `"name":"tidemark"`) // data that came nonetheless is kept
	})
	hang := func(ctx context.Context, _ string) (context.Context, string, error) {
		<-ctx.Done()
		return ctx, "", ctx.Err()
	}
	bubble(t, Config{Timeout: time.Second, Authenticate: ended(hang)}, func(w *world) {
		w.post(plainQuery).want(504, `"code":"TIMEOUT"`)
	})
}

func TestPrepareIsCalledForEveryExecution(t *testing.T) {
	prepare := func(ctx context.Context) context.Context { return context.WithValue(ctx, whoKey{}, "prepared") }
	bubble(t, Config{Prepare: prepare}, func(w *world) {
		w.post(`{"query":"{ whoami }"}`).want(200, "prepared")
	})
}

func TestPanicsStayInside(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		w.post(`{"query":"{ panics }"}`, "X-Request-Id", "r-42").want(500, "Internal error.").lacks("resolver")
		if log := w.log.String(); !strings.Contains(log, "panic=resolver") || !strings.Contains(log, "request=r-42") {
			w.Errorf("log: %s", log)
		}
		w.post(plainQuery).want(200)
	})
}

// A client that leaves takes its query with it.
func TestClientLeaves(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-w.started; cancel() }()
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"?query={slow}", nil)
		if _, err := w.client.Do(r); err == nil {
			w.Error("got an answer")
		}
		synctest.Wait() // the bubble ends only if the handler does
	})
}

// What lasts is asked about so that it can be ended; a plain request is over in a moment.
func TestPlainRequestsAreRecognizedAlone(t *testing.T) {
	asked := map[string]int{}
	ask := func(name string) func(context.Context, string) (context.Context, string, error) {
		return func(ctx context.Context, _ string) (context.Context, string, error) {
			asked[name]++
			return ctx, "", nil
		}
	}
	bubble(t, Config{Authenticate: ended(ask("lasting")), Recognize: ask("plain")}, func(w *world) {
		w.post(plainQuery).want(200)
		w.get("query={name}").want(200)
		if asked["plain"] != 2 || asked["lasting"] != 0 {
			w.Errorf("plain requests: %v", asked)
		}
		w.get("query={name}", "Accept", streamType).want(200)
		w.connect()
		if asked["plain"] != 2 || asked["lasting"] != 2 {
			w.Errorf("a stream and a socket: %v", asked)
		}
	})
}
