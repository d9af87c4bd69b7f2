package calendar

import (
	"archive/zip"
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

func TestLoadZone(t *testing.T) {
	berlin := loadZone(t, "Europe/Berlin")
	if berlin.String() != "Europe/Berlin" || berlin.Location().String() != "Europe/Berlin" {
		t.Errorf("Europe/Berlin calls itself %s", berlin)
	}
	if berlin != loadZone(t, "Europe/Berlin") || berlin == loadZone(t, "Europe/Paris") {
		t.Error("zones are not equal as their names are")
	}
	if utc := loadZone(t, "UTC"); utc != UTC || utc != (Zone{}) || utc.String() != "UTC" || utc.Location() != time.UTC {
		t.Errorf("UTC is %s", utc)
	}
}

func TestLoadZoneRejects(t *testing.T) {
	before := countLoaded()
	for _, name := range []string{
		"", "Local", "utc", "europe/berlin", "EUROPE/BERLIN", "Europe", "Europe/", "/Europe/Berlin",
		"Europe//Berlin", "Europe/../Europe/Berlin", "./Europe/Berlin", "../zoneinfo/UTC", `Europe\Berlin`,
		"Europe/Berlin ", "Europe/Berlin\x00", "Mars/Olympus", "posix/Europe/Berlin", "right/UTC", "localtime",
		"UTC+1", "+01:00", "/etc/localtime", strings.Repeat("Europe/Berlin", 100_000),
	} {
		zone, err := LoadZone(name)
		f, _ := fault.Of(err)
		if f.Code != fault.BadUserInput || f.Field != "zone" || len(err.Error()) > 200 {
			t.Errorf("LoadZone(%.40q) = %s, %.200v", name, zone, err)
		}
	}
	if after := countLoaded(); after != before {
		t.Errorf("%d zones are kept after names of none, %d before", after, before)
	}
}

func countLoaded() (n int) {
	loaded.Range(func(any, any) bool { n++; return true })
	return n
}

func TestLoadZoneAtOnce(t *testing.T) {
	loaded.Delete("Asia/Tashkent")
	var group sync.WaitGroup
	zones := make([]Zone, 8)
	for i := range zones {
		group.Go(func() { zones[i], _ = LoadZone("Asia/Tashkent") })
	}
	group.Wait()
	for _, zone := range zones {
		if zone != zones[0] || zone.String() != "Asia/Tashkent" {
			t.Errorf("loaded %s, and another %s", zone, zones[0])
		}
	}
}

func TestDamagedDatabase(t *testing.T) {
	if _, err := unzip("not a zip"); err == nil {
		t.Error("opened what is no zip")
	}
	for damage, data := range map[string][]byte{
		"cut off":       archive(t, zip.Store)[:20],
		"not a zone":    archive(t, zip.Store),
		"wrong content": bytes.Replace(archive(t, zip.Store), []byte("content"), []byte("CONTENT"), 1),
		"odd method":    bytes.ReplaceAll(archive(t, zip.Deflate), []byte{8, 0, 8, 0}, []byte{8, 0, 99, 0}),
	} {
		files, err := unzip(string(data))
		if err != nil {
			continue
		}
		if location, err := readLocation(files["Mars/Olympus"]); err == nil {
			t.Errorf("%s: read %s", damage, location)
		}
	}
}

// archive makes a zip of one file.
func archive(t *testing.T, method uint16) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "Mars/Olympus", Method: method})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("content")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
