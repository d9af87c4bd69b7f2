package event

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// maxPage is how many events one page may have.
const maxPage = 500

// Event is an event as it is stored.
type Event struct {
	Position
	ReceivedAt  time.Time
	Type        string
	MessageID   string
	Identity    *int64 // who did it; nil: nobody
	UserID      *string
	AnonymousID *string
	GroupType   *string
	GroupID     *string
	Properties  []byte // a JSON object
	Context     []byte // a JSON object
}

// Position is where an event stands in time: by instant, and among equals by arrival.
// It identifies the event within its tenant.
type Position struct {
	OccurredAt time.Time
	ID         int64
}

// latestPosition stands after every event.
var latestPosition = Position{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxInt64}

// PageQuery asks for events of a range, the latest first.
type PageQuery struct {
	From, To time.Time
	Types    []string  // nil: all
	First    int       // 1 to 500
	After    *Position // nil: from the latest
}

// Page is a part of a list.
type Page struct {
	Events []Event
	More   bool // whether earlier ones follow
}

// Reader reads stored events.
type Reader struct{ app *postgres.App }

// NewReader makes a reader.
func NewReader(app *postgres.App) *Reader { return &Reader{app} }

// Page gives a part of the list of events.
func (r *Reader) Page(ctx context.Context, q PageQuery) (Page, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return Page{}, err
	}
	if q.First < 1 || q.First > maxPage {
		return Page{}, fault.Input("first", "Between 1 and %d are allowed.", maxPage)
	}
	before := latestPosition
	if q.After != nil {
		before = *q.After
	}
	var page Page
	err = r.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().EventPage(ctx, tx, dbsqlc.EventPageParams{
			RangeFrom: q.From, RangeTo: q.To, BeforeAt: before.OccurredAt, BeforeID: before.ID,
			Types: q.Types, Most: int64(q.First) + 1, // one more tells whether more follow
		})
		if err != nil {
			return fmt.Errorf("read page of events: %w", err)
		}
		page.More = len(rows) > q.First
		for _, row := range rows[:min(len(rows), q.First)] {
			page.Events = append(page.Events, fromRow(dbsqlc.EventListByIDsRow(row)))
		}
		return nil
	})
	return page, err
}

// ByPositions finds several events at once. What is not this tenant's is not found: the
// answer has only those that are.
func (r *Reader) ByPositions(ctx context.Context, positions []Position) (map[Position]Event, error) {
	who, err := access.Require(ctx, access.Read)
	if err != nil {
		return nil, err
	}
	var params dbsqlc.EventListByIDsParams
	for _, p := range positions {
		params.Ats = append(params.Ats, p.OccurredAt)
		params.Ids = append(params.Ids, p.ID)
	}
	found := make(map[Position]Event, len(positions))
	err = r.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		rows, err := dbsqlc.New().EventListByIDs(ctx, tx, params)
		if err != nil {
			return fmt.Errorf("read events by id: %w", err)
		}
		for _, row := range rows {
			e := fromRow(row)
			found[e.Position] = e
		}
		return nil
	})
	return found, err
}

func fromRow(row dbsqlc.EventListByIDsRow) Event {
	return Event{
		Position:   Position{row.OccurredAt.UTC(), row.EventID},
		ReceivedAt: row.ReceivedAt.UTC(), Type: row.Type, MessageID: row.MessageID,
		Identity: idOf(row.IdentityID), UserID: row.UserID, AnonymousID: row.AnonymousID,
		GroupType: row.GroupType, GroupID: row.GroupID,
		Properties: row.Properties, Context: row.Context,
	}
}

func idOf(column pgtype.Int8) *int64 {
	if !column.Valid {
		return nil
	}
	return &column.Int64
}
