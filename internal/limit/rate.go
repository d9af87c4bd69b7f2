package limit

import (
	"time"
)

// Kind is what an operation does to data. Reads and writes have budgets of their own.
type Kind string

// The kinds.
const (
	Read  Kind = "read"
	Write Kind = "write"
)

// Tier is what sort of caller somebody is.
type Tier string

// The tiers: people by their role, keys by their kind, and those who bring neither.
const (
	Owner     Tier = "OWNER"
	Admin     Tier = "ADMIN"
	Analyst   Tier = "ANALYST"
	Viewer    Tier = "VIEWER"
	Custom    Tier = "CUSTOM" // a role that the tenant has made
	WriteKey  Tier = "WRITE_KEY"
	ReadKey   Tier = "READ_KEY"
	ManageKey Tier = "MANAGE_KEY"
	Embed     Tier = "EMBED"     // an end customer's browser, by a token of the tenant's
	Anonymous Tier = "ANONYMOUS" // nobody yet: about to sign in
)

// tierPercent is how much of what one caller may take each tier may. A server's key stands
// for many people, a browser for one.
var tierPercent = map[Tier]int{
	Owner: 100, Admin: 100, Analyst: 100, Viewer: 50, Custom: 50,
	WriteKey: 100, ReadKey: 100, ManageKey: 100, Embed: 20, Anonymous: 5,
}

// lowestTier is the share of a tier that is not in the table: a mistake must not open doors.
const lowestTier = 5

// Caller is who spends.
type Caller struct {
	Tenant string // empty of a caller who is nobody's yet
	ID     string // unique within the tenant: a key's, a member's, a token's, or an address
	Tier   Tier
	Zone   *time.Location // in which the tenant's nights and weekends are; nil: UTC
}

// Rates are how much cost a tenant may spend.
type Rates struct {
	Read, Write   int // a minute; 0: without a limit
	BurstSeconds  int // how many seconds' worth may be spent at once
	OffPeak       int // percent of it in off-peak hours
	CallerPercent int // percent of it that one caller may take
}

// MaxRate is the highest rate that can be set, in cost a minute.
const MaxRate = 100_000_000

// AtOnce is what a caller of the highest tier may spend at once, in peak hours; -1: all they
// like.
func (r Rates) AtOnce(kind Kind) int {
	if r.perMinute(kind) <= 0 {
		return -1
	}
	return r.perMinute(kind) * r.CallerPercent / 100 * r.BurstSeconds / 60
}

// perMinute is the rate of a kind.
func (r Rates) perMinute(kind Kind) int {
	if kind == Write {
		return r.Write
	}
	return r.Read
}

// Budget is a bucket that fills by so much a minute, up to its burst.
type Budget struct {
	Policy    string // names it to the caller
	key       string
	PerMinute int
	Burst     int
}

// budgetsOf are what an operation of a kind is charged to: the caller's share first, so that
// a caller who has used it up takes nothing from the others of the tenant.
func budgetsOf(c Caller, r Rates, kind Kind, now time.Time) []Budget {
	if r.perMinute(kind) <= 0 {
		return nil
	}
	percent := 100
	if isOffPeak(now, c.Zone) {
		percent = r.OffPeak
	}
	share, known := tierPercent[c.Tier]
	if !known {
		share = lowestTier
	}
	whole := r.perMinute(kind) * percent
	budgets := []Budget{r.budget("caller-"+string(kind), c.Tenant+":"+c.ID, whole*r.CallerPercent/100*share/100)}
	if c.Tenant != "" {
		budgets = append(budgets, r.budget("tenant-"+string(kind), c.Tenant, whole))
	}
	return budgets
}

// budget makes one of a rate in hundredths.
func (r Rates) budget(policy, who string, hundredths int) Budget {
	perMinute := max(1, hundredths/100)
	return Budget{
		Policy: policy, key: policy + ":" + who,
		PerMinute: perMinute, Burst: max(1, perMinute*r.BurstSeconds/60),
	}
}
