package app

import (
	"strings"
	"testing"
)

func TestConfigurationOfTheLog(t *testing.T) {
	fine := Config{
		MaxEventBytes: 32 << 10, MaxBatchBytes: 500 << 10, Limits: DefaultLimits(),
		Listen: "127.0.0.1:8080", Pool: 12, HistoryMemory: 64, Live: DefaultLive(), LogLevel: "info", LogFormat: "json", Ingest: "kafka", Documents: documentsOpen,
		Kafka: KafkaConfig{Brokers: []string{"one:9092", "[::1]:9093"}, Topic: "tidemark.events", Group: "tidemark", Partitions: 12},
	}
	for _, c := range []struct {
		name   string
		change func(c *Config)
		want   []string // none: it is fine
	}{
		{"as it should be", func(*Config) {}, nil},
		{"direct, and nonsense about a log", func(c *Config) { c.Ingest, c.Kafka = "direct", KafkaConfig{SASL: "x"} }, nil},
		{"an event of no size", func(c *Config) { c.MaxEventBytes = 0 }, []string{"TIDEMARK_MAX_EVENT_BYTES"}},
		{"a batch smaller than an event", func(c *Config) { c.MaxBatchBytes = 10 << 10 }, []string{"TIDEMARK_MAX_BATCH_BYTES"}},
		{"neither", func(c *Config) { c.Ingest = "pigeons" }, []string{"TIDEMARK_INGEST"}},
		{"nothing set", func(c *Config) { c.Kafka = KafkaConfig{} },
			[]string{"TIDEMARK_KAFKA is not set", "TIDEMARK_KAFKA_TOPIC", "TIDEMARK_KAFKA_GROUP", "TIDEMARK_KAFKA_PARTITIONS"}},
		{"no port", func(c *Config) { c.Kafka.Brokers = []string{"one:9092", "two"} }, []string{`"two"`}},
		{"a topic with a space", func(c *Config) { c.Kafka.Topic = "a b" }, []string{"TIDEMARK_KAFKA_TOPIC"}},
		{"an unknown mechanism", func(c *Config) { c.Kafka.SASL, c.Kafka.User, c.Kafka.Password = "md5", "u", "p" }, []string{"plain, scram-sha-256, scram-sha-512"}},
		{"nobody signs in", func(c *Config) { c.Kafka.SASL = "plain" }, []string{"TIDEMARK_KAFKA_USER"}},
		{"certificates without TLS", func(c *Config) { c.Kafka.CAFile = "/nowhere" }, []string{"TIDEMARK_KAFKA_TLS", "TIDEMARK_KAFKA_CA names"}},
		{"a certificate without its key", func(c *Config) { c.Kafka.TLS, c.Kafka.CertFile = true, "kafka_test.go" }, []string{"go together"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := fine
			c.change(&config)
			err := config.Check(false, false)
			if err == nil && len(c.want) == 0 {
				return
			}
			if err == nil || len(c.want) == 0 {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not tell of %q", err, want)
				}
			}
		})
	}
}

// Brokers that are not there are found before anything starts, and told without the password.
func TestBrokersThatDoNotAnswer(t *testing.T) {
	config := Config{MaxEventBytes: 32 << 10, MaxBatchBytes: 500 << 10, Kafka: KafkaConfig{Brokers: []string{"127.0.0.1:1"}, Topic: "t", Group: "g", Partitions: 1, SASL: "plain", User: "u", Password: "secret"}}
	err := config.checkKafka(t.Context())
	if err == nil || !strings.Contains(err.Error(), "TIDEMARK_KAFKA") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
