package httpserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// reloadEvery is how often the files of a certificate are looked at.
const reloadEvery = 30 * time.Second

// Certificate is the server's own, as its files have it: whoever renews it needs no restart.
type Certificate struct {
	certFile, keyFile string
	logger            *slog.Logger
	current           atomic.Pointer[loadedPair]
}

// loadedPair is what was read last, and the files that it was read from.
type loadedPair struct {
	files [2][]byte
	pair  tls.Certificate
}

// LoadCertificate reads a certificate with its chain, and its key, from files of PEM. Run
// follows their changes.
func LoadCertificate(certFile, keyFile string, logger *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, logger: logger}
	if _, err := c.reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// reload takes the files if they have changed and belong together. Otherwise what was taken
// before stays.
func (c *Certificate) reload() (changed bool, err error) {
	var next loadedPair
	for i, name := range []string{c.certFile, c.keyFile} {
		if next.files[i], err = os.ReadFile(name); err != nil {
			return false, fmt.Errorf("read certificate: %w", err)
		}
	}
	last := c.current.Load()
	if last != nil && bytes.Equal(last.files[0], next.files[0]) && bytes.Equal(last.files[1], next.files[1]) {
		return false, nil
	}
	if next.pair, err = tls.X509KeyPair(next.files[0], next.files[1]); err != nil {
		return false, fmt.Errorf("read certificate: %w", err)
	}
	c.current.Store(&next)
	return true, nil
}

// Run looks at the files every 30 seconds until ctx ends, and takes them when they change.
// While they can't be used, such as between the writing of one and the other, it serves what
// it has, and says so once for each reason.
func (c *Certificate) Run(ctx context.Context) error {
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		changed, err := c.reload()
		switch {
		case err != nil && err.Error() != said:
			said = err.Error()
			c.logger.WarnContext(ctx, "the certificate cannot be read again; the last one stays", "error", err)
		case err == nil:
			said = ""
		}
		if changed {
			c.logger.InfoContext(ctx, "the certificate was read again", "until", c.current.Load().pair.Leaf.NotAfter)
		}
	}
}

// Config is TLS 1.2 or later (RFC 9325, section 3.1.1), with HTTP/2 for those who speak it.
// Ciphers and curves are those that Go holds for secure.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &c.current.Load().pair, nil
		},
	}
}

var errNotOurs = errors.New("the server has another certificate than this process")

// Client is for calling this very server: it takes its certificate and no other, by whatever
// name it was reached.
func (c *Certificate) Client() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection looks, and at more than names
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 || !state.PeerCertificates[0].Equal(c.current.Load().pair.Leaf) {
				return errNotOurs
			}
			return nil
		},
	}
}
