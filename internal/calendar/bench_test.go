package calendar

import (
	"testing"
	"time"
)

func benchmarkZone(b *testing.B, name string, run func(Zone, time.Time)) {
	zone, err := LoadZone(name)
	if err != nil {
		b.Fatal(err)
	}
	t := time.Date(2026, 5, 1, 12, 34, 56, 789, time.UTC)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		run(zone, t.Add(time.Duration(i%1000)*time.Hour))
	}
}

func BenchmarkSlotOf(b *testing.B) {
	for _, name := range []string{"UTC", "Asia/Kolkata", "America/New_York"} {
		b.Run(name, func(b *testing.B) {
			benchmarkZone(b, name, func(z Zone, t time.Time) { z.SlotOf(t) })
		})
	}
}

func BenchmarkDateOf(b *testing.B) {
	benchmarkZone(b, "America/New_York", func(z Zone, t time.Time) { z.DateOf(t) })
}

func BenchmarkStartOf(b *testing.B) {
	benchmarkZone(b, "America/New_York", func(z Zone, t time.Time) { z.StartOf(Date(20574)) })
}

func BenchmarkLoadZone(b *testing.B) {
	benchmarkZone(b, "America/New_York", func(Zone, time.Time) { LoadZone("America/New_York") })
}

func BenchmarkLayOut(b *testing.B) {
	benchmarkZone(b, "America/New_York", func(z Zone, _ time.Time) { layOut(z.Location()) })
}

func BenchmarkBucketsDays(b *testing.B) {
	benchmarkZone(b, "America/New_York", func(z Zone, t time.Time) {
		Grid{Zone: z, Interval: Day}.Buckets(t, t.AddDate(0, 0, 30), 1000)
	})
}
