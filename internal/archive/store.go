package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// The deadlines of calls to a store. A part is some hundred megabytes at most.
const (
	transferWithin = 30 * time.Minute
	callWithin     = time.Minute
)

// Store keeps objects. Its paths have slashes between their elements.
type Store interface {
	// Put stores an object, all of it or none; it is on disk when Put returns.
	Put(ctx context.Context, path string, content *io.SectionReader) error
	// Get opens an object, or fails with ErrMissing.
	Get(ctx context.Context, path string) (io.ReadCloser, error)
	// Remove takes an object away, and what a Put that was stopped has left of it. One that
	// is not there is fine.
	Remove(ctx context.Context, path string) error
}

// ErrMissing says that there is no such object.
var ErrMissing = errors.New("the object is missing")

// Location is where an archive is.
type Location struct {
	folder string

	bucket, prefix   string
	endpoint, region string
	plain            bool // HTTP without TLS
}

// defaultEndpoint is Amazon's own.
const defaultEndpoint = "https://s3.amazonaws.com"

// ParseLocation reads file:///path, or s3://bucket/prefix?endpoint=https://host&region=name.
// Its errors don't repeat the text: somebody may have put a secret there.
func ParseLocation(text string) (Location, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Location{}, errors.New("it is not a URL")
	}
	if u.User != nil || u.Fragment != "" {
		return Location{}, errors.New("credentials come from the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" || !strings.HasPrefix(u.Path, "/") || u.RawQuery != "" {
			return Location{}, errors.New("a folder is of the form file:///path")
		}
		return Location{folder: u.Path}, nil
	case "s3":
		return parseBucket(u)
	}
	return Location{}, errors.New("it is neither of the form file:///path nor s3://bucket/prefix")
}

func parseBucket(u *url.URL) (Location, error) {
	l := Location{bucket: u.Host, prefix: strings.Trim(u.Path, "/")}
	if l.bucket == "" {
		return Location{}, errors.New("the bucket's name is missing")
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Location{}, errors.New("its parameters cannot be read")
	}
	for name := range values {
		if name != "endpoint" && name != "region" {
			return Location{}, errors.New("only the parameters endpoint and region are known")
		}
	}
	l.region = values.Get("region")
	endpoint := values.Get("endpoint")
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	e, err := url.Parse(endpoint)
	if err != nil || e.Host == "" || e.User != nil || strings.Trim(e.Path, "/") != "" || e.Scheme != "https" && e.Scheme != "http" {
		return Location{}, errors.New("the endpoint is of the form https://host:port")
	}
	l.endpoint, l.plain = e.Host, e.Scheme == "http"
	return l, nil
}

// Open makes the store of a location. It does not connect.
func (l Location) Open() (Store, error) {
	if l.folder != "" {
		return openFolder(l.folder)
	}
	return openBucket(l)
}

// prefixOf is how the paths of a month's parts begin. What reads folders partitioned in
// Hive's way understands it.
func prefixOf(p Part) string {
	return fmt.Sprintf("tenant=%s/month=%s/part-", p.TenantID, p.Month.String()[:7])
}
