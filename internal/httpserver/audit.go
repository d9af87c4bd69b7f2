package httpserver

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/auditlog"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// The bounds of exports. Each page gets pageWithin to be read by its caller, so that one who
// has stopped reading holds a place for no longer.
const (
	exportWithin = 15 * time.Minute
	pageWithin   = 30 * time.Second
	mostExports  = 4 // at once
)

// auditExport sends the audit log of the tenant that asks.
type auditExport struct {
	enter  Authenticate
	log    *auditlog.Service
	logger *slog.Logger
	places chan struct{} // one for each that runs
}

func newAuditExport(p Parts) *auditExport {
	return &auditExport{p.Authenticate, p.AuditLog, p.Logger, make(chan struct{}, mostExports)}
}

func (x *auditExport) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case x.places <- struct{}{}:
		defer func() { <-x.places }()
	default:
		writeError(w, r, fault.New(fault.Unavailable, "Too many exports run at the moment. Try again later."))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), exportWithin)
	defer cancel()
	out := &exportWriter{w: w, control: http.NewResponseController(w)}
	if err := x.send(ctx, r, out); err != nil {
		x.fail(w, r, out, err)
	}
}

func (x *auditExport) send(ctx context.Context, r *http.Request, out *exportWriter) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, _, err := x.enter(ctx, r.Header.Get("Authorization"), cancel)
	if err != nil {
		return err
	}
	export, err := exportOf(r.URL.Query())
	if err != nil {
		return err
	}
	out.format = export.Format
	give := export.Format.Encoder(out)
	err = x.log.Export(ctx, export, func(page []audit.Record) error {
		if err := out.extend(); err != nil {
			return err
		}
		if err := give(page); err != nil {
			return err
		}
		return out.flush()
	})
	if err != nil {
		return err
	}
	_, err = out.Write(nil) // where there was nothing to write, that is the answer
	return err
}

// fail tells what went wrong; in the middle of an answer by breaking it off, so that nobody
// takes a part for the whole.
func (x *auditExport) fail(w http.ResponseWriter, r *http.Request, out *exportWriter, err error) {
	f, known := fault.Of(err)
	if !known || f.Status() >= http.StatusInternalServerError {
		x.logger.ErrorContext(r.Context(), "an audit log was not exported", "error", err, "request", fault.Request(r.Context()))
	}
	if out.begun {
		panic(http.ErrAbortHandler)
	}
	writeError(w, r, f)
}

// exportOf reads what is asked for. A parameter that it doesn't know is refused: misspelt, it
// would have narrowed nothing.
func exportOf(query url.Values) (x audit.Export, err error) {
	for name, values := range query {
		if len(values) != 1 {
			return x, fault.Input("query", "Give each parameter once.")
		}
		switch name {
		case "from":
			x.From, err = instant(name, values[0])
		case "to":
			x.To, err = instant(name, values[0])
		case "format":
		default:
			err = fault.Input("query", "The parameters are from, to and format.")
		}
		if err != nil {
			return x, err
		}
	}
	if x.Format, err = audit.ParseFormat(query.Get("format")); err != nil {
		return x, err
	}
	return x, x.Check()
}

func instant(field, text string) (*time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fault.Input(field, "An instant reads like 2026-05-01T12:00:00Z.")
	}
	at = at.UTC()
	return &at, nil
}

// exportWriter begins the answer with its first bytes, so that what fails before has a status.
type exportWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	format  audit.Format
	begun   bool
}

// extend gives the next page its time.
func (e *exportWriter) extend() error {
	if err := e.control.SetWriteDeadline(time.Now().Add(pageWithin)); err != nil {
		return fmt.Errorf("extend export: %w", err)
	}
	return nil
}

// flush sends what there is. An answer that has not begun has no header yet to be sent.
func (e *exportWriter) flush() error {
	if !e.begun {
		return nil
	}
	if err := e.control.Flush(); err != nil {
		return fmt.Errorf("send export: %w", err)
	}
	return nil
}

func (e *exportWriter) Write(data []byte) (int, error) {
	if !e.begun {
		e.begun = true
		header := e.w.Header()
		header.Set("Content-Type", e.format.ContentType())
		header.Set("Content-Disposition", `attachment; filename="audit.`+string(e.format)+`"`)
		header.Set("Cache-Control", "no-store")
	}
	return e.w.Write(data)
}
