package demo

import "time"

// globex trains people at home: before work, in the evening, and most of all at
// weekends and in January.
var globex = (&profile{
	Company: Company{
		Key: "gx", Name: "Globex Fitness", Zone: "America/New_York",
		WeekStart: time.Sunday, Currency: "USD", Share: 0.4,
	},
	rhythm: rhythm{
		workday: [24]int{12, 6, 4, 4, 10, 38, 72, 74, 48, 28, 24, 30, 44, 34, 24, 28, 46, 82, 104, 100, 80, 54, 34, 20},
		restday: [24]int{16, 10, 6, 4, 6, 12, 28, 52, 80, 98, 100, 84, 62, 48, 44, 50, 60, 62, 54, 42, 32, 24, 16, 10},
		days:    [7]int{1290, 980, 900, 880, 850, 780, 1320},
		season:  [12]int{1180, 1120, 1060, 1020, 1000, 960, 930, 930, 980, 990, 960, 920},
		holiday: 550, holidays: americanHolidays,
	},
	site: "https://www.globex.example", major: "2.", cadence: 7,
	perUser: 60, oldHands: 60, growth: []int{760, 860, 900, 1000, 1080, 1150},
	visitors: 1600, openShop: true, failing: "Safari",
	temper: [personas]int{power: 130, weekly: 370, tourist: 500},
	countries: []country{
		{70, "US", "en-US", "USD"}, {13, "CA", "en-CA", "CAD"}, {8, "GB", "en-GB", "GBP"},
		{5, "AU", "en-AU", "AUD"}, {4, "MX", "es-MX", "USD"},
	},
	devices: []device{
		{40, "Safari", "iOS", "mobile"}, {26, "Chrome", "Android", "mobile"}, {11, "Chrome", "Windows", "desktop"},
		{8, "Safari", "macOS", "desktop"}, {6, "Safari", "iPadOS", "tablet"}, {5, "Samsung Internet", "Android", "mobile"},
		{4, "Edge", "Windows", "desktop"},
	},
	sources: []source{
		{24, "", "", "", ""}, {22, "https://www.google.com/", "", "", ""},
		{18, "https://www.instagram.com/", "instagram", "social", "always-on"}, {14, "https://www.facebook.com/", "facebook", "cpc", "lookalike"},
		{12, "https://www.google.com/", "google", "cpc", "home-workout"}, {10, "", "friend", "referral", "invite"},
		{0, "https://www.tiktok.com/", "tiktok", "influencer", "30-day-shred"},
		{0, "https://apps.apple.com/", "appstore", "featured", "watch-app"},
	},
	tiers:  []tier{{74, "pro", 1499, 1}, {20, "team", 999, 5}, {6, "enterprise", 799, 40}},
	basket: []int{499, 999, 1499, 2499, 3999, 7999},
	scenes: globexScenes,
	plots: []plot{
		{campaign, 290, time.Monday, 0, 10 * 24 * time.Hour, "An influencer campaign",
			"On %s a campaign with influencers (utm_campaign 30-day-shred) began: for ten days three times as many signed up as usual, and nearly all of those it brought were gone within a month."},
		{novelty, 215, time.Tuesday, 0, 24 * time.Hour, "Challenges arrive",
			"On %s challenges were switched on: \"Challenge Joined\" did not exist before, starts slowly, and is used by most within three months."},
		{outage, 160, time.Sunday, 8, 5 * time.Hour, "A Sunday morning down",
			"On %s the app was down from 8:00 to 13:00 in New York, the best hours of its week: next to no events. For three hours after it, checkouts failed with gateway_timeout."},
		{launch, 110, time.Tuesday, 0, 7 * 24 * time.Hour, "The watch app launches",
			"On %s the watch app launched and was featured in the App Store: sign-ups doubled for a week, three days were far busier than usual, and traffic has stayed about a sixth higher since."},
		{release, 50, time.Friday, 0, 5 * 24 * time.Hour, "A broken release in Safari",
			"On %s a release broke the checkout in Safari: for five days \"Checkout Failed\" more than doubled there, with the reason script_error, and in no other browser."},
	},
}).prepare()

var globexScenes = []scene{
	// The site, before sign-up.
	{name: "landing", path: "/", title: "Globex Fitness", gap: "3-45", next: "classes tour 22, prices 18, story 10, signup 18, end 32"},
	{name: "signup", path: "/join", title: "Join", gap: "10-70", next: "end 100"},
	{name: "prices", path: "/plans", title: "Plans", gap: "5-60", next: "signup 35, end 65"},
	{name: "story", path: "/stories/first-5k", title: "My first 5k", gap: "15-180", next: "signup 15, end 85"},
}
