package scenario_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

const (
	appPage  = "https://app.example.com"
	evilPage = "https://evil.example"
)

// beginAtApp is a story whose server lets the pages of one foreign origin ask.
func beginAtApp(t *testing.T) story {
	t.Helper()
	kit := served.StartOn(t, testkit.Database(t), func(c *tidemark.Config) { c.Origins = []string{"HTTPS://App.Example.com:443/"} })
	return story{kit, kit.Tenant(t, "Acme", "Europe/Berlin"), kit.Tenant(t, "Globex", "America/New_York")}
}

// What other sites have a browser send.
func TestOtherSites(t *testing.T) {
	beginAtApp(t).tell(t, []chapter{
		{"what a page could send without asking is refused", whatAPageCouldSendWithoutAsking},
		{"a page may send if its origin is allowed", aPageMaySendIfAllowed},
		{"a page may read if its origin is allowed", aPageMayReadIfAllowed},
		{"a page may listen if its origin is allowed", aPageMayListenIfAllowed},
		{"other routes are closed", otherRoutesAreClosed},
	})
}

// ingestOne is a request that would store an event.
func ingestOne(t *testing.T, id string) string {
	t.Helper()
	return requestOf(t, send, map[string]any{"events": []input{inputOf(id, "E", "u1")}})
}

// A browser sends these for any page, without asking first: none has an effect.
func whatAPageCouldSendWithoutAsking(t *testing.T, s story) {
	body := ingestOne(t, "m1")
	const form = `--x` + "\r\n" + `Content-Disposition: form-data; name="operations"` + "\r\n\r\n"
	for _, c := range []struct {
		name, method, path, body, contentType string
		status                                int
	}{
		{"several operations", "POST", "/graphql", "[" + body + "," + body + "]", "application/json", 400},
		{"a mutation by GET", "GET", "/graphql?query=mutation%7BingestEvents(events:%5B%7Btype:%22E%22,userId:%22u%22%7D%5D)%7Baccepted%7D%7D", "", "", 405},
		{"as text", "POST", "/graphql", body, "text/plain", 415},
		{"as a form", "POST", "/graphql", "query=mutation", "application/x-www-form-urlencoded", 415},
		{"as a form of JSON", "POST", "/graphql", body, "application/x-www-form-urlencoded", 415},
		{"as a form of parts", "POST", "/graphql", form + body + "\r\n--x--\r\n", "multipart/form-data; boundary=x", 415},
		{"as nothing", "POST", "/graphql", body, "", 415},
		{"as a beacon", "POST", "/graphql", body, "application/csp-report", 415},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, page := range [][]string{{}, {"Origin", appPage, "Sec-Fetch-Site", "cross-site"}} {
				reply := s.kit.Do(t, c.method, c.path, s.acme.WriteKey, c.body, append(page, "Content-Type", c.contentType)...)
				wantEqual(t, "status", reply.Status, c.status)
				wantDiscreet(t, refusal(t, reply), "m1")
			}
			for _, page := range [][]string{{"Origin", evilPage, "Sec-Fetch-Site", "cross-site"}, {"Origin", evilPage}, {"Origin", "null"}} {
				reply := s.kit.Do(t, c.method, c.path, s.acme.WriteKey, c.body, append(page, "Content-Type", c.contentType)...)
				wantEqual(t, "of another site", reply.Status, map[bool]int{true: 405, false: 403}[c.method == "GET"])
				wantEqual(t, "what it may read", reply.Header.Get("Access-Control-Allow-Origin"), "")
			}
		})
	}
	s.wantCount(t, 0, 0)
}

// refusal is the message of a GraphQL answer that refuses.
func refusal(t *testing.T, reply served.Reply) string {
	t.Helper()
	var answer served.Answer
	reply.Decode(t, &answer)
	if len(answer.Errors) != 1 || len(answer.Data) > 0 {
		t.Fatalf("it is answered: %s", reply.Body)
	}
	return answer.Errors[0].Message
}

func aPageMaySendIfAllowed(t *testing.T, s story) {
	for i, c := range []struct {
		name, origin, site string
		allowed            bool
	}{
		{"a program", "", "", true},
		{"its own page", s.kit.URL, "same-origin", true},
		{"an allowed page", appPage, "cross-site", true},
		{"an allowed page in an old browser", appPage, "", true},
		{"a foreign page", evilPage, "cross-site", false},
		{"a foreign page in an old browser", evilPage, "", false},
		{"a neighbouring page", "https://www.example.com", "same-site", false},
		{"a page of a file", "null", "cross-site", false},
		{"another port of this machine", "http://127.0.0.1:1", "same-site", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			reply := s.kit.Do(t, http.MethodPost, "/graphql", s.acme.WriteKey, ingestOne(t, "m"+string(rune('a'+i))), "Origin", c.origin, "Sec-Fetch-Site", c.site)
			if c.allowed {
				wantEqual(t, "status", reply.Status, http.StatusOK)
				return
			}
			wantEqual(t, "status", reply.Status, http.StatusForbidden)
			wantDiscreet(t, refusal(t, reply), evilPage)
			wantEqual(t, "code", strings.Contains(string(reply.Body), `"FORBIDDEN"`), true)
		})
	}
	s.wantCount(t, 4, 1)
}

func aPageMayReadIfAllowed(t *testing.T, s story) {
	question := requestOf(t, `{ tenant { name } }`, nil)
	for origin, want := range map[string]string{appPage: appPage, evilPage: "", "null": ""} {
		asked := s.kit.Do(t, http.MethodOptions, "/graphql", "", "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
		wantEqual(t, origin+" asks", asked.Status, map[bool]int{true: 204, false: 403}[want != ""])
		got := s.kit.Do(t, http.MethodGet, "/graphql?query=%7Btenant%7Bname%7D%7D", s.acme.ReadKey, "", "Origin", origin)
		refused := s.kit.Do(t, http.MethodPost, "/graphql", "", question, "Origin", origin)
		for what, reply := range map[string]served.Reply{"preflight": asked, "answer": got, "refusal": refused} {
			what = origin + " " + what
			wantEqual(t, what, reply.Header.Get("Access-Control-Allow-Origin"), want)
			wantEqual(t, what+" credentials", reply.Header.Get("Access-Control-Allow-Credentials"), "")
			wantEqual(t, what+" vary", reply.Header.Get("Vary"), "Origin")
			wantEqual(t, what+" request id", strings.Contains(reply.Header.Get("Access-Control-Expose-Headers"), "X-Request-Id"), want != "")
		}
	}
}

func aPageMayListenIfAllowed(t *testing.T, s story) {
	for origin, want := range map[string]int{appPage: 101, s.kit.URL: 101, evilPage: 403, "null": 403} {
		conn, response, err := websocket.Dial(t.Context(), s.kit.URL+"/graphql", &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {origin}},
		})
		if err == nil {
			_ = conn.CloseNow()
		}
		wantEqual(t, origin, response.StatusCode, want)
	}
}

// Whatever else is served, it takes nothing of other sites; but events may come from anywhere.
func otherRoutesAreClosed(t *testing.T, s story) {
	for _, path := range []string{"/", "/playground", "/playground/config.json", "/healthz", "/readyz", "/nowhere"} {
		reply := s.kit.Do(t, http.MethodPost, path, s.acme.ReadKey, "{}", "Origin", evilPage)
		wantProblem(t, reply, http.StatusForbidden, "FORBIDDEN", "")
		wantEqual(t, path, reply.Header.Get("Access-Control-Allow-Origin"), "")
	}
	reply := s.kit.Do(t, http.MethodPost, "/v1/track", s.acme.WriteKey, event("m1", "E", "u1", noon), "Origin", evilPage, "Sec-Fetch-Site", "cross-site")
	wantEqual(t, "an event", reply.Status, http.StatusOK)
	wantEqual(t, "what may embed the answer", reply.Header.Get("Cross-Origin-Resource-Policy"), "cross-origin")
	s.wantCount(t, 1, 1)
}
