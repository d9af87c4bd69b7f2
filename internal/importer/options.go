package importer

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/progress"
)

// Options say how files are read, and where events go.
type Options struct {
	URL string // of the server
	Key string // a write key

	Format          string  // Auto, NDJSON or CSV
	Delimiter       byte    // of CSV; 0: found out
	Mapping         Mapping // of columns that don't go where their names say
	Event           string  // the name of events that have none
	TimestampFormat string  // see [Options.check]
	Zone            string  // IANA name of the zone of times that name none
	Source          string  // what made-up ids are told apart by
	Text            bool    // whether properties of CSV stay texts
	ArrivalTime     bool    // whether rows without a time are as of now

	Report      string // file of refused rows; empty: beside the file
	State       string // folder of checkpoints and reports; empty: beside the file
	Restart     bool   // whether what earlier runs have left is passed over
	Resume      bool   // whether there must be something left
	DryRun      bool   // whether nothing is sent
	Concurrency int    // batches on their way at a time
	Patience    time.Duration

	Progress func(progress.Step)
	Notice   func(sentence string)
	Preview  io.Writer // of a dry run

	clock clock
}

const maxConcurrency = 64

// check finds what can't work, and fills in what is left open.
func (o *Options) check() error {
	zone, err := calendar.LoadZone(o.Zone)
	if err != nil {
		return fmt.Errorf("--zone: %q is not an IANA time zone such as Europe/Berlin", o.Zone)
	}
	if o.clock, err = newClock(o.TimestampFormat, zone); err != nil {
		return err
	}
	if u, err := url.Parse(o.URL); !o.DryRun && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("--url is not of the form https://host")
	}
	o.URL = strings.TrimRight(o.URL, "/")
	switch {
	case !o.DryRun && !strings.HasPrefix(o.Key, "tmw_"):
		return errors.New("an import needs a write key: --key, or TIDEMARK_KEY, as key create --kind write has printed it")
	case o.Concurrency < 1 || o.Concurrency > maxConcurrency:
		return fmt.Errorf("--concurrency must be between 1 and %d", maxConcurrency)
	case o.Restart && o.Resume:
		return errors.New("--restart and --resume exclude each other")
	}
	if o.Progress == nil {
		o.Progress = func(progress.Step) {}
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.State != "" {
		if err := os.MkdirAll(o.State, 0o700); err != nil {
			return fmt.Errorf("make the folder of checkpoints: %w", err)
		}
	}
	return nil
}

func (o *Options) settings() settings {
	return settings{event: o.Event, clock: o.clock, arrivalFor: o.ArrivalTime}
}

// digest stands for all that decides how a row is read.
func (o *Options) digest() string {
	pairs := make([]string, 0, len(o.Mapping))
	for header, t := range o.Mapping {
		pairs = append(pairs, digestOf(header, t.field, t.name))
	}
	slices.Sort(pairs)
	return digestOf(append(pairs, o.Format, string(o.Delimiter), o.Event, o.TimestampFormat, o.Zone, o.Source,
		strconv.FormatBool(o.Text), strconv.FormatBool(o.ArrivalTime))...)
}

// beside names a file that belongs to an import.
func (o *Options) beside(name, suffix string) string {
	if name == "-" {
		return filepath.Join(o.State, "stdin"+suffix)
	}
	if o.State == "" {
		return name + suffix
	}
	whole, err := filepath.Abs(name)
	if err != nil {
		whole = name
	}
	return filepath.Join(o.State, filepath.Base(name)+"-"+digestOf(whole)+suffix)
}
