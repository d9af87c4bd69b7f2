package demo

const (
	ordinaryFailure = 150 // permille of checkouts that fail on any day
	ordinaryWilling = 300 // permille of people who would pay the price of old
)

// aftermath is how long after an outage everybody tries to pay at once.
const aftermath = 3 * millisPerHour

// traffic is the permille of the usual number of sessions.
func (s *script) traffic(at int64) int64 {
	level := s.lift(at)
	switch {
	case s[outage].holds(at):
		return level / 100
	case s.recovering(at):
		return level * 2
	}
	return level
}

// lift is what a launch does: three days of spike, nine of settling, and a sixth
// more for good.
func (s *script) lift(at int64) int64 {
	since := s.since(launch, at)
	if since < 0 {
		return 1000
	}
	return slope(since-3*millisPerDay, 9*millisPerDay, 1800, 1160)
}

func (s *script) recovering(at int64) bool {
	return s[outage] != never && span{s[outage].to, s[outage].to + aftermath}.holds(at)
}

// launched and campaigned are the permille of sign-ups that come on top of the
// usual ones.
func (s *script) launched(at int64) int {
	switch since := s.since(launch, at); {
	case since < 0:
		return 0
	case since < 7*millisPerDay:
		return 1000
	}
	return 160
}

func (s *script) campaigned(at int64) int {
	if s[campaign].holds(at) {
		return 2300
	}
	return 0
}

// adoption is the permille of people who have taken up the new feature: a slow
// start, a steep middle, and some who never will.
func (s *script) adoption(at int64) int64 {
	since := s.since(novelty, at)
	switch {
	case since < 0:
		return 0
	case since < 30*millisPerDay:
		return slope(since, 30*millisPerDay, 20, 200)
	case since < 60*millisPerDay:
		return slope(since-30*millisPerDay, 30*millisPerDay, 200, 650)
	}
	return slope(since-60*millisPerDay, 40*millisPerDay, 650, 850)
}

// willing is the permille of people who accept the price of the day.
func (s *script) willing(at int64) int64 {
	return slope(s.since(pricing, at), 70*millisPerDay, ordinaryWilling, ordinaryWilling*3/10)
}

// broken tells whether the broken release is out.
func (s *script) broken(at int64) bool { return s[release].holds(at) }
