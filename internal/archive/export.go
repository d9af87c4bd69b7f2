package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// attempts is how often a part is written whose events change meanwhile.
const attempts = 3

// exportMonth moves a month's events out, a part at a time, until none is left.
func (a *Archive) exportMonth(ctx context.Context, id tenant.ID, month calendar.Date, report func(events int)) (total int64, err error) {
	if a.store == nil {
		return 0, errNoStore
	}
	for tried := 1; ; {
		events, err := a.exportPart(ctx, id, month)
		switch {
		case errors.Is(err, errChanged) && tried < attempts:
			tried++
			continue
		case err != nil:
			return total, fmt.Errorf("export %s of tenant %s: %w", month.String()[:7], id, err)
		case events == 0:
			return total, a.purge(ctx, id)
		}
		tried, total = 1, total+events
		report(int(events))
	}
}

// exportPart writes the first events of a month to the store, reads them back, and only
// then drops them. Stopped between any two steps it leaves them in the database, and an
// object that the next run removes. It returns 0 if there are no events.
func (a *Archive) exportPart(ctx context.Context, id tenant.ID, month calendar.Date) (events int64, err error) {
	p, err := a.begin(ctx, id, month)
	if err != nil {
		return 0, err
	}
	err = a.publish(ctx, &p, a.fromDatabase(p), func(file *os.File) error { return a.drop(ctx, p, file) })
	if err != nil && !errors.Is(err, errChanged) {
		return 0, err
	}
	if err != nil || p.Events == 0 {
		return 0, errors.Join(err, a.discard(ctx, p))
	}
	return p.Events, nil
}

// begin names a part before anything of it is written.
func (a *Archive) begin(ctx context.Context, id tenant.ID, month calendar.Date) (p Part, err error) {
	prefix := prefixOf(Part{TenantID: id, Month: month})
	err = a.worker.InTx(ctx, func(tx pgx.Tx) error {
		p, err = dbsqlc.New().ArchivePartBegin(ctx, tx, dbsqlc.ArchivePartBeginParams{TenantID: id, Month: month, Prefix: prefix})
		return err
	})
	if err != nil {
		return p, fmt.Errorf("begin part: %w", err)
	}
	return p, nil
}

// source fills a file with the rows of a part.
type source func(ctx context.Context, to *fileWriter) error

// publish writes a part to the store and reads it back; then it is verified, and what was
// read back is lent.
func (a *Archive) publish(ctx context.Context, p *Part, rows source, use func(file *os.File) error) error {
	file, err := a.spool()
	if err != nil {
		return err
	}
	defer unspool(file)
	w := newFileWriter(file, *p)
	if err := rows(ctx, w); err != nil {
		return err
	}
	if err := w.close(p); err != nil {
		return err
	}
	if err := a.store.Put(ctx, p.Path, io.NewSectionReader(file, 0, p.Bytes)); err != nil {
		return fmt.Errorf("store %s: %w", p.Path, err)
	}
	return a.withRead(ctx, *p, func(file *os.File) error {
		if err := a.verified(ctx, *p); err != nil {
			return err
		}
		return use(file)
	})
}

func (a *Archive) verified(ctx context.Context, p Part) error {
	err := a.worker.InTx(ctx, func(tx pgx.Tx) error {
		return one(dbsqlc.New().ArchivePartVerified(ctx, tx, dbsqlc.ArchivePartVerifiedParams{
			Events: p.Events, Bytes: p.Bytes, Sha256: p.Sha256, Checksum: p.Checksum, FirstAt: p.FirstAt, LastAt: p.LastAt,
			TenantID: p.TenantID, Month: p.Month, Part: p.Part,
		}))
	})
	if err != nil {
		return fmt.Errorf("mark %s verified: %w", p.Path, err)
	}
	return nil
}

// fromDatabase reads the first events of a part's month, page by page. What changes while
// it reads is noticed when the part is dropped.
func (a *Archive) fromDatabase(p Part) source {
	return func(ctx context.Context, to *fileWriter) error {
		starts, ends := span(p.Month)
		query := dbsqlc.ArchiveEventPageParams{TenantID: p.TenantID, Starts: starts, Ends: ends, AfterAt: starts, AfterID: math.MinInt64}
		for left := a.options.PartEvents; left > 0; {
			query.Most = int64(min(left, a.options.PageEvents))
			page, err := a.page(ctx, query)
			if err != nil {
				return err
			}
			if err := to.write(page); err != nil {
				return err
			}
			if len(page) < int(query.Most) {
				return nil
			}
			last := page[len(page)-1]
			query.AfterAt, query.AfterID = instant(last.OccurredAt), last.EventID
			query.Starts = query.AfterAt
			left -= len(page)
		}
		return nil
	}
}

func (a *Archive) page(ctx context.Context, query dbsqlc.ArchiveEventPageParams) ([]row, error) {
	var rows []row
	err := a.worker.InTx(ctx, func(tx pgx.Tx) error {
		page, err := dbsqlc.New().ArchiveEventPage(ctx, tx, query)
		for _, e := range page {
			rows = append(rows, fromDatabase(e))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return rows, nil
}

// drop deletes exactly the events that were read back, and marks the part, together or not
// at all. An event that came since stays, and goes into another part; if one is gone, the
// part has what the database has not, and is not to be kept.
func (a *Archive) drop(ctx context.Context, p Part, file *os.File) error {
	if p.Events == 0 {
		return nil
	}
	err := a.worker.InTx(ctx, func(tx pgx.Tx) error {
		deleted, err := deleteRead(ctx, tx, p, file)
		if err != nil {
			return err
		}
		if deleted != p.Events {
			return errChanged
		}
		return one(dbsqlc.New().ArchivePartDropped(ctx, tx, dbsqlc.ArchivePartDroppedParams{
			TenantID: p.TenantID, Month: p.Month, Part: p.Part, Was: dbsqlc.ArchiveStateVerified,
		}))
	})
	if err != nil {
		return fmt.Errorf("drop the events of %s: %w", p.Path, err)
	}
	return nil
}

// deleteRead deletes from the database the events that a part's file has.
func deleteRead(ctx context.Context, tx pgx.Tx, p Part, file *os.File) (deleted int64, err error) {
	err = eachBatch(file, func(keys []key) error {
		d := dbsqlc.ArchiveEventDeleteParams{
			Ats: make([]time.Time, len(keys)), Ids: make([]int64, len(keys)), TenantID: p.TenantID,
			// Keys are in order, and so however the database finds them, it looks no further.
			Starts: instant(keys[0].OccurredAt), Ends: instant(keys[len(keys)-1].OccurredAt + 1),
		}
		for i, k := range keys {
			d.Ats[i], d.Ids[i] = instant(k.OccurredAt), k.EventID
		}
		n, err := dbsqlc.New().ArchiveEventDelete(ctx, tx, d)
		deleted += n
		return err
	})
	return deleted, err
}
