package graph

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// partKey writes where a part stands, for its id and its cursor.
func partKey(p archive.Position) string { return fmt.Sprintf("%s.%d", p.Month, p.Part) }

func parsePartKey(key string) (p archive.Position, ok bool) {
	month, part, ok := strings.Cut(key, ".")
	if !ok {
		return p, false
	}
	var err error
	if p.Month, err = calendar.ParseDate(month); err != nil {
		return p, false
	}
	p.Part, err = strconv.ParseInt(part, 10, 64)
	return p, err == nil && partKey(p) == key
}

func parsePartCursor(after *string) (*archive.Position, error) {
	key, err := parseCursor(after)
	if err != nil || after == nil {
		return nil, err
	}
	position, ok := parsePartKey(key)
	if !ok {
		return nil, errBadCursor
	}
	return &position, nil
}

func toPart(p archive.Part) *model.ArchivePart {
	year, month, day := p.Month.Civil()
	return &model.ArchivePart{
		ID: nodeID(partNode, partKey(archive.PositionOf(p))), Month: time.Date(year, month, day, 0, 0, 0, 0, time.UTC),
		Path: p.Path, State: model.ArchiveState(strings.ToUpper(string(p.State))),
		Events: int(p.Events), Bytes: int(p.Bytes), Sha256: hex.EncodeToString(p.Sha256),
		FirstAt: p.FirstAt, LastAt: p.LastAt, ExportedAt: p.ExportedAt,
		VerifiedAt: p.VerifiedAt, DroppedAt: p.DroppedAt, RestoredUntil: p.RestoredUntil,
	}
}

func partConnection(page archive.Page, after *string) *model.ArchivePartConnection {
	c := &model.ArchivePartConnection{Edges: []model.ArchivePartEdge{}, Nodes: []model.ArchivePart{}}
	var cursors []string
	for _, p := range page.Parts {
		cursor, part := cursorOf(partKey(archive.PositionOf(p))), toPart(p)
		cursors = append(cursors, cursor)
		c.Edges = append(c.Edges, model.ArchivePartEdge{Cursor: cursor, Node: part})
		c.Nodes = append(c.Nodes, *part)
	}
	c.PageInfo = pageInfo(cursors, after, page.More)
	return c
}

func (r *Resolver) findPart(ctx context.Context, key string) (model.Node, error) {
	position, ok := parsePartKey(key)
	if !ok {
		return nil, errNoNode
	}
	part, err := loader.From(ctx).ArchivePart.Load(ctx, position)()
	if err != nil || part == nil {
		return nil, cmp.Or(err, error(errNoNode))
	}
	return toPart(*part), nil
}
