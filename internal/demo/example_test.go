package demo_test

import (
	"fmt"
	"time"

	"github.com/tidemarkhq/tidemark/internal/demo"
)

func ExamplePlan_Stories() {
	plan := demo.Plan{Seed: 1, Events: 1_000_000, Until: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}
	for _, company := range demo.Companies() {
		fmt.Println(company.Name, plan.Count(company))
		for _, story := range plan.Stories(company) {
			fmt.Println(story.At.Format("  2006-01-02 15:04"), story.Title)
		}
	}
	// Output:
	// Northwind Notes 600000
	//   2026-02-10 00:00 Northwind 4 launches
	//   2026-03-25 10:00 Four hours of outage
	//   2026-04-20 00:00 AI summaries arrive
	//   2026-07-13 00:00 A higher price
	//   2026-09-21 00:00 A broken release in Chrome
	// Globex Fitness 400000
	//   2026-02-02 00:00 An influencer campaign
	//   2026-04-14 00:00 Challenges arrive
	//   2026-06-16 00:00 The watch app launches
	//   2026-08-16 08:00 A Sunday morning down
	//   2026-09-25 00:00 A broken release in Safari
}
