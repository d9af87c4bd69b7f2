package graph

import (
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

func toPart(p *archive.Part) *model.ArchivePart {
	year, month, day := p.Month.Civil()
	return &model.ArchivePart{
		ID: nodeID(partNode, partKey(archive.PositionOf(*p))), Month: time.Date(year, month, day, 0, 0, 0, 0, time.UTC),
		Path: p.Path, State: model.ArchiveState(strings.ToUpper(string(p.State))),
		Events: int(p.Events), Bytes: int(p.Bytes), Sha256: hex.EncodeToString(p.Sha256),
		FirstAt: p.FirstAt, LastAt: p.LastAt, ExportedAt: p.ExportedAt,
		VerifiedAt: p.VerifiedAt, DroppedAt: p.DroppedAt, RestoredUntil: p.RestoredUntil,
	}
}

func partConnection(ctx context.Context, page archive.Page, after *string) *model.ArchivePartConnection {
	c := &model.ArchivePartConnection{}
	c.Edges, c.Nodes, c.PageInfo = connectAs[model.ArchivePartEdge](ctx, page.Parts, page.More, after,
		func(p *archive.Part) string { return partKey(archive.PositionOf(*p)) }, toPart)
	return c
}

func (r *Resolver) findPart(ctx context.Context, key string) (model.Node, error) {
	position, ok := parsePartKey(key)
	if !ok {
		return nil, errNoNode
	}
	part, err := existing(loader.From(ctx).ArchivePart.Load(ctx, position)())
	if err != nil {
		return nil, err
	}
	return toPart(part), nil
}
