package httpserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// pair makes a certificate for tidemark.test and its key, in PEM.
func pair(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "tidemark.test"}, DNSNames: []string{"tidemark.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// files are those of a certificate.
type files struct{ cert, key string }

func newFiles(t *testing.T, cert, key []byte) files {
	t.Helper()
	dir := t.TempDir()
	f := files{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	put(t, f.cert, cert)
	put(t, f.key, key)
	return f
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// serveTLS serves what says how it was asked, until the test ends.
func serveTLS(t *testing.T, c *Certificate) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tell := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault.ClientOf(r.Context()).Secure {
			_, _ = io.WriteString(w, r.Proto)
		}
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() {
		done <- Serve(ctx, tls.NewListener(listener, c.Config()), withClient(nil, withHeaders(tell)), func(context.Context) error { return nil }, time.Second)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func get(t *testing.T, address string, config *tls.Config) (body string, header http.Header, err error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), response.Header, err
}

func TestTLS(t *testing.T) {
	cert, key := pair(t, 1)
	f := newFiles(t, cert, key)
	c, err := LoadCertificate(f.cert, f.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	address := serveTLS(t, c)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	trusting := func(most uint16, protocols ...string) *tls.Config {
		return &tls.Config{RootCAs: roots, ServerName: "tidemark.test", MinVersion: tls.VersionTLS10, MaxVersion: most, NextProtos: protocols}
	}
	for name, config := range map[string]*tls.Config{"1.3": trusting(tls.VersionTLS13), "1.2": trusting(tls.VersionTLS12), "pinned": c.Client()} {
		body, header, err := get(t, address, config)
		if err != nil || body != "HTTP/2.0" {
			t.Errorf("TLS %s: got %q, %v", name, body, err)
			continue
		}
		if got := header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("TLS %s: HSTS is %q", name, got)
		}
	}
	if _, _, err := get(t, address, trusting(tls.VersionTLS11)); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	conn, err := tls.Dial("tcp", address, trusting(tls.VersionTLS13, "http/1.1")) // as for a websocket
	if err != nil || conn.ConnectionState().NegotiatedProtocol != "http/1.1" {
		t.Errorf("HTTP/1.1 is not spoken: %v", err)
	} else {
		conn.Close()
	}
	otherCert, otherKey := pair(t, 2)
	o := newFiles(t, otherCert, otherKey)
	other, err := LoadCertificate(o.cert, o.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(t, address, other.Client()); !errors.Is(err, errNotOurs) {
		t.Errorf("another server's certificate is taken: %v", err)
	}
}

func TestBadCertificatesAreRefused(t *testing.T) {
	cert, key := pair(t, 1)
	_, otherKey := pair(t, 2)
	for name, f := range map[string]files{
		"no files":      {filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")},
		"no PEM":        newFiles(t, []byte("x"), []byte("y")),
		"another's key": newFiles(t, cert, otherKey),
		"exchanged":     newFiles(t, key, cert),
	} {
		_, err := LoadCertificate(f.cert, f.key, nil)
		if err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), string(otherKey[40:80])) || strings.Contains(err.Error(), string(key[40:80])) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
}

// serial is that of the certificate that would be served.
func serial(t *testing.T, c *Certificate) int64 {
	t.Helper()
	served, err := c.Config().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return served.Leaf.SerialNumber.Int64()
}

// A renewed certificate is taken by itself; one that is only half written is not.
func TestCertificatesAreFollowed(t *testing.T) {
	cert, key := pair(t, 1)
	f := newFiles(t, cert, key)
	cert2, key2 := pair(t, 2)
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		c, err := LoadCertificate(f.cert, f.key, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		look := func() { time.Sleep(2*reloadEvery + time.Second); synctest.Wait() }
		look()
		if serial(t, c) != 1 || log.Len() > 0 {
			t.Errorf("without a change it serves %d, and says %s", serial(t, c), &log)
		}
		put(t, f.cert, cert2)
		look()
		if serial(t, c) != 1 || strings.Count(log.String(), "cannot be read again") != 1 {
			t.Errorf("half written, it serves %d, and says\n%s", serial(t, c), &log)
		}
		if err := os.Remove(f.key); err != nil {
			t.Fatal(err)
		}
		look()
		if serial(t, c) != 1 || strings.Count(log.String(), "cannot be read again") != 2 {
			t.Errorf("without a key, it serves %d, and says\n%s", serial(t, c), &log)
		}
		put(t, f.key, key2)
		look()
		if serial(t, c) != 2 || strings.Count(log.String(), "was read again") != 1 {
			t.Errorf("renewed, it serves %d, and says\n%s", serial(t, c), &log)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
