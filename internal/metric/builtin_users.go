package metric

import "slices"

// ofUsers are the metrics of who uses the product: how many, how regularly, who comes and goes.
func ofUsers() []*Definition {
	return slices.Concat(ofWindows(), ofLifecycle(), []*Definition{
		{
			Key: "sessions", Name: "Sessions", Unit: UnitSessions, Direction: UpIsGood, Additive: true,
			Description: "How many sessions started. A session is what one user does without a pause of 30 minutes; devices that are known to be one user's share it.",
			Formula:     "count(session) by its first event; 30 minutes without an event of the user end it",
			Needs:       []Column{{visits, "sessions"}},
		},
		{
			Key: "feature_adoption", Name: "Feature adoption", Unit: UnitRatio, Direction: UpIsGood,
			Description: "Which share of the active users used a feature: did an event of it. The feature is what the filter names, or each type of a breakdown; without either it is anything, and so 1. Null where nobody was active.",
			Formula:     "count(distinct user with an event of the feature) / active_users",
			Needs:       []Column{{activeUsers, measured}, {everybody, measured}},
			Calc:        func(c []float64) *float64 { return Ratio(c[0], c[1]) },
		},
	})
}

// asOfDay says which day the windows of a bucket end with.
const asOfDay = " As of the last day of each bucket or range, and of the running one the day that it is, in the zone asked for; a range that ends within that day cuts it. Null where a bucket has not begun."

func ofWindows() []*Definition {
	return []*Definition{
		{
			Key: "daily_active_users", Name: "Daily active users", Unit: UnitUsers, Direction: UpIsGood,
			Description: "How many distinct users were active on a day (DAU)." + asOfDay,
			Formula:     "count(distinct user) of the last day",
			Needs:       []Column{{trailing, "daily"}},
			Entities:    &Entities{People, Column{trailing, "daily"}},
		},
		{
			Key: "weekly_active_users", Name: "Weekly active users", Unit: UnitUsers, Direction: UpIsGood,
			Description: "How many distinct users were active in the 7 days that end with a day (WAU)." + asOfDay,
			Formula:     "count(distinct user) of the 7 days that end with the last day",
			Needs:       []Column{{trailing, "weekly"}},
			Entities:    &Entities{People, Column{trailing, "weekly"}},
		},
		{
			Key: "monthly_active_users", Name: "Monthly active users", Unit: UnitUsers, Direction: UpIsGood,
			Description: "How many distinct users were active in the 28 days that end with a day (MAU)." + asOfDay,
			Formula:     "count(distinct user) of the 28 days that end with the last day",
			Needs:       []Column{{trailing, "monthly"}},
			Entities:    &Entities{People, Column{trailing, "monthly"}},
		},
		{
			Key: "stickiness", Name: "Stickiness", Unit: UnitRatio, Direction: UpIsGood,
			Description: "Which share of the monthly active users was active on the day: DAU by MAU of the same day." + asOfDay + " Null where nobody was active in the 28 days.",
			Formula:     "daily_active_users / monthly_active_users",
			Needs:       []Column{{trailing, "daily"}, {trailing, "monthly"}},
			Calc:        func(c []float64) *float64 { return Ratio(c[0], c[1]) },
		},
	}
}

// againstBefore says what a bucket is told against.
const againstBefore = " The bucket before is always the whole one, also where the range cuts a bucket or it still runs; before a range it is the time of the same length."

func ofLifecycle() []*Definition {
	return []*Definition{
		{
			Key: "returning_users", Name: "Returning users", Unit: UnitUsers, Direction: UpIsGood,
			Description: "How many users were active in a bucket and in the one before. New, returning and resurrecting users together are the active ones." + againstBefore,
			Formula:     "count(distinct user) active in both",
			Needs:       []Column{{lifecycle, "returning"}},
			Entities:    &Entities{People, Column{lifecycle, "returning"}},
		},
		{
			Key: "resurrecting_users", Name: "Resurrecting users", Unit: UnitUsers, Direction: UpIsGood,
			Description: "How many users came back: active in a bucket, not in the one before, but earlier." + againstBefore,
			Formula:     "active_users - new_users - returning_users",
			Needs:       []Column{{lifecycle, "active"}, {newUsers, measured}, {lifecycle, "returning"}},
			Calc:        func(c []float64) *float64 { return orNull(c[0] - c[1] - c[2]) },
			Entities:    &Entities{People, Column{lifecycle, resurrecting}},
		},
		{
			Key: "dormant_users", Name: "Dormant users", Unit: UnitUsers, Direction: DownIsGood,
			Description: "How many users were active in the bucket before and are not in this one. Returning and dormant users together are those who were active before." + againstBefore,
			Formula:     "count(distinct user) active before - returning_users",
			Needs:       []Column{{lifecycle, "dormant"}},
			Entities:    &Entities{People, Column{lifecycle, "dormant"}},
		},
	}
}
