// Package app holds the configuration and puts the parts together: the only place that
// knows all of them.
package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// Config is what a process is told. Its zero values are not defaults: the command line
// fills those in.
type Config struct {
	DatabaseURL    string   `name:"database-url" env:"DATABASE_URL" help:"PostgreSQL 15 or later with wal_level=logical, as postgres://user:password@host/database."`
	RedisURL       string   `name:"redis-url" env:"REDIS_URL" help:"Redis 7 or later, or Valkey, as redis://:password@host:6379/0."`
	Listen         string   `name:"listen" env:"TIDEMARK_LISTEN" default:"127.0.0.1:8080" help:"Address to serve on, as host:port."`
	Origins        []string `name:"origins" env:"TIDEMARK_ORIGINS" help:"Other origins whose pages may call GraphQL, such as https://app.example.com; * for all."`
	TrustedProxies []string `name:"trusted-proxies" env:"TIDEMARK_TRUSTED_PROXIES" help:"Addresses or networks of proxies before this server, such as 10.0.0.0/8. Only they are believed who asks (X-Forwarded-For, -Proto, -Host)."`
	TLSCert        string   `name:"tls-cert" env:"TIDEMARK_TLS_CERT" help:"File of a certificate with its chain, in PEM: speak TLS. Read again when it changes."`
	TLSKey         string   `name:"tls-key" env:"TIDEMARK_TLS_KEY" help:"File of the certificate's key, in PEM."`
	SecretKeys     string   `name:"secret-keys" env:"TIDEMARK_SECRET_KEYS" help:"Keys that stored secrets are sealed under, as id:base64, the current one first, with commas between. Better given in the environment than here."`
	SecretKeysFile string   `name:"secret-keys-file" env:"TIDEMARK_SECRET_KEYS_FILE" help:"File of them instead, a line each, that nobody else may read."`
	Pool           int      `name:"pool" env:"TIDEMARK_POOL" default:"12" help:"Database connections for serving, at most."`
	Archive        string   `name:"archive" env:"TIDEMARK_ARCHIVE" help:"Where raw events go that are past their tenant's retention: file:///folder, or s3://bucket/prefix?endpoint=https://host&region=name with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment."`
	Ingest         string   `name:"ingest" env:"TIDEMARK_INGEST,INGEST" default:"direct" help:"direct: the server stores events before it answers. kafka: it puts them into a log, from which workers store them."`
	Documents      string   `name:"documents" env:"TIDEMARK_DOCUMENTS" default:"open" help:"open: each tenant says which GraphQL documents its callers may run. trusted: all take registered documents alone."`
	AnswerCache    int      `name:"answer-cache" env:"TIDEMARK_ANSWER_CACHE" default:"64" help:"MiB of answers that are kept to be given again while their data is unchanged; 0: none."`
	MetricsToken   string   `name:"metrics-token" env:"TIDEMARK_METRICS_TOKEN" help:"Who sends it as Bearer may read /metrics; without one there are no metrics. At least 16 characters."`
	HistoryMemory  int      `name:"history-memory" env:"TIDEMARK_HISTORY_MEMORY" default:"1024" help:"MiB for the histories in memory that retention and funnels are worked out of; some 40 bytes an event, of the tenants that asked last."`
	MaxEventBytes  int      `name:"max-event-bytes" env:"TIDEMARK_MAX_EVENT_BYTES" default:"32768" help:"Bytes of one event, at most."`
	MaxBatchBytes  int      `name:"max-batch-bytes" env:"TIDEMARK_MAX_BATCH_BYTES" default:"512000" help:"Bytes of one request's body, at most, uncompressed."`
	LogLevel       string   `name:"log-level" env:"TIDEMARK_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat      string   `name:"log-format" env:"TIDEMARK_LOG_FORMAT" default:"json" help:"json or text."`

	Kafka  KafkaConfig  `embed:""`
	Limits LimitsConfig `embed:""`
	Live   LiveConfig   `embed:""`
	People PeopleConfig `embed:""`

	// Tracer is told of every statement that serves a tenant; nil: nobody is.
	Tracer pgx.QueryTracer `kong:"-"`
}

// UseLimits makes the limits of what is taken in those of this process.
func (c Config) UseLimits() {
	event.SetLimits(event.Limits{Event: c.MaxEventBytes, Batch: c.MaxBatchBytes})
}

// Check reports every problem at once. A database and Redis must be named where they are
// required; "tidemark up" starts its own where they are not.
func (c Config) Check(needsDatabase, needsRedis bool) error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.DatabaseURL == "" && needsDatabase {
		add("DATABASE_URL is not set: where is PostgreSQL? (tidemark up starts one by itself)")
	} else if c.DatabaseURL != "" {
		problems = append(problems, checkDatabaseURL(c.DatabaseURL))
	}
	if c.RedisURL == "" && needsRedis {
		add("REDIS_URL is not set: where is Redis? (tidemark up starts one by itself)")
	} else if c.RedisURL != "" {
		if _, err := redis.ParseURL(c.RedisURL); err != nil {
			add("REDIS_URL is not of the form redis://:password@host:6379/0")
		}
	}
	if _, port, err := net.SplitHostPort(c.Listen); err != nil || !isPort(port) {
		add("TIDEMARK_LISTEN is not of the form host:port: %q", c.Listen)
	}
	if c.MaxEventBytes < 1<<10 || c.MaxEventBytes > 256<<10 {
		add("TIDEMARK_MAX_EVENT_BYTES must be between 1024 and 262144: %d", c.MaxEventBytes)
	}
	if c.MaxBatchBytes < c.MaxEventBytes || c.MaxBatchBytes > 16<<20 {
		add("TIDEMARK_MAX_BATCH_BYTES must be between TIDEMARK_MAX_EVENT_BYTES and 16777216: %d", c.MaxBatchBytes)
	}
	if c.Pool < 4 || c.Pool > 1000 {
		add("TIDEMARK_POOL must be between 4 and 1000: %d", c.Pool)
	}
	if c.MetricsToken != "" && len(c.MetricsToken) < 16 {
		add("TIDEMARK_METRICS_TOKEN must have at least 16 characters: it has %d", len(c.MetricsToken))
	}
	if c.HistoryMemory < 1 || c.HistoryMemory > 1<<20 {
		add("TIDEMARK_HISTORY_MEMORY must be between 1 and 1048576: %d", c.HistoryMemory)
	}
	if c.AnswerCache < 0 || c.AnswerCache > 64<<10 {
		add("TIDEMARK_ANSWER_CACHE must be between 0 and 65536: %d", c.AnswerCache)
	}
	if err := c.checkArchive(); err != nil {
		add("TIDEMARK_ARCHIVE: %w", err)
	}
	if _, err := c.level(); err != nil {
		add("TIDEMARK_LOG_LEVEL must be debug, info, warn or error: %q", c.LogLevel)
	}
	if c.LogFormat != "json" && c.LogFormat != "text" {
		add("TIDEMARK_LOG_FORMAT must be json or text: %q", c.LogFormat)
	}
	problems = append(problems, c.checkIngest(), c.checkEdge(), c.checkSecretKeys(), c.checkDocuments(), c.Limits.check(), c.Live.check(), c.People.check())
	return errors.Join(problems...)
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && strconv.FormatUint(port, 10) == text
}

// checkDatabaseURL does not repeat the URL, nor pgx's error, which does.
func checkDatabaseURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return errors.New("DATABASE_URL is not of the form postgres://user:password@host/database")
	}
	if _, err := pgx.ParseConfig(text); err != nil {
		return errors.New("DATABASE_URL has a part that cannot be read")
	}
	return nil
}

func (c Config) level() (level slog.Level, err error) {
	err = level.UnmarshalText([]byte(c.LogLevel))
	return level, err
}

// Logger makes the logger that the configuration asks for. It writes to standard error.
func (c Config) Logger() *slog.Logger {
	level, err := c.level()
	if err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}
