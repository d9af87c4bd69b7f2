package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/httpserver"
	"github.com/tidemarkhq/tidemark/internal/kafka"
)

// The ways that events can take from those who take them in to the tables.
const (
	ingestDirect = "direct" // the server stores them before it answers
	ingestKafka  = "kafka"  // the server puts them into a log, from which workers store them
)

// KafkaConfig says where the log is. Nothing of it is touched unless events go through it.
type KafkaConfig struct {
	Brokers    []string `name:"kafka" env:"TIDEMARK_KAFKA" help:"Kafka's brokers, as host:port, with commas between."`
	Topic      string   `name:"kafka-topic" env:"TIDEMARK_KAFKA_TOPIC" default:"tidemark.events" help:"Topic of events; made if it is missing. What cannot be stored goes to TOPIC.dead."`
	Group      string   `name:"kafka-group" env:"TIDEMARK_KAFKA_GROUP" default:"tidemark" help:"Consumer group of the workers."`
	Partitions int      `name:"kafka-partitions" env:"TIDEMARK_KAFKA_PARTITIONS" default:"12" help:"Partitions of a topic that is made."`
	Replicas   int      `name:"kafka-replicas" env:"TIDEMARK_KAFKA_REPLICAS" default:"0" help:"Replicas of a topic that is made; 0: as the brokers have it."`
	TLS        bool     `name:"kafka-tls" env:"TIDEMARK_KAFKA_TLS" help:"Speak TLS with the brokers."`
	CAFile     string   `name:"kafka-ca" env:"TIDEMARK_KAFKA_CA" help:"File of certificates to trust instead of the system's."`
	CertFile   string   `name:"kafka-cert" env:"TIDEMARK_KAFKA_CERT" help:"File of a client certificate."`
	KeyFile    string   `name:"kafka-key" env:"TIDEMARK_KAFKA_KEY" help:"File of its key."`
	SASL       string   `name:"kafka-sasl" env:"TIDEMARK_KAFKA_SASL" help:"How to sign in: plain, scram-sha-256 or scram-sha-512."`
	User       string   `name:"kafka-user" env:"TIDEMARK_KAFKA_USER" help:"Who signs in."`
	Password   string   `name:"kafka-password" env:"TIDEMARK_KAFKA_PASSWORD" help:"With what. Better given in the environment."`
}

func (k KafkaConfig) options(logger *slog.Logger) kafka.Options {
	return kafka.Options{
		Brokers: k.Brokers, Topic: k.Topic, Group: k.Group, Partitions: k.Partitions, Replicas: k.Replicas, Logger: logger,
		Security: kafka.Security{
			TLS: k.TLS, CAFile: k.CAFile, CertFile: k.CertFile, KeyFile: k.KeyFile,
			SASL: k.SASL, User: k.User, Password: k.Password,
		},
	}
}

// UsesKafka reports whether events go through a log.
func (c Config) UsesKafka() bool { return c.Ingest == ingestKafka }

// topicName is what Kafka takes, with room for the suffix of the dead topic.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,240}$`)

// checkIngest reports what is wrong with the way that events take.
func (c Config) checkIngest() error {
	switch c.Ingest {
	case "", ingestDirect:
		return nil
	case ingestKafka:
		return errors.Join(c.Kafka.checkTopic(), c.Kafka.checkSecurity())
	}
	return fmt.Errorf("TIDEMARK_INGEST must be direct or kafka: %q", c.Ingest)
}

func (k KafkaConfig) checkTopic() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if len(k.Brokers) == 0 {
		add("TIDEMARK_KAFKA is not set: where are Kafka's brokers?")
	}
	for _, broker := range k.Brokers {
		if host, port, err := net.SplitHostPort(broker); err != nil || host == "" || !isPort(port) {
			add("TIDEMARK_KAFKA has an entry that is not of the form host:port: %q", broker)
		}
	}
	if !topicName.MatchString(k.Topic) {
		add("TIDEMARK_KAFKA_TOPIC is not the name of a topic: %q", k.Topic)
	}
	if k.Group == "" {
		add("TIDEMARK_KAFKA_GROUP is empty")
	}
	if k.Partitions < 1 || k.Partitions > 1000 {
		add("TIDEMARK_KAFKA_PARTITIONS must be between 1 and 1000: %d", k.Partitions)
	}
	if k.Replicas < 0 || k.Replicas > 10 {
		add("TIDEMARK_KAFKA_REPLICAS must be between 0 and 10: %d", k.Replicas)
	}
	return errors.Join(problems...)
}

func (k KafkaConfig) checkSecurity() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !k.TLS && k.CAFile+k.CertFile+k.KeyFile != "" {
		add("TIDEMARK_KAFKA_CA, _CERT and _KEY are of use with TIDEMARK_KAFKA_TLS=true only")
	}
	if (k.CertFile == "") != (k.KeyFile == "") {
		add("TIDEMARK_KAFKA_CERT and TIDEMARK_KAFKA_KEY go together")
	}
	for name, file := range map[string]string{"CA": k.CAFile, "CERT": k.CertFile, "KEY": k.KeyFile} {
		if _, err := os.Stat(file); file != "" && err != nil {
			add("TIDEMARK_KAFKA_%s names a file that cannot be read", name)
		}
	}
	if k.SASL != "" && !slices.Contains(kafka.Mechanisms, k.SASL) {
		add("TIDEMARK_KAFKA_SASL must be one of %s: %q", strings.Join(kafka.Mechanisms, ", "), k.SASL)
	}
	if k.SASL != "" && (k.User == "" || k.Password == "") {
		add("TIDEMARK_KAFKA_SASL needs TIDEMARK_KAFKA_USER and TIDEMARK_KAFKA_PASSWORD")
	}
	return errors.Join(problems...)
}

// checkKafka looks whether the brokers answer.
func (c Config) checkKafka(ctx context.Context) error {
	if err := kafka.Ping(ctx, c.Kafka.options(slog.New(slog.DiscardHandler))); err != nil {
		return fmt.Errorf("TIDEMARK_KAFKA: no broker answers: %w", err)
	}
	return nil
}

// appender is what takes events in, with a Run that must be running.
type appender interface {
	event.Appender
	Run(ctx context.Context) error
}

// appender gives the way in that the configuration asks for, and what can be checked of it.
func (n *Node) appender(ctx context.Context, direct *event.Writer) (appender, []httpserver.Check, error) {
	if !n.config.UsesKafka() {
		return direct, nil, nil
	}
	options := n.config.Kafka.options(n.logger)
	if err := kafka.Prepare(ctx, options); err != nil {
		return nil, nil, err
	}
	producer, err := kafka.NewProducer(options)
	if err != nil {
		return nil, nil, err
	}
	// Not vital: without the log events are refused, and queries answered.
	return producer, []httpserver.Check{{Name: "kafka", Do: producer.Ping}}, nil
}
