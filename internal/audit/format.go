package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Format is how a log is written out.
type Format string

// The formats: a JSON object a line, or a table for spreadsheets.
const (
	NDJSON Format = "ndjson"
	CSV    Format = "csv"
)

// ParseFormat reads a format's name; without one it is NDJSON.
func ParseFormat(name string) (Format, error) {
	switch Format(name) {
	case "", NDJSON:
		return NDJSON, nil
	case CSV:
		return CSV, nil
	}
	return "", fault.Input("format", "The formats are ndjson and csv.")
}

// ContentType is the format's media type (RFC 4180 for CSV).
func (f Format) ContentType() string {
	if f == CSV {
		return "text/csv; charset=utf-8; header=present"
	}
	return "application/x-ndjson"
}

// Encoder gives what writes pages of records in a format; the first page may be empty.
func (f Format) Encoder(out io.Writer) func(page []Record) error {
	if f == CSV {
		return csvEncoder(out)
	}
	return func(page []Record) error {
		for i := range page {
			line, err := marshal(lineOf(&page[i]))
			if err != nil {
				return err
			}
			if _, err := out.Write(append(line, '\n')); err != nil {
				return fmt.Errorf("write entry: %w", err)
			}
		}
		return nil
	}
}

// line is a record in NDJSON: with every field that its hash is made of, so that whoever has
// the lines can verify them.
type line struct {
	Tenant    string          `json:"tenant"`
	Seq       int64           `json:"seq"`
	At        time.Time       `json:"at"`
	Action    string          `json:"action"`
	Actor     lineActor       `json:"actor"`
	Target    lineTarget      `json:"target"`
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
	Address   *string         `json:"address,omitempty"`
	UserAgent *string         `json:"userAgent,omitempty"`
	Request   *string         `json:"request,omitempty"`
	Previous  string          `json:"previous"`
	Hash      string          `json:"hash"`
}

type lineActor struct {
	Kind         string  `json:"kind"`
	ID           *string `json:"id,omitempty"`
	Name         *string `json:"name,omitempty"`
	Impersonator *string `json:"impersonator,omitempty"`
}

type lineTarget struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func lineOf(r *Record) line {
	return line{
		Tenant: r.TenantID.String(), Seq: r.Seq, At: r.At.UTC(), Action: r.Action,
		Actor:  lineActor{Kind: r.ActorKind, ID: Known(r.ActorID), Name: r.ActorName, Impersonator: Known(r.Impersonator)},
		Target: lineTarget{Type: r.TargetType, ID: r.TargetID}, Before: r.Before, After: r.After,
		Address: r.Address, UserAgent: r.UserAgent, Request: r.Request,
		Previous: hex.EncodeToString(r.Previous), Hash: hex.EncodeToString(r.Hash),
	}
}

// Known is an id as text; nil: there is none.
func Known(id uuid.NullUUID) *string {
	if !id.Valid {
		return nil
	}
	text := id.UUID.String()
	return &text
}

var columns = []string{
	"tenant", "seq", "at", "action", "actorKind", "actorId", "actorName", "impersonator", "targetType", "targetId",
	"before", "after", "address", "userAgent", "request", "previous", "hash",
}

func csvEncoder(out io.Writer) func(page []Record) error {
	table, begun := csv.NewWriter(out), false
	table.UseCRLF = true
	return func(page []Record) error {
		if !begun {
			_ = table.Write(columns) // what fails is told by Flush
			begun = true
		}
		for i := range page {
			_ = table.Write(cellsOf(&page[i]))
		}
		table.Flush()
		if err := table.Error(); err != nil {
			return fmt.Errorf("write entries: %w", err)
		}
		return nil
	}
}

func cellsOf(r *Record) []string {
	l := lineOf(r)
	cells := []string{
		l.Tenant, strconv.FormatInt(l.Seq, 10), l.At.Format(time.RFC3339Nano), l.Action,
		l.Actor.Kind, or(l.Actor.ID), or(l.Actor.Name), or(l.Actor.Impersonator), l.Target.Type, l.Target.ID,
		string(bytes.TrimSpace(l.Before)), string(bytes.TrimSpace(l.After)), or(l.Address), or(l.UserAgent), or(l.Request), l.Previous, l.Hash,
	}
	for i := range cells {
		cells[i] = inert(cells[i])
	}
	return cells
}

// inert keeps a spreadsheet from taking a cell for a formula (OWASP, CSV Injection): an
// apostrophe before it makes it text.
func inert(cell string) string {
	if strings.IndexAny(cell, "=+-@\t\r\n＝＋－＠") == 0 {
		return "'" + cell
	}
	return cell
}

func or(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
