// Package kafka puts a log between those who take events and those who store them. What was
// answered QUEUED is in the log, and what is in the log is stored exactly once: how far a
// tenant's records are stored is written in the transaction that stores them. What cannot be
// stored goes to a topic of its own, with the reason, and holds nothing up.
package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Options say where the log is.
type Options struct {
	Brokers    []string
	Topic      string // of events; what cannot be stored goes to Topic + ".dead"
	Group      string // of the consumers
	Partitions int    // of a topic that is made
	Replicas   int    // of a topic that is made; 0: as the brokers have it
	Security   Security
	Deadline   time.Duration // of putting a batch into the log; default 10 s
	Logger     *slog.Logger
}

func (o Options) deadTopic() string { return o.Topic + deadSuffix }

const deadSuffix = ".dead"

// Security says how to speak with the brokers.
type Security struct {
	TLS      bool
	CAFile   string // certificates to trust; empty: those of the system
	CertFile string // of a client certificate; empty: none
	KeyFile  string
	SASL     string // a mechanism of [Mechanisms]; empty: none
	User     string
	Password string
}

// Mechanisms lists the ways to sign in.
var Mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

const (
	dialWithin    = 5 * time.Second
	requestWithin = 10 * time.Second // of one request to a broker, tries again included
)

// connect makes a client. It does not wait for the brokers.
func (o Options) connect(more ...kgo.Opt) (*kgo.Client, error) {
	security, err := o.Security.options()
	if err != nil {
		return nil, err
	}
	options := append([]kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.ClientID("tidemark"),
		kgo.DialTimeout(dialWithin),
		kgo.RetryTimeout(requestWithin),
		kgo.MetadataMinAge(250 * time.Millisecond), // by default it takes 5 s to find a new leader
		kgo.WithLogger(clientLog{o.Logger}),
	}, security...)
	client, err := kgo.NewClient(append(options, more...)...)
	if err != nil {
		return nil, fmt.Errorf("make Kafka client: %w", err)
	}
	return client, nil
}

func (s Security) options() ([]kgo.Opt, error) {
	var options []kgo.Opt
	if s.TLS {
		config, err := s.tls()
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.DialTLSConfig(config))
	}
	mechanism, err := s.mechanism()
	if err != nil {
		return nil, err
	}
	if mechanism != nil {
		options = append(options, kgo.SASL(mechanism))
	}
	return options, nil
}

func (s Security) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read certificates to trust: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("read certificates to trust: there is none in the file")
		}
	}
	if s.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

func (s Security) mechanism() (sasl.Mechanism, error) {
	auth := scram.Auth{User: s.User, Pass: s.Password}
	switch s.SASL {
	case "":
		return nil, nil
	case "plain":
		return plain.Auth{User: s.User, Pass: s.Password}.AsMechanism(), nil
	case "scram-sha-256":
		return auth.AsSha256Mechanism(), nil
	case "scram-sha-512":
		return auth.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("sign in to Kafka: there is no mechanism %q", s.SASL)
}
