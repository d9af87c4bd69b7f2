package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What the hand-written endpoint is told in its environment.
const (
	rawListen = "BENCH_QUERY_RAW_LISTEN"
	rawTenant = "BENCH_QUERY_RAW_TENANT"
)

// raw is the endpoint that somebody would write by hand for just these pages: net/http, a pool
// of pgx with prepared statements, one batch a request, the JSON appended to a buffer. It has
// no tenants, no permissions, no limits.
type raw struct {
	pool   *pgxpool.Pool
	tenant string
	clock  clock
}

func serveRaw(ctx context.Context, address string) error {
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return errors.New("the URL of the database cannot be read")
	}
	config.MaxConns = 12
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer pool.Close()
	r := raw{pool: pool, tenant: os.Getenv(rawTenant)}
	var zone string
	if err := pool.QueryRow(ctx, "select zone from tenant where tenant_id = $1", r.tenant).Scan(&zone); err != nil {
		return fmt.Errorf("read the zone: %w", err)
	}
	if r.clock, err = clockOf(zone); err != nil {
		return err
	}
	return r.serve(ctx, address)
}

func (r raw) serve(ctx context.Context, address string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/ready", func(http.ResponseWriter, *http.Request) {})
	for _, p := range pages {
		bytes, err := r.answer(ctx, p) // kept as it is now
		if err != nil {
			return err
		}
		mux.HandleFunc("/memory/"+p.name, func(w http.ResponseWriter, _ *http.Request) { write(w, bytes) })
		mux.HandleFunc("/"+p.name, func(w http.ResponseWriter, request *http.Request) {
			answer, err := r.answer(request.Context(), p)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			write(w, answer)
		})
	}
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func write(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// The statements: closed days from the view, where nothing has touched them, and others from
// what is rolled up. Which are closed is found out by looking at two ranges of keys.
const daySQL = `
with kept as materialized (
  select t.day, %s as n
  from materialized.day_total t
  where t.tenant_id = $1 and t.day between $5 and $6
    and ((t.day, t.version) in (
      select v.day, v.version from day_version v where v.tenant_id = $1 and v.day between $5 and $6
    )) is true
)
select now(), k.day, k.n::float8
from kept k
union all
select now(), d.day, coalesce(%s, 0)::float8
from unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) as d (day, starts, ends)
where (d.day in (select k.day from kept k)) is not true`

func daysOf(kept, afresh string) string { return fmt.Sprintf(daySQL, kept, afresh) }

var daySQLs = map[string]string{
	"events":       daysOf("t.events", "(select sum(r.count) from event_rollup r where r.tenant_id = $1 and r.at >= d.starts and r.at < d.ends)"),
	"active_users": daysOf("t.active_users", "(select count(distinct p.person_id) from presence p where p.tenant_id = $1 and p.day = d.day)"),
	"new_users":    daysOf("t.new_users", "(select count(*) from identity i where i.tenant_id = $1 and i.born_at >= d.starts and i.born_at < d.ends)"),
}

const typesSQL = `
with kept as materialized (
  select m.day, m.type, m.events
  from materialized.day_type m
  where m.tenant_id = $1 and m.day between $5 and $6
    and ((m.day, m.version) in (
      select v.day, v.version from day_version v where v.tenant_id = $1 and v.day between $5 and $6
    )) is true
)
select now(), c.type, (sum(c.n) filter (where c.day >= $7))::bigint, (sum(c.n) filter (where c.day < $7))::bigint
from (
  select k.day, k.type, k.events as n
  from kept k
  where k.type <> ''
  union all
  select d.day, r.type, r.count
  from unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) as d (day, starts, ends)
  cross join lateral (
    select r.type, r.count from event_rollup r where r.tenant_id = $1 and r.at >= d.starts and r.at < d.ends offset 0
  ) r
  where (d.day in (select k.day from kept k)) is not true
) c
group by c.type
order by 3 desc nulls last, c.type`

// answer reads a page in one round trip, and writes it.
func (r raw) answer(ctx context.Context, p page) ([]byte, error) {
	buffer := append(make([]byte, 0, 4096), `{"data":{`...)
	var batch pgx.Batch
	for i, w := range p.widgets {
		days := r.clock.days(w)
		if w.metric == "" { // and the range before
			days = r.clock.days(widget{days: 2 * w.days, skip: w.skip})
		}
		dates, starts, ends := make([]time.Time, len(days)), make([]time.Time, len(days)), make([]time.Time, len(days))
		for j, d := range days {
			dates[j], starts[j], ends[j] = d.date, d.start, d.end
		}
		into := func(rows pgx.Rows) (err error) {
			if i > 0 {
				buffer = append(buffer, ',')
			}
			buffer = append(strconv.AppendInt(append(buffer, `"w`...), int64(i), 10), `":`...)
			if w.metric == "" {
				buffer, err = appendTypes(buffer, rows)
			} else {
				buffer, err = appendSeries(buffer, rows, days)
			}
			return err
		}
		if w.metric == "" {
			batch.Queue(typesSQL, r.tenant, dates, starts, ends, dates[0], dates[len(dates)-1], dates[w.days]).Query(into)
		} else {
			batch.Queue(daySQLs[w.metric], r.tenant, dates, starts, ends, dates[0], dates[len(dates)-1]).Query(into)
		}
	}
	err := r.pool.SendBatch(ctx, &batch).Close()
	return append(buffer, `}}`...), err
}

func appendSeries(buffer []byte, rows pgx.Rows, days []day) ([]byte, error) {
	var now time.Time
	values := make([]float64, len(days))
	for rows.Next() {
		var date time.Time
		var value float64
		if err := rows.Scan(&now, &date, &value); err != nil {
			return buffer, err
		}
		values[int(date.Sub(days[0].date)/(24*time.Hour))] = value
	}
	buffer = append(buffer, `{"series":{"at":`...)
	buffer = appendList(buffer, days, func(b []byte, d day) []byte { return appendTime(b, d.start) })
	buffer = append(buffer, `,"values":`...)
	buffer = appendList(buffer, values, func(b []byte, v float64) []byte { return strconv.AppendFloat(b, v, 'f', -1, 64) })
	buffer = append(buffer, `,"complete":`...)
	buffer = appendList(buffer, days, func(b []byte, d day) []byte { return strconv.AppendBool(b, !d.end.After(now)) })
	buffer = appendTime(append(buffer, `,"asOf":`...), now)
	return append(buffer, `}}`...), rows.Err()
}

// group is a type, with its events in the range and in the one before.
type group struct {
	keys        []string
	value, then int64
}

func appendTypes(buffer []byte, rows pgx.Rows) ([]byte, error) {
	var now time.Time
	var groups []group
	var all group
	for rows.Next() {
		var kind string
		var value, then pgtype.Int8
		if err := rows.Scan(&now, &kind, &value, &then); err != nil {
			return buffer, err
		}
		if value.Valid {
			groups = append(groups, group{[]string{kind}, value.Int64, then.Int64})
			all.value += value.Int64
		}
	}
	rest := all
	shown := groups[:min(len(groups), typesShown)]
	for _, g := range shown {
		rest.value -= g.value
	}
	buffer = appendTime(append(buffer, `{"breakdown":{"asOf":`...), now)
	buffer = strconv.AppendInt(append(buffer, `,"groupCount":`...), int64(len(groups)), 10)
	buffer = appendList(append(buffer, `,"rows":`...), shown, func(b []byte, g group) []byte {
		b = appendList(append(b, `{"keys":`...), g.keys, strconv.AppendQuote)
		b = strconv.AppendInt(append(b, `,"value":`...), g.value, 10)
		b = strconv.AppendInt(append(b, `,"comparisons":[{"value":`...), g.then, 10)
		return append(b, `}]}`...)
	})
	buffer = strconv.AppendInt(append(buffer, `,"rest":{"value":`...), rest.value, 10)
	buffer = strconv.AppendInt(append(buffer, `},"total":{"value":`...), all.value, 10)
	return append(buffer, `}}}`...), rows.Err()
}

func appendList[T any](buffer []byte, list []T, one func([]byte, T) []byte) []byte {
	buffer = append(buffer, '[')
	for i, item := range list {
		if i > 0 {
			buffer = append(buffer, ',')
		}
		buffer = one(buffer, item)
	}
	return append(buffer, ']')
}

func appendTime(buffer []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(buffer, '"'), time.RFC3339Nano), '"')
}
