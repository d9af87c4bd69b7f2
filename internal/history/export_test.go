package history

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Fresh loads columns anew in a transaction.
func Fresh(ctx context.Context, tx pgx.Tx) (*Columns, error) {
	c, err := load(ctx, tx, copyActivity, 1_000_000)
	if err == nil {
		c.arrangeAccounts()
	}
	return c, err
}

// Revision is the revision of days that a tenant's histories know of; 0: they are away.
func (s *Store) Revision(id tenant.ID) int64 {
	s.mu.Lock()
	k := s.tenants[id]
	s.mu.Unlock()
	if k == nil {
		return 0
	}
	h, _ := k.head()
	return h.day
}

// Sort sorts the rows anew, as is done when many are in lists.
func (c *Columns) Sort() { c.sort(); c.arrangeAccounts() }

// Fill reads values for columns that nobody else has.
func Fill(ctx context.Context, tx pgx.Tx, c *Columns, n Need) error {
	return fill(ctx, tx, c, n, func(change func()) { change() })
}

// Dump writes all histories of a unit, each event with its value of a source.
func (c *Columns) Dump(unit Unit, of Source) string {
	var lines []string
	a, r := c.arranged(unit), reader{columns: c}
	for u := range a.units {
		h := r.read(a, u)
		if len(h.At) == 0 {
			continue
		}
		var line strings.Builder
		fmt.Fprint(&line, h.Unit, ":")
		for i, at := range h.At {
			row := h.Row(i)
			fmt.Fprintf(&line, " %d/%d/%s", at, c.ids[row], c.typeNames[h.Type[i]])
			if v := c.values[of]; v != nil {
				fmt.Fprint(&line, "=", v.Texts()[v.Code(row)])
			}
		}
		lines = append(lines, line.String())
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
