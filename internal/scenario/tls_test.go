package scenario_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// certificate writes the one that httptest has for 127.0.0.1, and gives a client that takes it.
func certificate(t *testing.T) (certFile, keyFile string, client *http.Client) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: server.Certificate().Raw}, keyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return certFile, keyFile, &http.Client{Transport: transport}
}

// By TLS, everything works as without: requests by HTTP/2, streams, and websockets, which need
// HTTP/1.1.
func TestByTLS(t *testing.T) {
	certFile, keyFile, client := certificate(t)
	kit := served.StartOn(t, testkit.Database(t), func(c *tidemark.Config) { c.TLSCert, c.TLSKey = certFile, keyFile })
	acme := kit.Tenant(t, "Acme", "Europe/Berlin")
	ask := func(path, key, body, accept string) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, kit.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+key)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", accept)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(text)
	}
	response, _ := ask("/v1/track", acme.WriteKey, event("m1", "E", "u1", noon), "*/*")
	wantEqual(t, "an event", response.Status, "200 OK")
	wantEqual(t, "protocol", response.Proto, "HTTP/2.0")
	wantEqual(t, "HSTS", response.Header.Get("Strict-Transport-Security"), "max-age=31536000")
	question := `{ events(` + ever + `) { count } }`
	_, text := ask("/graphql", acme.ReadKey, requestOf(t, question, nil), "application/json")
	wantEqual(t, "an answer", strings.HasPrefix(text, `{"data":{"events":{"count":1}}`), true)
	_, text = ask("/graphql", acme.ReadKey, requestOf(t, question, nil), "text/event-stream")
	wantEqual(t, "a stream", strings.Contains(text, `"count":1`), true)

	conn, _, err := websocket.Dial(t.Context(), kit.URL+"/graphql", &websocket.DialOptions{
		HTTPClient: client, Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {kit.URL}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	for _, message := range []string{
		`{"type":"connection_init","payload":{"authorization":"Bearer ` + acme.ReadKey + `"}}`,
		`{"id":"1","type":"subscribe","payload":{"query":"subscription { live { query { tenant { name } } } }"}}`,
	} {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		var frame json.RawMessage
		if err := wsjson.Read(t.Context(), conn, &frame); err != nil {
			t.Fatal(err)
		}
		text = string(frame)
	}
	wantEqual(t, "a live query", strings.Contains(text, `"Acme"`), true)

	plain, err := http.Get(strings.Replace(kit.URL, "https:", "http:", 1) + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	plain.Body.Close()
	wantEqual(t, "without TLS", plain.StatusCode, http.StatusBadRequest)
}
