package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tidemarkhq/tidemark/internal/importer"
	"github.com/tidemarkhq/tidemark/internal/progress"
)

type importCommand struct {
	Files []string `arg:"" optional:"" help:"Files of events, also compressed with gzip; - or none for standard input."`

	Key string `env:"TIDEMARK_KEY" placeholder:"tmw_…" help:"Write key of the tenant. In the environment others can't see it."`
	URL string `name:"url" env:"TIDEMARK_URL" default:"http://127.0.0.1:8080" help:"Where Tidemark serves."`

	Format          string            `enum:"auto,ndjson,csv" default:"auto" help:"ndjson, csv, or auto: by the name, or else the first character."`
	Delimiter       string            `help:"What stands between the columns of CSV, or tab; found out unless given."`
	Map             map[string]string `mapsep:"," placeholder:"header=field,…" help:"Where columns go that don't go where their names say: event, userId, timestamp, …, properties.NAME, or - for nowhere."`
	TimestampFormat string            `default:"auto" help:"auto, unix, unix-ms, unix-us, or a pattern such as '%d.%m.%Y %H:%M'."`
	Zone            string            `default:"UTC" help:"IANA zone of times that name none."`
	ArrivalTime     bool              `help:"Take rows without a time as of now, rather than refuse them."`
	Event           string            `help:"Name of events that have none."`
	Source          string            `help:"Tells rows without an id apart from equal ones of another source."`
	Text            bool              `help:"Keep all properties of CSV as text, numbers and booleans too."`

	Report      string        `placeholder:"FILE" help:"Where refused rows go; FILE.refused.ndjson beside each file unless given."`
	State       string        `placeholder:"DIR" help:"Folder for checkpoints and reports, if not beside the files."`
	Resume      bool          `help:"Go on with an import that has begun. That is done anyway; with this, it must have."`
	Restart     bool          `help:"Begin anew, whatever earlier runs have left."`
	DryRun      bool          `help:"Send nothing: show what the first rows become, and what would be refused."`
	Concurrency int           `default:"4" help:"Batches on their way at a time; 1 keeps their order."`
	Patience    time.Duration `default:"5m" help:"For how long a batch is sent again while the server does not answer or is too busy."`
}

// errSomeRefused ends what has come to its end, and could not take all.
var errSomeRefused = errors.New("some were refused")

func (c importCommand) Run(ctx context.Context) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	files := c.Files
	if len(files) == 0 {
		files = []string{"-"}
	}
	if c.Report != "" && len(files) > 1 {
		return errors.New("--report is for one file at a time")
	}
	var problems []error
	someRefused := false
	for _, file := range files {
		result, err := c.importOne(ctx, file, options)
		problems = append(problems, err)
		someRefused = someRefused || result.Refused() > 0
		if ctx.Err() != nil || errors.Is(err, importer.ErrNotSent) {
			break
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	if someRefused {
		return errSomeRefused
	}
	return nil
}

func (c importCommand) options() (o importer.Options, err error) {
	o = importer.Options{
		URL: c.URL, Key: c.Key, Format: c.Format, Event: c.Event, TimestampFormat: c.TimestampFormat, Zone: c.Zone,
		Source: c.Source, Text: c.Text, ArrivalTime: c.ArrivalTime, Report: c.Report, State: c.State, Restart: c.Restart,
		Resume: c.Resume, DryRun: c.DryRun, Concurrency: c.Concurrency, Patience: c.Patience, Preview: os.Stdout,
	}
	switch {
	case c.Delimiter == "tab" || c.Delimiter == `\t`:
		o.Delimiter = '\t'
	case len(c.Delimiter) == 1 && c.Delimiter != `"` && c.Delimiter != "\n":
		o.Delimiter = c.Delimiter[0]
	case c.Delimiter != "":
		return o, errors.New("--delimiter is one character, or tab")
	}
	o.Mapping, err = importer.NewMapping(c.Map)
	return o, err
}

func (c importCommand) importOne(ctx context.Context, file string, o importer.Options) (importer.Result, error) {
	name := file
	if file == "-" {
		name = "standard input"
	}
	line := progress.NewLine(os.Stderr, "importing "+name)
	o.Progress, o.Notice = line.Show, line.Say
	result, err := importer.Run(ctx, file, o)
	line.End()
	if err == nil || result.Read > 0 {
		printResult(name, result, c.DryRun)
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted; the same command goes on where it stopped")
		if file == "-" {
			err = errors.New("interrupted; send the same again, and what was taken counts once")
		}
	}
	return result, err
}

// printResult prints what has become of all rows of a file.
func printResult(name string, r importer.Result, rehearsed bool) {
	switch {
	case rehearsed:
		fmt.Println(name + ", read without sending anything")
	case r.Before:
		fmt.Println(name + " was imported before; --restart imports it again")
	default:
		fmt.Println(name)
	}
	fmt.Printf("  read         %d\n", r.Read)
	for _, count := range []struct {
		what string
		n    int64
		also bool
	}{
		{"accepted", r.Accepted, true}, {"queued", r.Queued, false}, {"duplicates", r.Duplicate, true},
		{"conflicts", r.Conflict, true}, {"quarantined", r.Quarantined, false}, {"rejected", r.Rejected, true},
	} {
		if count.also || count.n > 0 {
			fmt.Printf("  %-12s %d\n", count.what, count.n)
		}
	}
	if r.Report != "" {
		fmt.Println("  report      ", r.Report)
	}
	if r.ThisRun > 0 {
		seconds := max(r.Took.Seconds(), 0.001)
		fmt.Printf("  rate         %.0f/s, %d rows in %v\n", float64(r.ThisRun)/seconds, r.ThisRun, r.Took.Round(time.Millisecond))
	}
}
