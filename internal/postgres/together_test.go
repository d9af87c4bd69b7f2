package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// batches counts the round trips that several statements shared.
type batches struct{ sizes []int }

func (b *batches) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (*batches) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (b *batches) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	b.sizes = append(b.sizes, data.Batch.Len())
	return ctx
}
func (*batches) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*batches) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// together runs functions in a transaction, and says how they were sent.
func together(t *testing.T, functions ...func(dbsqlc.DBTX) error) ([]int, error) {
	t.Helper()
	h := testkit.NewHouse(t)
	var sent batches
	err := h.AnotherApp(t, &sent).Read(t.Context(), tenant.ID{1}, func(tx pgx.Tx) error {
		return postgres.Together(t.Context(), tx, functions...)
	})
	return sent.sizes, err
}

// counting asks for the numbers up to each of its bounds, one statement after the other.
func counting(t *testing.T, bounds ...int) func(dbsqlc.DBTX) error {
	return func(db dbsqlc.DBTX) error {
		for _, bound := range bounds {
			rows, err := db.Query(t.Context(), "select generate_series(1, $1::int)", bound)
			if err != nil {
				return err
			}
			numbers, err := pgx.CollectRows(rows, pgx.RowTo[int])
			if err != nil {
				return err
			}
			if len(numbers) != bound || bound > 0 && slices.Max(numbers) != bound {
				return fmt.Errorf("up to %d: %v", bound, numbers)
			}
		}
		return nil
	}
}

func TestWhatIsAskedAtOnceIsSentTogether(t *testing.T) {
	single := func(db dbsqlc.DBTX) error {
		var n int
		if err := db.QueryRow(t.Context(), "select 7").Scan(&n); err != nil || n != 7 {
			return fmt.Errorf("one row: %d, %w", n, err)
		}
		if err := db.QueryRow(t.Context(), "select 7 where false").Scan(&n); !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("no row: %w", err)
		}
		_, err := db.Exec(t.Context(), "select 1")
		return err
	}
	silent := func(dbsqlc.DBTX) error { return nil }
	sent, err := together(t, counting(t, 3, 0, 500), single, silent, counting(t, 2))
	if err != nil || !slices.Equal(sent, []int{2 + 3, 2, 2}) {
		t.Errorf("sent %v, %v; want three together behind what begins the transaction, and then two of those who ask again", sent, err)
	}
}

func TestAFailureTogetherIsTheFirstCause(t *testing.T) {
	asks := func(sql string) func(dbsqlc.DBTX) error {
		return func(db dbsqlc.DBTX) error {
			var n int
			return db.QueryRow(t.Context(), sql).Scan(&n)
		}
	}
	own := errors.New("no luck")
	for name, c := range map[string]struct {
		functions []func(dbsqlc.DBTX) error
		want      string
	}{
		"a statement is refused":   {[]func(dbsqlc.DBTX) error{counting(t, 1), asks("select 1/0"), counting(t, 2)}, "22012"},
		"as the first of them":     {[]func(dbsqlc.DBTX) error{asks("select 1/0"), counting(t, 1), counting(t, 2)}, "22012"},
		"a function gives up":      {[]func(dbsqlc.DBTX) error{counting(t, 1), func(dbsqlc.DBTX) error { return own }}, "no luck"},
		"a function panics":        {[]func(dbsqlc.DBTX) error{counting(t, 1), func(dbsqlc.DBTX) error { panic("oh") }}, "oh"},
		"rows are not read at all": {[]func(dbsqlc.DBTX) error{counting(t, 1), asks("select 1 where false")}, "no rows"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := together(t, c.functions...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
