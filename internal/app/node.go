package app

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	gqlgen "github.com/99designs/gqlgen/graphql"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/graph"
	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/answer"
	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/auditlog"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/definition"
	"github.com/tidemarkhq/tidemark/internal/document"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/feed"
	"github.com/tidemarkhq/tidemark/internal/gqlhttp"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/httpserver"
	"github.com/tidemarkhq/tidemark/internal/idempotency"
	"github.com/tidemarkhq/tidemark/internal/job"
	"github.com/tidemarkhq/tidemark/internal/journey"
	"github.com/tidemarkhq/tidemark/internal/kafka"
	"github.com/tidemarkhq/tidemark/internal/limit"
	"github.com/tidemarkhq/tidemark/internal/live"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/people"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/quota"
	"github.com/tidemarkhq/tidemark/internal/registry"
	"github.com/tidemarkhq/tidemark/internal/report"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/summary"
	"github.com/tidemarkhq/tidemark/internal/tail"
	"github.com/tidemarkhq/tidemark/internal/ticket"
	"github.com/tidemarkhq/tidemark/internal/timeline"
	"github.com/tidemarkhq/tidemark/internal/topic"
	"github.com/tidemarkhq/tidemark/web"
)

const (
	stopWithin   = 20 * time.Second // of a graceful stop
	workerPool   = 4                // connections for keeping house and managing tenants
	accessPool   = 4                // connections for signing people in
	queuePool    = 4                // connections for the queue itself
	readPool     = 2                // connections for reading what is summarized
	redisTimeout = 3 * time.Second  // of one command
)

// Node is one process's parts, put together.
type Node struct {
	config  Config
	logger  *slog.Logger
	app     *postgres.App
	worker  *postgres.Worker
	access  *postgres.Access
	redis   *redis.Client
	channel string        // of changes, in Redis
	limits  *redis.Client // for limits and attempts
	name    string        // of the database: it tells those who share a Redis apart
	vault   *secret.Vault

	certificate *httpserver.Certificate // nil: plain HTTP

	// PlaygroundKeys is what the playground offers to explore with; nil: none.
	PlaygroundKeys func() []PlaygroundKey
}

// PlaygroundKey is a key that the playground offers.
type PlaygroundKey struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// NewNode opens the connections that the configuration names. Close gives them back.
func NewNode(ctx context.Context, config Config, logger *slog.Logger) (*Node, error) {
	database, err := pgx.ParseConfig(config.DatabaseURL)
	if err != nil {
		return nil, errors.New("open database: the URL cannot be read")
	}
	options, err := redis.ParseURL(config.RedisURL)
	if err != nil {
		return nil, errors.New("open Redis: the URL cannot be read")
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	vault, err := config.Vault()
	if err != nil {
		return nil, err
	}
	certificate, err := config.certificate(logger)
	if err != nil {
		return nil, err
	}
	app, err := postgres.OpenApp(ctx, config.DatabaseURL, config.Pool, config.Tracer)
	if err != nil {
		return nil, err
	}
	worker, err := postgres.OpenWorker(ctx, config.DatabaseURL, workerPool)
	if err != nil {
		app.Close()
		return nil, err
	}
	signIn, err := postgres.OpenAccess(ctx, config.DatabaseURL, accessPool, config.Tracer)
	if err != nil {
		app.Close()
		worker.Close()
		return nil, err
	}
	return &Node{
		config: config, logger: logger, app: app, worker: worker, access: signIn,
		redis: redis.NewClient(options), channel: feed.Channel(database.Database),
		vault: vault, certificate: certificate,
		limits: limit.Connect(*options), name: database.Database,
	}, nil
}

// Close gives the connections back.
func (n *Node) Close() {
	n.app.Close()
	n.worker.Close()
	n.access.Close()
	_ = n.redis.Close() // nothing is left to be lost
	_ = n.limits.Close()
}

// Worker is for managing tenants and keys.
func (n *Node) Worker() *postgres.Worker { return n.worker }

// Vault seals what must be stored and read again.
func (n *Node) Vault() *secret.Vault { return n.vault }

// Archive makes the archive that the configuration names. Without a name it has no store.
func (n *Node) Archive() (*archive.Archive, error) {
	return n.config.archive(n.worker, n.logger)
}

// Writer makes a writer of events, for loading them without HTTP. Its Run must be running.
func (n *Node) Writer(options event.WriterOptions) *event.Writer {
	return event.NewWriter(n.app, options)
}

// Serve answers requests on the listener until ctx ends, and then stops in order: no new
// requests, those in flight finish, the writer commits what it holds, live queries end.
func (n *Node) Serve(ctx context.Context, listener net.Listener) error {
	staff, err := n.Staff()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	identities, err := n.identityPages(staff)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	witness := access.NewWitness(n.access, n.logger)
	callers := &authority{keys: access.NewAuthenticator(n.app, n.vault, witness), sessions: staff.Sessions()}
	callers.watcher = access.NewWatcher(callers.forget, n.logger)
	plans := registry.NewPlans(n.app)
	writer := event.NewWriter(n.app, event.WriterOptions{Plans: plans})
	in, checks, err := n.appender(ctx, writer)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if n.certificate != nil {
		listener = tls.NewListener(listener, n.certificate.Config())
	}
	engine := n.engine()
	limiter := limit.NewLimiter(n.limits, n.name, n.logger)
	taken := bounded{in, limiter, n.config.Limits.EventRate}
	documents, log := n.library(), auditlog.NewService(n.app, n.logger)
	histories, streams := history.NewStore(n.app, int64(n.config.HistoryMemory)<<20), tail.NewService(n.app, n.logger)
	defer histories.Close()
	graphql := n.graphql(serving{
		histories: histories, streams: streams,
		callers: callers, witness: witness, staff: staff, in: taken, writer: writer, plans: plans,
		log: log, engine: engine, limiter: limiter, documents: documents,
	})
	watch := &feedWatch{hub: n.hub(listeners{engine, callers.watcher, documents, histories, streams})}
	handler := httpserver.Handler(httpserver.Parts{
		Keys: callers.keys, Authenticate: callers.authenticate, AuditLog: log, Writer: taken, GraphQL: graphql,
		Revenue: revenue.NewService(n.app), Tickets: ticket.NewService(n.app),
		Playground: web.Handler(n.playgroundConfig), Identities: identities,
		Metrics: metrics(n.config.MetricsToken, append(watch.gauges(), liveGauges(graphql.Connections, engine.Stats)...)...),
		Checks:  append(append(n.checks(), checks...), httpserver.Check{Name: "feed", Do: watch.check}), Origins: n.config.origins(), Proxies: n.config.proxies(), Logger: n.logger,
	})

	// What requests need goes on until the last one is answered.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var parts errgroup.Group
	parts.Go(func() error { return writer.Run(background) })
	if in != appender(writer) {
		parts.Go(func() error { return in.Run(background) })
	}
	if n.certificate != nil {
		parts.Go(func() error { return n.certificate.Run(background) })
	}
	parts.Go(func() error {
		trim(background, graphql.Connections, giveBack)
		return nil
	})
	parts.Go(func() error { return callers.watcher.Run(background) })
	parts.Go(func() error { return witness.Run(background) })
	parts.Go(func() error { return histories.Run(background, n.logger) })
	parts.Go(func() error { return watch.hub.Run(background) })
	parts.Go(func() error { return job.Run(background, n.logger, n.lookAtSlot(watch)) })
	n.logger.Info("serving", "address", listener.Addr().String())
	err = httpserver.Serve(ctx, listener, handler, graphql.Shutdown, stopWithin)
	stop()
	engine.Stop()
	return errors.Join(err, parts.Wait())
}

// catalog is all metrics that there are.
func catalog() *metric.Catalog {
	return metric.NewCatalog(metric.Builtin(), revenue.Metrics()).WithOwn(definition.Library{})
}

// serving is what the answers of GraphQL are made of, while a server runs.
type serving struct {
	callers   *authority
	witness   *access.Witness
	staff     *people.Service
	in        event.Appender // takes events in
	writer    *event.Writer  // stores those that are let in later
	plans     *registry.Plans
	log       *auditlog.Service
	engine    *live.Engine
	limiter   *limit.Limiter
	documents *document.Library
	histories *history.Store
	streams   *tail.Service
}

func (n *Node) graphql(s serving) *gqlhttp.Handler {
	reader, parts, users := event.NewReader(n.app), archive.NewReader(n.app), customer.NewService(n.app)
	keyring := access.NewKeyring(n.app, n.access, n.vault)
	quotas := quota.NewService(n.app, n.config.Limits.rates(), n.logger)
	books, all := revenue.NewService(n.app), catalog()
	metrics := metric.NewService(n.app, all)
	summaries := summary.NewService(n.app, metrics)
	definitions := definition.NewService(n.app, all, metrics)
	timelines, cohorts, scores := timeline.NewService(n.app), cohort.NewService(n.app), health.NewService(n.app)
	tickets := ticket.NewService(n.app)
	from := loader.Services{
		Events: reader, Parts: parts, People: users, Keys: keyring,
		Metrics: metrics, Summaries: summaries, Revenue: books, Definitions: definitions,
		Staff: s.staff, Timelines: timelines, Cohorts: cohorts, Health: scores, Tickets: tickets,
	}
	executor := graph.NewExecutor(&graph.Resolver{
		TenantSettings: access.NewSettings(n.app),
		Keyring:        keyring,
		Witness:        s.witness,
		Quotas:         quotas,
		MetricService:  metrics,
		Definitions:    definitions,
		EventReader:    reader,
		EventTail:      s.streams,
		ArchiveReader:  parts,
		EventAppender:  s.in,
		EventWriter:    s.writer,
		Registry:       registry.NewService(n.app, s.plans),
		Customers:      users,
		Timelines:      timelines,
		Staff:          s.staff,
		Documents:      document.NewService(n.app, graph.CheckDocument),
		AuditLog:       s.log,
		ReportService:  report.NewService(n.app),
		SummaryService: summaries,
		Revenue:        books,
		Tickets:        tickets,
		Journeys:       journey.NewService(metrics, s.histories),
		CohortService:  cohorts,
		HealthService:  scores,
	}, n.config.Limits.bounds(), n.logger)
	admission := admission{s.limiter, quotas}
	var recall gqlhttp.Memory
	if n.config.AnswerCache > 0 {
		keeper := answer.New(n.app, int64(n.config.AnswerCache)<<20, graph.MayKeep)
		executor.Use(keeper)
		recall = memory{keeper, s.documents, admission}
	}
	transport := gqlhttp.Config{
		Executor:     executor,
		Live:         liveQueries{s.engine},
		Authenticate: s.callers.authenticate,
		Recognize:    s.callers.recognize,
		Anonymous:    true,
		Scope: func(ctx context.Context, scope string, op *gqlgen.OperationContext) string {
			if who, known := access.From(ctx); known && graph.Personal(op) {
				return who.Self()
			}
			return scope
		},
		Party:       tenantOf,
		Wish:        wish,
		Admit:       admission.admit,
		Memory:      recall,
		Prepare:     func(ctx context.Context) context.Context { return loader.With(ctx, from) },
		Documents:   s.documents,
		Idempotency: idempotency.New(n.app, n.vault, n.logger),
		Origins:     n.config.origins(),
		Logger:      n.logger,
	}
	n.config.Live.bound(&transport)
	return gqlhttp.New(transport)
}

// listeners are told what changes.
type listeners struct {
	engine    *live.Engine
	watcher   *access.Watcher
	documents *document.Library
	histories *history.Store
	streams   *tail.Service
}

// hub tells the live queries, the streams and the keys in use what has changed.
func (n *Node) hub(l listeners) *feed.Hub {
	return feed.NewHub(n.redis, n.channel, n.logger, l.hear)
}

// hear passes a message on. The library forgets first: a live query that is executed again asks
// it whether it may be.
func (l listeners) hear(m feed.Message) {
	if m.Gap || outdates(m.Topics) {
		l.documents.Forget()
	}
	if m.Gap {
		l.engine.Gap()
		l.watcher.Gap()
		l.histories.Gap()
		l.streams.Gap()
	}
	l.engine.Changed(m.Topics)
	for _, t := range m.Topics {
		l.watcher.Changed(t)
		if t.Subject == topic.Day {
			l.histories.Changed(t.Tenant)
			l.streams.Changed(t.Tenant)
		}
	}
}

// Work follows the feed, if no other process does, stores what is in the log, if there is one,
// and keeps house, until ctx ends.
func (n *Node) Work(ctx context.Context) error {
	leader, err := feed.NewLeader(n.config.DatabaseURL, n.redis, n.logger)
	if err != nil {
		return err
	}
	closer, opener := metric.NewCloser(n.worker, n.logger), revenue.NewOpener(n.worker, n.logger)
	keeper := event.NewKeeper(n.worker)
	cold, err := n.Archive()
	if err != nil {
		return err
	}
	eraser := customer.NewEraser(n.worker)
	mailing, err := n.mailTasks()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return leader.Run(ctx) })
	group.Go(func() error { return n.queue(ctx) })
	if n.config.UsesKafka() {
		group.Go(func() error { return n.consume(ctx) })
	}
	group.Go(func() error {
		return job.Run(ctx, n.logger, append(mailing,
			job.Task{Name: "close days", Every: 20 * time.Second, Deadline: 30 * time.Minute, Do: closer.Close},
			job.Task{Name: "open quarters", Every: time.Minute, Deadline: 30 * time.Minute, Do: opener.Refresh},
			job.Task{Name: "make partitions", Every: time.Hour, Deadline: time.Minute, Do: keeper.MakePartitions},
			job.Task{Name: "archive", Every: time.Hour, Deadline: 12 * time.Hour, Do: cold.Keep},
			job.Task{Name: "erase persons", Every: 5 * time.Second, Deadline: 12 * time.Hour, Do: func(ctx context.Context) error {
				return errors.Join(eraser.Erase(ctx), cold.Erase(ctx))
			}},
			job.Task{Name: "forget messages", Every: 10 * time.Minute, Deadline: 30 * time.Minute, Do: keeper.ForgetMessages},
			job.Task{Name: "forget quarantined events", Every: time.Hour, Deadline: 30 * time.Minute, Do: func(ctx context.Context) error {
				return registry.ForgetHeld(ctx, n.worker, registry.HoldFor)
			}},
			job.Task{Name: "forget retired documents", Every: time.Hour, Deadline: 10 * time.Minute, Do: func(ctx context.Context) error {
				return document.Forget(ctx, n.worker)
			}},
			job.Task{Name: "forget idempotency keys", Every: 10 * time.Minute, Deadline: 30 * time.Minute, Do: func(ctx context.Context) error {
				return idempotency.Forget(ctx, n.worker)
			}},
		)...)
	})
	return group.Wait()
}

// consume stores what is in the log, until ctx ends.
func (n *Node) consume(ctx context.Context) error {
	options := n.config.Kafka.options(n.logger)
	if err := kafka.Prepare(ctx, options); err != nil {
		return err
	}
	consumer := kafka.NewConsumer(options, n.Writer(event.WriterOptions{}))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return consumer.Run(ctx) })
	group.Go(func() error {
		return job.Run(ctx, n.logger, job.Task{Name: "look at the log's lag", Every: 30 * time.Second, Deadline: time.Second, Do: consumer.Tell})
	})
	return group.Wait()
}

func (n *Node) checks() []httpserver.Check {
	return []httpserver.Check{
		{Name: "postgres", Vital: true, Do: n.app.Ping},
		// Without Redis events are taken and queries answered; live queries wait for it.
		{Name: "redis", Do: func(ctx context.Context) error { return n.redis.Ping(ctx).Err() }},
	}
}

// playgroundConfig is what the playground's page asks for when it opens.
func (n *Node) playgroundConfig(*http.Request) any {
	keys := []PlaygroundKey{}
	if n.PlaygroundKeys != nil {
		keys = n.PlaygroundKeys()
	}
	return map[string]any{"graphql": "/graphql", "keys": keys}
}
