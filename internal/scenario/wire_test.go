package scenario_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Every protocol that events come in by.
func TestEveryProtocol(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"every call of Segment's has its paths", everyCallHasItsPaths},
		{"PostHog's bodies in all their wrappings", posthogsBodies},
		{"PostHog's clients are told that there are no flags", thereAreNoFlags},
		{"CloudEvents in both modes", cloudEventsInBothModes},
		{"bad events of every protocol", badEventsOfEveryProtocol},
		{"bad bodies of every protocol", badBodiesOfEveryProtocol},
		{"pages of any origin may send", pagesOfAnyOriginMaySend},
	})
}

func everyCallHasItsPaths(t *testing.T, s story) {
	paths := map[string]string{
		"/v1/track": "t", "/v1/t": "t", "/v1/identify": "$identify", "/v1/i": "$identify", "/v1/group": "$group", "/v1/g/": "$group",
		"/v1/alias": "$alias", "/v1/a": "$alias", "/v1/page/": "$page", "/v1/p": "$page", "/v1/screen": "$screen", "/v1/s": "$screen",
	}
	want := []string{}
	for path, kind := range paths {
		// All members that a call of any kind may need.
		body := fmt.Sprintf(`{"messageId":%q,"event":"t","userId":"u","groupId":"g","previousId":"p","traits":{"email":"e"}}`, path)
		wantVerdicts(t, verdictsOf(t, s.kit.Do(t, http.MethodPost, path, s.acme.WriteKey, body), http.StatusOK), "ACCEPTED")
		want = append(want, kind+" u=u"+map[string]string{"$identify": " email=e", "$group": " email=e", "$alias": " previousId=p"}[kind])
	}
	for _, path := range []string{"/v1/b", "/v1/batch", "/v1/import/"} {
		body := `{"batch":[` + event(path, "t", "u", noon) + `]}`
		wantVerdicts(t, verdictsOf(t, s.kit.Do(t, http.MethodPost, path, s.acme.WriteKey, body), http.StatusOK), "ACCEPTED")
	}
	wantLines(t, arrivedEver(t, s.acme), append(want, "t u=u", "t u=u", "t u=u"))
	s.wantStrangerEmpty(t)
}

// hog is an event in PostHog's shape, with the key among its properties as browsers have it.
func (s story) hog(id string) string {
	return fmt.Sprintf(`{"uuid":%q,"event":"E","distinct_id":"u","timestamp":%q,"properties":{"token":%q,"p":1}}`, id, noon, s.acme.WriteKey)
}

func posthogsBodies(t *testing.T, s story) {
	form := func(body string) string { return "data=" + url.QueryEscape(body) }
	in64 := func(body string) string { return base64.StdEncoding.EncodeToString([]byte(body)) }
	cases := []struct{ name, path, body, contentType string }{
		{"one event", "/capture/", s.hog("p1"), "application/json"},
		{"a list", "/e/?ip=1&_=1700000000&ver=1.2", "[" + s.hog("p2") + "]", "text/plain"},
		{"a batch", "/batch", `{"api_key":"` + s.acme.WriteKey + `","batch":[` + s.hog("p3") + `],"sent_at":"` + noon + `"}`, "application/json"},
		{"gzip", "/i/v0/e/?compression=gzip-js", gzipped(t, s.hog("p4")), "text/plain"},
		{"a form", "/capture", form(s.hog("p5")), "application/x-www-form-urlencoded"},
		{"a form in base64", "/e", form(in64(s.hog("p6"))) + "&compression=base64", "application/x-www-form-urlencoded"},
		{"a form in base64 of gzip", "/e/", "compression=gzip&" + form(in64(gzipped(t, s.hog("p7")))), "application/x-www-form-urlencoded"},
		{"a form whose base64 is not escaped", "/e/", "data=" + in64(s.hog("p8")), "application/x-www-form-urlencoded"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reply := s.kit.Do(t, http.MethodPost, c.path, "", c.body, "Content-Type", c.contentType)
			wantVerdicts(t, verdictsOf(t, reply, http.StatusOK), "ACCEPTED")
			if !strings.Contains(string(reply.Body), `"status":1`) {
				t.Errorf("the answer %s has no status, which clients look for", reply.Body)
			}
		})
	}
	s.wantCount(t, len(cases), 1)
	var kept int
	s.kit.Scan(t, `select count(*) from event where properties ? 'token'`, nil, &kept)
	wantEqual(t, "events that show the key", kept, 0)
}

func thereAreNoFlags(t *testing.T, s story) {
	for _, path := range []string{"/flags/?v=2", "/flags", "/decide/?v=3"} {
		var flags struct {
			Flags, FeatureFlags map[string]any
			Errors              bool `json:"errorsWhileComputingFlags"`
		}
		reply := s.kit.Do(t, http.MethodPost, path, "", `{"token":"k","distinct_id":"u"}`)
		reply.Decode(t, &flags)
		if reply.Status != http.StatusOK || flags.Flags == nil || flags.FeatureFlags == nil || len(flags.Flags)+len(flags.FeatureFlags) > 0 || flags.Errors {
			t.Errorf("%s: %d %s", path, reply.Status, reply.Body)
		}
	}
	config := s.kit.Do(t, http.MethodGet, "/array/"+s.acme.WriteKey+"/config", "", "")
	wantEqual(t, "config", config.Status, http.StatusOK)
	script := s.kit.Do(t, http.MethodGet, "/array/"+s.acme.WriteKey+"/config.js", "", "")
	wantEqual(t, "script", script.Header.Get("Content-Type"), "text/javascript; charset=utf-8")
	wantProblem(t, s.kit.Do(t, http.MethodGet, "/array/a%22%5D=alert(1)/config.js", "", ""), http.StatusNotFound, "NOT_FOUND", "")
	wantEqual(t, "an SDK's figures of itself", s.kit.Do(t, http.MethodPost, "/v1/m", "", `{"series":[]}`).Status, http.StatusOK)
}

// cloud is a CloudEvent in structured mode.
func cloud(source, id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":"Paid","subject":"u","time":%q,"data":{"p":1}}`, id, source, noon)
}

func cloudEventsInBothModes(t *testing.T, s story) {
	send := func(body string, headers ...string) []served.Verdict {
		t.Helper()
		return verdictsOf(t, s.kit.Do(t, http.MethodPost, "/v1/cloudevents", s.acme.WriteKey, body, headers...), http.StatusOK)
	}
	wantVerdicts(t, send(cloud("/a", "1"), "Content-Type", "application/cloudevents+json; charset=utf-8"), "ACCEPTED")
	batch := "[" + cloud("/a", "1") + "," + cloud("/b", "1") + "," + cloud("/b", "2") + "]"
	got := send(batch, "Content-Type", "application/cloudevents-batch+json")
	wantVerdicts(t, got, "DUPLICATE", "ACCEPTED", "ACCEPTED")
	wantEqual(t, "the id tells the source", got[1].MessageID, "/b 1")
	wantVerdicts(t, send(`{"p":1}`, "Ce-Specversion", "1.0", "ce-id", "3", "ce-source", "/b", "ce-type", "Paid", "ce-subject", "Zo%C3%AB", "ce-time", noon), "ACCEPTED")
	wantVerdicts(t, send("[]"))
	wantLines(t, arrivedEver(t, s.acme), []string{"Paid u=Zoë p=1", "Paid u=u p=1", "Paid u=u p=1", "Paid u=u p=1"})
	s.wantStrangerEmpty(t)
	alone := s.kit.Do(t, http.MethodPost, "/v1/cloudevents", s.acme.WriteKey, `{"specversion":"1.0","id":"4"}`)
	wantVerdicts(t, verdictsOf(t, alone, http.StatusBadRequest), "REJECTED")
}

// protocol is a way to write a batch.
type protocol struct {
	path string
	// wrap makes a body of events; one makes an event with that id, and a value among what the
	// sender may say freely; at has a time of its own.
	wrap func(events ...string) string
	one  func(id, value string) string
	at   func(id, time string) string
}

func listed(events ...string) string { return "[" + strings.Join(events, ",") + "]" }

var protocols = map[string]protocol{
	"Segment": {"/v1/batch", func(events ...string) string { return `{"batch":` + listed(events...) + `}` },
		func(id, value string) string {
			return fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":"u","traits":{"a":%s}}`, id, value)
		},
		func(id, time string) string {
			return fmt.Sprintf(`{"type":"alias","messageId":%q,"userId":"u","previousId":"p","timestamp":%q}`, id, time)
		}},
	"PostHog": {"/batch/", func(events ...string) string { return `{"batch":` + listed(events...) + `}` },
		func(id, value string) string {
			return fmt.Sprintf(`{"event":"E","uuid":%q,"distinct_id":"u","properties":{"a":%s}}`, id, value)
		},
		func(id, time string) string {
			return fmt.Sprintf(`{"event":"E","uuid":%q,"distinct_id":"u","timestamp":%q}`, id, time)
		}},
	"PostHog's lists": {"/e/", listed,
		func(id, value string) string {
			return fmt.Sprintf(`{"event":"E","uuid":%q,"distinct_id":"u","$set":{"a":%s}}`, id, value)
		},
		func(id, time string) string {
			return fmt.Sprintf(`{"event":"E","uuid":%q,"distinct_id":"u","timestamp":%q}`, id, time)
		}},
	"CloudEvents": {"/v1/cloudevents/", listed,
		func(id, value string) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/s","type":"E","subject":"u","data":{"a":%s}}`, id, value)
		},
		func(id, time string) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/s","type":"E","subject":"u","time":%q}`, id, time)
		}},
}

// What is wrong with one event costs that event, and no other one, however it is sent.
func badEventsOfEveryProtocol(t *testing.T, s story) {
	good := 0
	for name, p := range protocols {
		bad := map[string]string{
			"depth 100,000": p.one(name, strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)),
			"depth 40":      p.one(name, nested(40)), "a name twice": p.one(name, `{"b":1,"b":"`+secret+`"}`),
			"invalid UTF-8": p.one(name, "\"\xff"+secret+"\""), "1e400": p.one(name, "1e400"), "NUL": p.one(name, `"\u0000`+secret+`"`),
			"a lone surrogate": p.one(name, `"\ud800`+secret+`"`), "33 KB": p.one(name, `"`+secret+strings.Repeat("x", 33<<10)+`"`),
			"the year 0": p.at(name, "0000-01-01T00:00:00Z"), "no time": p.at(name, secret), "nothing": `{}`, "no object": `7`,
		}
		for what, event := range bad {
			t.Run(name+", "+what, func(t *testing.T) {
				reply := s.kit.Do(t, http.MethodPost, p.path, s.acme.WriteKey, p.wrap(p.one(name+what+"1", "1"), event, p.one(name+what+"2", "2")))
				got := verdictsOf(t, reply, http.StatusOK)
				good += 2
				wantVerdicts(t, got, "ACCEPTED", "REJECTED", "ACCEPTED")
				if got[1].Field == "" || len(got[1].Field) > 300 {
					t.Errorf("the verdict names the field %q", got[1].Field)
				}
				wantDiscreet(t, got[1].Reason, secret)
			})
		}
		t.Run(name+", the year 9999", func(t *testing.T) {
			reply := s.kit.Do(t, http.MethodPost, p.path, s.acme.WriteKey, p.wrap(p.at(name+"9999", "9999-12-31T23:59:59Z")))
			wantVerdicts(t, verdictsOf(t, reply, http.StatusOK), "ACCEPTED")
			good++
		})
	}
	if events, _ := count(t, s.acme); events != good {
		t.Errorf("%d events are counted, want %d", events, good)
	}
	s.wantStrangerEmpty(t)
}

func badBodiesOfEveryProtocol(t *testing.T, s story) {
	for name, p := range protocols {
		whole := p.wrap(p.one("m", `"`+secret+`"`))
		zipped := gzipped(t, whole)
		for _, c := range []struct {
			name, body  string
			status      int
			code, field string
		}{
			{"cut short", whole[:len(whole)-1], 400, "BAD_USER_INPUT", "body"},
			{"text behind", whole + secret, 400, "BAD_USER_INPUT", "body"},
			{"nothing", "", 400, "BAD_USER_INPUT", "body"},
			{"gzip cut short", zipped[:len(zipped)-9], 400, "BAD_USER_INPUT", "body"},
			{"gzip in gzip", gzipped(t, zipped), 400, "BAD_USER_INPUT", "body"},
			{"a gzip bomb", gzipped(t, strings.Repeat(" ", 50<<20)+whole), 413, "PAYLOAD_TOO_LARGE", ""},
			{"a gzip bomb in a form", "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(gzipped(t, strings.Repeat(" ", 50<<20)+whole)))), 413, "PAYLOAD_TOO_LARGE", ""},
			{"a form that is damaged", "data=%zz" + secret, 400, "BAD_USER_INPUT", "body"},
			{"a form of no base64", "data=*" + secret, 400, "BAD_USER_INPUT", "body"},
			{"501 KB", whole + strings.Repeat(" ", 501<<10), 413, "PAYLOAD_TOO_LARGE", ""},
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				wantProblem(t, s.kit.Do(t, http.MethodPost, p.path, s.acme.WriteKey, c.body), c.status, c.code, c.field)
			})
		}
		t.Run(name+", keys", func(t *testing.T) {
			wantProblem(t, s.kit.Do(t, http.MethodPost, p.path, "", whole), 401, "UNAUTHENTICATED", "")
			wantProblem(t, s.kit.Do(t, http.MethodPost, p.path, s.acme.ReadKey, whole), 403, "FORBIDDEN", "")
			wantProblem(t, s.kit.Do(t, http.MethodGet, p.path, s.acme.WriteKey, ""), 405, "BAD_USER_INPUT", "")
		})
	}
	s.wantCount(t, 0, 0)
}

// A page of any origin may send, since a write key can do nothing else; and may not ask.
func pagesOfAnyOriginMaySend(t *testing.T, s story) {
	const origin = "https://shop.example.com"
	for _, path := range []string{"/v1/t", "/v1/batch/", "/e/", "/i/v0/e/", "/batch/", "/flags/?v=2", "/array/k/config", "/v1/cloudevents"} {
		reply := s.kit.Do(t, http.MethodOptions, path, "", "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
		wantEqual(t, path, reply.Status, http.StatusNoContent)
		wantEqual(t, path+" origin", reply.Header.Get("Access-Control-Allow-Origin"), "*")
		wantEqual(t, path+" headers", reply.Header.Get("Access-Control-Allow-Headers"), "authorization,content-type")
		wantEqual(t, path+" credentials", reply.Header.Get("Access-Control-Allow-Credentials"), "")
	}
	for _, key := range []string{s.acme.WriteKey, "", s.acme.ReadKey} {
		reply := s.kit.Do(t, http.MethodPost, "/v1/t", key, event("m1", "E", "u", noon), "Origin", origin, "Content-Type", "text/plain")
		wantEqual(t, "an answer", reply.Header.Get("Access-Control-Allow-Origin"), "*")
		wantEqual(t, "what it may read", reply.Header.Get("Access-Control-Expose-Headers"), "Retry-After, X-Request-Id")
	}
	for _, path := range []string{"/graphql", "/healthz", "/nowhere"} {
		reply := s.kit.Do(t, http.MethodOptions, path, s.acme.ReadKey, "", "Origin", origin, "Access-Control-Request-Method", "POST")
		wantEqual(t, path, reply.Header.Get("Access-Control-Allow-Origin"), "")
	}
	s.wantCount(t, 1, 1)
}
