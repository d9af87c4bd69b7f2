package event

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/identity"
)

// recognize finds out who did the events and on whose behalf, and learns what they say of
// either.
func recognize(ctx context.Context, tx pgx.Tx, zone calendar.Zone, rows []row) error {
	known, err := sightings(zone, rows).Resolve(ctx, tx)
	if err != nil {
		return err
	}
	for i := range rows {
		if who, ok := rows[i].Incoming.doer(); ok {
			rows[i].doer = known[who]
		}
	}
	if err := warnOfUsers(ctx, tx, rows); err != nil {
		return err
	}
	accounts, err := accountsOf(zone, rows).Resolve(ctx, tx)
	if err != nil {
		return err
	}
	persons, groups := sayings(rows, accounts)
	if err := identity.Apply(ctx, tx, identity.OfPerson, persons); err != nil {
		return err
	}
	return identity.Apply(ctx, tx, identity.OfAccount, groups)
}

// sightings lists who did the events, and which devices they show to be whose.
func sightings(zone calendar.Zone, rows []row) *identity.Sightings {
	seen := identity.NewSightings(zone)
	for i := range rows {
		r := &rows[i]
		who, ok := r.Incoming.doer()
		switch {
		case ok && IsActivity(r.Type):
			seen.See(who, r.occurredAt)
		case ok:
			seen.Mention(who)
		}
		if !identity.IsSomebody(r.UserID) {
			continue
		}
		for _, device := range []string{r.AnonymousID, r.PreviousID} {
			if identity.IsSomebody(device) {
				seen.Link(device, r.UserID, r.occurredAt, r.key)
			}
		}
	}
	return seen
}

func accountsOf(zone calendar.Zone, rows []row) *identity.Accounts {
	accounts := identity.NewAccounts(zone)
	for i := range rows {
		if group, ok := rows[i].group(); ok {
			accounts.See(group, rows[i].doer.ID, rows[i].occurredAt)
		}
	}
	return accounts
}

// sayings are what the events say of persons, and of accounts.
func sayings(rows []row, accounts map[identity.Group]int64) (persons, groups []identity.Saying) {
	for i := range rows {
		r := &rows[i]
		if len(r.Traits) == 0 && len(r.TraitsOnce) == 0 {
			continue
		}
		s := identity.Saying{At: r.occurredAt, By: r.key, Traits: r.Traits, Once: r.TraitsOnce}
		group, ofGroup := r.group()
		switch {
		case r.Type == Group && ofGroup:
			s.ID = accounts[group]
			groups = append(groups, s)
		case r.Type != Group && r.doer.ID != 0:
			s.ID = r.doer.ID
			persons = append(persons, s)
		}
	}
	return persons, groups
}

// mergedByHand is why an alias of a known user joins nobody.
var mergedByHand = Warning{
	Field:  "previousId",
	Reason: "This is the id of a known user. Two known users are joined by the mutation mergePeople alone; only an anonymous id of this spelling was linked.",
}

// warnOfUsers warns of events that mean to join a user who is known: a sender's mistake must
// not make two people one. It asks only where some event names an id used before.
func warnOfUsers(ctx context.Context, tx pgx.Tx, rows []row) error {
	var previous []string
	for i := range rows {
		if rows[i].namesAnother() {
			previous = append(previous, rows[i].PreviousID)
		}
	}
	if len(previous) == 0 {
		return nil
	}
	users, err := identity.KnownUsers(ctx, tx, previous)
	if err != nil {
		return err
	}
	for i := range rows {
		if r := &rows[i]; r.namesAnother() && users[r.PreviousID] {
			r.warnings = append(r.warnings, mergedByHand)
		}
	}
	return nil
}

// namesAnother reports whether an event says that somebody else's id is this user's.
func (r *row) namesAnother() bool {
	return identity.IsSomebody(r.UserID) && identity.IsSomebody(r.PreviousID) && r.PreviousID != r.UserID
}
