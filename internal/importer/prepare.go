package importer

import (
	"errors"
	"fmt"
)

// prepare finds out how to read the input, and from where.
func (r *run) prepare(name string) (err error) {
	if err := r.readAs(name); err != nil {
		return err
	}
	r.now = checkpoint{Version: checkpointVersion, File: r.source.print, Key: digestOf(r.options.Key), Options: r.options.digest()}
	if r.options.DryRun {
		return nil
	}
	reportPath := r.options.Report
	if reportPath == "" {
		reportPath = r.options.beside(name, ".refused.ndjson")
	}
	if r.source.regular {
		r.path = r.options.beside(name, ".import.json")
		if err := r.resume(); err != nil {
			return err
		}
	}
	if r.now.Done {
		r.report = &report{path: reportPath}
		return nil
	}
	if r.source.is(reportPath) {
		return errors.New("the report would be written over it; --report names another file")
	}
	if r.path != "" { // before anything is sent, as it may not be possible here
		if err := r.now.save(r.path); err != nil {
			return fmt.Errorf("%w; --state DIR keeps checkpoints elsewhere", err)
		}
	}
	r.report, err = openReport(reportPath, r.now.Report)
	return err
}

// resume takes up what an earlier run has left.
func (r *run) resume() error {
	if r.options.Restart {
		return nil
	}
	left, err := readCheckpoint(r.path)
	if err != nil {
		return err
	}
	if left == nil {
		if r.options.Resume {
			return fmt.Errorf("there is no import to go on with: %s is missing", r.path)
		}
		return nil
	}
	if err := left.fits(r.now); err != nil {
		return err
	}
	r.now = *left
	return nil
}

// readAs decides on the format, and makes what reads it.
func (r *run) readAs(name string) (err error) {
	o, format := r.options, r.options.Format
	if format == Auto || format == "" {
		if format, err = r.source.format(name); err != nil {
			return err
		}
	}
	if format == NDJSON {
		r.rows = &lines{in: r.source.expanded}
		r.shaper = &objectsByLine{mapping: o.Mapping, clock: o.clock}
		return nil
	}
	t, err := newTable(r.source.expanded, o.Delimiter)
	if err != nil {
		return err
	}
	if err := o.Mapping.checkHeader(t.header); err != nil {
		return err
	}
	targets := o.Mapping.targets(t.header)
	r.rows = t
	r.shaper = columns{targets: targets, header: t.header, asText: o.Text}
	if o.DryRun {
		r.explain(t.header, targets)
	}
	return nil
}
