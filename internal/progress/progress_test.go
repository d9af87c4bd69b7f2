package progress

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestText(t *testing.T) {
	tests := []struct {
		step Step
		took time.Duration
		want string
	}{
		{Step{Events: 50, Done: 50, Total: 200}, 10 * time.Second, " 25 %  50 events  5/s  30s left"},
		{Step{Events: 100, Done: 600, Total: 1000, From: 400}, 10 * time.Second, " 60 %  100 events  10/s  20s left"},
		{Step{Done: 400, Total: 1000, From: 400}, time.Second, " 40 %  0 events"},
		{Step{Events: 70}, 10 * time.Second, "70 events  7/s"},
		{Step{Events: 10, Done: 1100, Total: 1000}, time.Second, "100 %  10 events  10/s  0s left"},
	}
	for _, test := range tests {
		if got := test.step.text(test.took, "events"); got != test.want {
			t.Errorf("%+v is %q, want %q", test.step, got, test.want)
		}
	}
}

// Beside a terminal there is a line now and then, and always the last.
func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		report := Events(file, "loading")
		for done := range 50 {
			time.Sleep(100 * time.Millisecond)
			report(done+1, 50)
		}
		got, err := os.ReadFile(file.Name())
		const want = "loading   40 %  20 events  10/s  3s left\nloading   80 %  40 events  10/s  1s left\nloading  100 %  50 events  10/s  0s left\n"
		if string(got) != want || err != nil {
			t.Errorf("%v, it shows\n%s", err, got)
		}
	})
}
