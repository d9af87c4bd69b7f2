package demo

import "time"

// northwind writes documents together, in offices: busy from nine to six, a lunch
// at noon, next to nothing at weekends.
var northwind = (&profile{
	Company: Company{
		Key: "nw", Name: "Northwind Notes", Zone: "Europe/Berlin",
		WeekStart: time.Monday, Currency: "EUR", Share: 0.6,
	},
	rhythm: rhythm{
		workday: [24]int{5, 4, 4, 4, 5, 8, 18, 40, 78, 108, 116, 108, 66, 90, 105, 96, 70, 36, 15, 8, 5, 4, 4, 3},
		restday: [24]int{12, 8, 6, 6, 8, 14, 24, 36, 52, 66, 74, 72, 62, 60, 62, 62, 60, 58, 54, 52, 52, 44, 34, 22},
		days:    [7]int{220, 1300, 1420, 1410, 1350, 1100, 200},
		season:  [12]int{990, 1020, 1040, 1030, 1010, 980, 900, 870, 1010, 1050, 1060, 930},
		holiday: 190, holidays: germanHolidays,
	},
	site: "https://app.northwind.example", major: "4.", cadence: 14,
	perUser: 80, oldHands: 90, growth: []int{700, 780, 900, 1000, 1180, 1320},
	visitors: 1300, group: 5, failing: "Chrome",
	shares: [personas]int{power: 90, weekly: 310, tourist: 600},
	countries: []country{
		{36, "DE", "de-DE", "EUR"}, {8, "AT", "de-AT", "EUR"}, {8, "CH", "de-CH", "CHF"}, {10, "FR", "fr-FR", "EUR"},
		{8, "NL", "nl-NL", "EUR"}, {11, "GB", "en-GB", "GBP"}, {12, "US", "en-US", "USD"}, {4, "ES", "es-ES", "EUR"},
		{3, "SE", "sv-SE", "EUR"},
	},
	devices: []device{
		{38, "Chrome", "Windows", "desktop"}, {15, "Chrome", "macOS", "desktop"}, {14, "Edge", "Windows", "desktop"},
		{12, "Safari", "macOS", "desktop"}, {7, "Firefox", "Windows", "desktop"}, {4, "Firefox", "Linux", "desktop"},
		{6, "Safari", "iOS", "mobile"}, {4, "Chrome", "Android", "mobile"},
	},
	sources: []source{
		{34, "https://www.google.com/", "", "", ""}, {26, "", "", "", ""},
		{14, "https://www.google.com/", "google", "cpc", "brand"}, {9, "https://www.linkedin.com/", "linkedin", "social", "always-on"},
		{8, "", "newsletter", "email", "monthly-digest"}, {6, "https://www.g2.com/", "g2", "referral", "listing"},
		{3, "https://duckduckgo.com/", "", "", ""},
		{0, "https://www.youtube.com/", "youtube", "video", "creators"},
		{0, "https://www.producthunt.com/", "producthunt", "referral", "launch-v4"},
	},
	tiers:  []tier{{62, "pro", 1200, 1}, {30, "team", 1000, 12}, {8, "enterprise", 2400, 60}},
	basket: []int{900, 1900, 2900, 4900, 9900},
	scenes: northwindScenes,
	plots: []plot{
		{launch, 280, time.Tuesday, 0, 7 * 24 * time.Hour, "Northwind 4 launches",
			"On %s version 4 launched on Product Hunt: sign-ups about doubled for a week, its first three days were far busier than usual, and traffic has stayed higher since."},
		{outage, 225, time.Wednesday, 10, 4 * time.Hour, "Four hours of outage",
			"On %s the product was down from 10:00 to 14:00 in Berlin: next to no events. For three hours after it, checkouts failed with gateway_timeout."},
		{novelty, 185, time.Monday, 0, 24 * time.Hour, "AI summaries arrive",
			"On %s AI summaries were switched on: \"AI Summary Created\" did not exist before, starts slowly, and after three months more than a quarter of all active users had it in use."},
		{pricing, 130, time.Monday, 0, 24 * time.Hour, "A higher price",
			"On %s the price went up. \"Subscription Started\" has been declining since, to less than two thirds within ten weeks, while sign-ups carried on as before."},
		{release, 45, time.Monday, 0, 5 * 24 * time.Hour, "A broken release in Chrome",
			"On %s a release broke the checkout in Chrome: for five days \"Checkout Failed\" more than tripled there, with the reason script_error, and in no other browser."},
	},
}).prepare()

var northwindScenes = []scene{
	// The site, before sign-up.
	{name: "landing", path: "/", title: "Northwind Notes", gap: "4-60", next: "tour 24, prices 20, blog 10, signup 16, end 30"},
	{name: "tour", path: "/tour", title: "Tour", gap: "8-120", next: "prices 30, signup 25, end 45"},
	{name: "blog", path: "/blog/writing-together", title: "Writing together", gap: "15-240", next: "landing 15, signup 10, end 75"},
	{name: "prices", path: "/pricing", title: "Pricing", gap: "6-90", next: "signup 35, tour 15, end 50"},
	{name: "signup", path: "/signup", title: "Sign up", gap: "15-90", next: "end 100"},
	{name: "signed up", event: "Signed Up", gap: "1-4", next: "welcome 100", props: "method=email|email|google|microsoft"},
	{name: "welcome", path: "/welcome", title: "Welcome", gap: "10-180", next: "onboarded 68, home 22, end 10"},
	{name: "onboarded", event: "Onboarding Completed", gap: "3-40", next: "create 45, templates 30, invite 12, home 13", props: "steps=3..6"},

	// The product.
	{name: "home", path: "/home", title: "Home", gap: "3-40", next: "document 34, documents 26, search 14, create 8, reports 5, settings 4, billing 9, help 2, end 6"},
	{name: "documents", path: "/documents", title: "Documents", gap: "3-45", next: "document 40, create 22, search 18, templates 8, end 12"},
	{name: "document", path: "/documents/view", title: "Document", gap: "10-300", next: "edit 50, comment 16, share 6, novelty 10, documents 6, end 12"},
	{name: "templates", path: "/templates", title: "Templates", gap: "5-90", next: "template 55, documents 25, end 20"},
	{name: "template", event: "Template Used", gap: "5-60", next: "edit 75, end 25", props: "template=meeting notes|project plan|wiki|retrospective|offer"},
	{name: "create", event: "Document Created", gap: "10-240", next: "edit 70, share 10, end 20", props: "kind=note|note|note|page|table|board"},
	{name: "edit", event: "Document Edited", gap: "20-420", next: "edit 36, comment 9, share 8, document 10, novelty 8, end 29", props: "words=3..400"},
	{name: "before", event: "Document Edited", gap: "20-420", next: "edit 40, document 20, end 40", props: "words=3..400"},
	{name: "comment", event: "Comment Added", gap: "10-180", next: "comment 14, document 30, documents 18, end 38"},
	{name: "share", event: "Document Shared", gap: "5-60", next: "invite 14, document 24, documents 22, end 40", props: "with=person|person|team|link"},
	{name: "search", event: "Search Performed", gap: "3-40", next: "document 58, search 16, documents 12, end 14", props: "results=0..40"},
	{name: "novelty", event: "AI Summary Created", gap: "8-90", next: "edit 34, share 14, document 26, end 26", props: "length=short|short|long; seconds=1..9"},
	{name: "reports", path: "/reports", title: "Reports", gap: "8-120", next: "export 55, home 20, end 25"},
	{name: "export", event: "Report Exported", gap: "5-60", next: "home 35, end 65", props: "format=pdf|pdf|csv|xlsx; pages=1..30"},
	{name: "settings", path: "/settings", title: "Settings", gap: "5-90", next: "feature 30, invite 20, billing 10, home 25, end 15"},
	{name: "feature", event: "Feature Enabled", gap: "4-60", next: "home 55, end 45", props: "feature=dark mode|offline|version history|slack|single sign-on"},
	{name: "invite", event: "Invite Sent", gap: "5-60", next: "invite 25, home 35, end 40", props: "role=editor|editor|viewer|admin"},
	{name: "help", path: "/help", title: "Help", gap: "10-150", next: "ticket 45, search 15, end 40"},
	{name: "ticket", event: "Ticket Opened", gap: "20-240", next: "home 30, end 70", props: "topic=billing|sync|sync|permissions|import|other; priority=low|normal|normal|high"},

	// The till.
	{name: "billing", path: "/settings/billing", title: "Billing", gap: "5-60", next: "checkout 60, home 20, end 20"},
	{name: "checkout", event: "Checkout Started", gap: "15-120", next: "end 100"},
	{name: "declined", event: "Checkout Failed", gap: "5-60", next: "checkout 60, help 8, end 32", props: "reason=card_declined|card_declined|insufficient_funds|expired_card|authentication_failed"},
	{name: "crashed", event: "Checkout Failed", gap: "5-40", next: "checkout 60, help 12, end 28", props: "reason=script_error"},
	{name: "timed out", event: "Checkout Failed", gap: "10-90", next: "checkout 60, help 12, end 28", props: "reason=gateway_timeout"},
	{name: "trial", event: "Trial Started", gap: "3-40", next: "home 70, end 30", props: "days=14..14"},
	{name: "subscribed", event: "Subscription Started", gap: "5-60", next: "home 60, invite 15, end 25", props: "interval=month|month|year"},
	{name: "ordered", event: "Order Completed", gap: "5-60", next: "home 50, end 50", props: "item=storage|templates|credits|credits"},
	{name: "cancelled", event: "Subscription Cancelled", gap: "5-60", next: "help 10, home 15, end 75", props: "reason=too expensive|too expensive|missing feature|not used|other tool"},
}
