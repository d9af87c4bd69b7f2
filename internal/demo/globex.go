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
	perUser: 70, oldHands: 60, growth: []int{760, 860, 900, 1000, 1080, 1150},
	visitors: 1600, failing: "Safari",
	shares: [personas]int{power: 80, weekly: 320, tourist: 600},
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
			"On %s a campaign with influencers (utm_campaign 30-day-shred) began: for ten days about three times as many signed up as usual, and nearly all of those it brought were gone within a month."},
		{novelty, 215, time.Tuesday, 0, 24 * time.Hour, "Challenges arrive",
			"On %s challenges were switched on: \"Challenge Joined\" did not exist before, starts slowly, and after three months more than a quarter of all active users had it in use."},
		{launch, 150, time.Tuesday, 0, 7 * 24 * time.Hour, "The watch app launches",
			"On %s the watch app launched and was featured in the App Store: sign-ups about doubled for a week, its first three days were far busier than usual, and traffic has stayed higher since."},
		{outage, 95, time.Sunday, 8, 5 * time.Hour, "A Sunday morning down",
			"On %s the app was down from 8:00 to 13:00 in New York, the best hours of its week: next to no events. For three hours after it, checkouts failed with gateway_timeout."},
		{release, 50, time.Friday, 0, 5 * 24 * time.Hour, "A broken release in Safari",
			"On %s a release broke the checkout in Safari: for five days \"Checkout Failed\" more than tripled there, with the reason script_error, and in no other browser."},
	},
}).prepare()

var globexScenes = []scene{
	// The site, before sign-up.
	{name: "landing", path: "/", title: "Globex Fitness", gap: "3-45", next: "tour 22, prices 18, story 10, signup 18, end 32"},
	{name: "tour", path: "/workouts", title: "Workouts", gap: "6-90", next: "prices 25, signup 27, end 48"},
	{name: "story", path: "/stories/first-5k", title: "My first 5k", gap: "15-180", next: "landing 10, signup 12, end 78"},
	{name: "prices", path: "/plans", title: "Plans", gap: "5-60", next: "signup 35, tour 12, end 53"},
	{name: "signup", path: "/join", title: "Join", gap: "10-70", next: "end 100"},
	{name: "signed up", event: "Signed Up", gap: "1-4", next: "welcome 100", props: "method=apple|apple|google|email"},
	{name: "welcome", path: "/welcome", title: "Welcome", gap: "10-120", next: "onboarded 72, home 18, end 10"},
	{name: "onboarded", event: "Onboarding Completed", gap: "3-30", next: "goal 50, workouts 30, home 20", props: "level=beginner|beginner|intermediate|advanced"},

	// The product.
	{name: "home", path: "/today", title: "Today", gap: "3-30", next: "workouts 30, start 32, classes 13, progress 10, search 6, shop 9, help 1, settings 3"},
	{name: "workouts", path: "/workouts/library", title: "Library", gap: "4-60", next: "start 52, video 20, search 10, home 6, end 12"},
	{name: "start", event: "Workout Started", gap: "420-2700", next: "complete 78, video 6, end 16", props: "kind=strength|yoga|hiit|running|cycling|stretching; planned=10..60"},
	{name: "complete", event: "Workout Completed", gap: "5-90", next: "progress 32, before 22, novelty 16, invite 3, start 5, end 22", props: "kind=strength|yoga|hiit|running|cycling|stretching; minutes=8..55; calories=60..640"},
	{name: "before", path: "/feed", title: "Feed", gap: "10-150", next: "home 15, start 10, end 75"},
	{name: "novelty", event: "Challenge Joined", gap: "5-60", next: "invite 10, before 30, workouts 15, end 45", props: "challenge=100 miles|early birds|plank month|streak 30"},
	{name: "progress", path: "/progress", title: "Progress", gap: "5-90", next: "goal 10, novelty 10, home 20, shop 8, end 52"},
	{name: "goal", event: "Goal Set", gap: "5-60", next: "workouts 40, home 30, end 30", props: "goal=weight|strength|endurance|mobility; weeks=4..16"},
	{name: "video", event: "Video Played", gap: "60-900", next: "start 20, video 22, workouts 18, end 40", props: "minutes=2..25; quality=720p|1080p|1080p|4k"},
	{name: "classes", path: "/classes", title: "Live classes", gap: "5-60", next: "book 45, search 10, home 15, end 30"},
	{name: "book", event: "Class Booked", gap: "4-60", next: "unbook 9, classes 12, home 25, end 54", props: "class=spin|pilates|boxing|barre; ahead=0..9"},
	{name: "unbook", event: "Class Cancelled", gap: "4-40", next: "classes 35, end 65", props: "reason=time|time|other class|injury"},
	{name: "search", event: "Search Performed", gap: "3-30", next: "workouts 55, classes 15, search 12, end 18", props: "results=0..60"},
	{name: "settings", path: "/settings", title: "Settings", gap: "5-60", next: "feature 45, invite 15, home 20, end 20"},
	{name: "feature", event: "Feature Enabled", gap: "4-60", next: "home 45, end 55", props: "feature=reminders|heart rate|music|offline|dark mode"},
	{name: "invite", event: "Friend Invited", gap: "5-60", next: "invite 20, home 30, end 50", props: "by=link|link|message|contact"},
	{name: "help", path: "/help", title: "Help", gap: "8-120", next: "ticket 50, search 10, end 40"},
	{name: "ticket", event: "Ticket Opened", gap: "20-200", next: "home 25, end 75", props: "topic=billing|billing|device|video|account|other; priority=low|normal|normal|high"},

	// The till.
	{name: "shop", path: "/shop", title: "Shop", gap: "8-120", next: "checkout 42, shop 18, home 15, end 25"},
	{name: "billing", path: "/account/plan", title: "Your plan", gap: "5-60", next: "checkout 50, home 20, end 30"},
	{name: "checkout", event: "Checkout Started", gap: "12-100", next: "end 100"},
	{name: "declined", event: "Checkout Failed", gap: "5-60", next: "checkout 60, help 6, end 34", props: "reason=card_declined|card_declined|insufficient_funds|expired_card|authentication_failed"},
	{name: "crashed", event: "Checkout Failed", gap: "5-40", next: "checkout 60, help 10, end 30", props: "reason=script_error"},
	{name: "timed out", event: "Checkout Failed", gap: "10-90", next: "checkout 60, help 10, end 30", props: "reason=gateway_timeout"},
	{name: "trial", event: "Trial Started", gap: "3-40", next: "home 70, end 30", props: "days=7..7"},
	{name: "subscribed", event: "Subscription Started", gap: "5-60", next: "home 55, workouts 25, end 20", props: "interval=month|month|year"},
	{name: "ordered", event: "Order Completed", gap: "5-60", next: "home 35, end 65", props: "item=mat|dumbbells|shirt|class pack|class pack|supplements"},
	{name: "cancelled", event: "Subscription Cancelled", gap: "5-60", next: "help 8, home 12, end 80", props: "reason=too expensive|no time|no time|injury|other app"},
}
