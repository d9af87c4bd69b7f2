package calendar

import (
	"archive/zip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// The tz database as Go ships it, one file per name. time.LoadLocation prefers
// the machine's own copy, which may be of another year, know other names
// ("posix/Europe/Berlin") or take them in any case, as a Mac's does.
//
//go:generate cp $GOROOT/lib/time/zoneinfo.zip zoneinfo.zip
//go:embed zoneinfo.zip
var zoneinfo string

// zoneFiles finds a zone's file by its exact name.
var zoneFiles = sync.OnceValues(func() (map[string]*zip.File, error) { return unzip(zoneinfo) })

func unzip(data string) (map[string]*zip.File, error) {
	archive, err := zip.NewReader(strings.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("open embedded tz database: %w", err)
	}
	files := map[string]*zip.File{}
	for _, file := range archive.File {
		if !file.FileInfo().IsDir() {
			files[file.Name] = file
		}
	}
	return files, nil
}

// loaded keeps the zones in use, by name. Only names of the tz database get in,
// of which there are about 600.
var loaded sync.Map // string -> Zone

// LoadZone finds a zone by its exact IANA name, such as "Europe/Berlin" or
// "UTC". Any other text is a BAD_USER_INPUT of the field "zone".
func LoadZone(name string) (Zone, error) {
	if name == "UTC" {
		return UTC, nil
	}
	if zone, ok := loaded.Load(name); ok {
		return zone.(Zone), nil
	}
	files, err := zoneFiles()
	if err != nil {
		return UTC, err
	}
	file, ok := files[name]
	if !ok {
		return UTC, fault.Input("zone", `No such time zone: it must be an IANA name such as "Europe/Berlin".`)
	}
	location, err := readLocation(file)
	if err != nil {
		return UTC, fmt.Errorf("read time zone %s: %w", file.Name, err)
	}
	// Of two that load a zone at once both get the one that was stored.
	zone, _ := loaded.LoadOrStore(file.Name, Zone{layOut(location)})
	return zone.(Zone), nil
}

// readLocation reads a file of the tz database (RFC 9636).
func readLocation(file *zip.File) (*time.Location, error) {
	content, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(file.Name, data)
}
