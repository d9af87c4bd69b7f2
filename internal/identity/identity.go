// Package identity knows who is who. An id that senders use is an identity, of a user or of
// a device; a person is a group of identities. A device joins the user that the earliest
// event with both names; two users are one only where somebody has said so. Nothing is lost
// in the grouping: each step can be taken back, and the figures are as they were.
package identity

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// nobody lists the ids that broken senders give for someone they don't know.
var nobody = map[string]bool{"null": true, "undefined": true, "": true, "0": true}

// IsSomebody reports whether an id names anybody.
func IsSomebody(id string) bool { return !nobody[id] }

// Key is an id as senders use it. A user id and an anonymous id of one spelling are two.
type Key struct {
	Anonymous bool
	Distinct  string
}

// User is the key of a user id.
func User(id string) Key { return Key{Distinct: id} }

// Anonymous is the key of an anonymous id.
func Anonymous(id string) Key { return Key{Anonymous: true, Distinct: id} }

// Known is an identity as the database has it.
type Known struct {
	ID     int64
	Person int64 // whose it is
}

// link says that a device is a user's: from when on, and by which event.
type link struct {
	user string
	at   time.Time
	by   uuid.UUID
}

// before decides between two links: the earlier event, and of equals always the same one, so
// that the order of arrival decides nothing.
func (l link) before(at time.Time, by uuid.UUID) bool {
	return cmp.Or(l.at.Compare(at), bytes.Compare(l.by[:], by[:])) < 0
}

// Sightings gathers who was seen in some events.
type Sightings struct {
	zone  calendar.Zone
	seen  map[Key]time.Time // the earliest activity; zero: none
	order []Key
	links map[string]link // by anonymous id
}

// NewSightings begins with nobody seen. The zone is the tenant's.
func NewSightings(zone calendar.Zone) *Sightings {
	return &Sightings{zone: zone, seen: map[Key]time.Time{}, links: map[string]link{}}
}

// Mention notes an id that did nothing.
func (s *Sightings) Mention(key Key) {
	if _, known := s.seen[key]; !known {
		s.seen[key] = time.Time{}
		s.order = append(s.order, key)
	}
}

// See notes that somebody did something.
func (s *Sightings) See(key Key, at time.Time) {
	first, known := s.seen[key]
	if !known {
		s.order = append(s.order, key)
	}
	if !known || first.IsZero() || at.Before(first) {
		s.seen[key] = at
	}
}

// Link notes an event that names a device and a user.
func (s *Sightings) Link(anonymousID, userID string, at time.Time, by uuid.UUID) {
	s.Mention(Anonymous(anonymousID))
	s.Mention(User(userID))
	l := link{userID, at, by}
	if other, known := s.links[anonymousID]; !known || l.before(other.at, other.by) {
		s.links[anonymousID] = l
	}
}

// Resolve finds or makes the identities that were seen, links those that are to be linked,
// and moves first sights back. The caller holds the tenant's turn.
func (s *Sightings) Resolve(ctx context.Context, tx pgx.Tx) (map[Key]Known, error) {
	if len(s.order) == 0 {
		return nil, nil
	}
	rows, err := dbsqlc.New().IdentityResolve(ctx, tx, s.wanted())
	if err != nil {
		return nil, fmt.Errorf("resolve identities: %w", err)
	}
	known := make(map[Key]Known, len(rows))
	for i := range rows {
		known[Key{rows[i].Anonymous, rows[i].DistinctID}] = Known{rows[i].IdentityID, rows[i].PersonID}
	}
	seen, err := s.see(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	moved, err := s.link(ctx, tx, rows, known)
	if err != nil {
		return nil, err
	}
	follow(known, moved)
	return known, births(ctx, tx, append(seen, touched(moved)...))
}

// never stands for no instant, and for no day: neither is one that an event may have.
var never = time.Unix(0, 0).UTC()

func (s *Sightings) wanted() dbsqlc.IdentityResolveParams {
	var p dbsqlc.IdentityResolveParams
	for _, key := range s.order {
		at, day := s.seen[key], calendar.NewDate(never.Date())
		if at.IsZero() {
			at = never
		} else {
			day = s.zone.DateOf(at)
		}
		p.Anonymous = append(p.Anonymous, key.Anonymous)
		p.DistinctIds = append(p.DistinctIds, key.Distinct)
		p.SeenAts = append(p.SeenAts, at)
		p.Days = append(p.Days, day)
	}
	return p
}

// see moves the first sight of identities back that were seen earlier now, and returns whose
// they are.
func (s *Sightings) see(ctx context.Context, tx pgx.Tx, rows []dbsqlc.IdentityResolveRow) (persons []int64, err error) {
	var p dbsqlc.IdentitySeeParams
	for i := range rows {
		at := s.seen[Key{rows[i].Anonymous, rows[i].DistinctID}]
		if at.IsZero() || rows[i].FirstSeenAt != nil && !at.Before(*rows[i].FirstSeenAt) {
			continue
		}
		p.IdentityIds = append(p.IdentityIds, rows[i].IdentityID)
		p.SeenAts = append(p.SeenAts, at)
		p.Days = append(p.Days, s.zone.DateOf(at))
		persons = append(persons, rows[i].PersonID)
	}
	if len(persons) == 0 {
		return nil, nil
	}
	if err := dbsqlc.New().IdentitySee(ctx, tx, p); err != nil {
		return nil, fmt.Errorf("move first sights: %w", err)
	}
	return persons, nil
}

// link applies the links that are earlier than those there are, and returns the identities
// that changed hands by it.
func (s *Sightings) link(ctx context.Context, tx pgx.Tx, rows []dbsqlc.IdentityResolveRow, known map[Key]Known) ([]move, error) {
	var p dbsqlc.IdentityLinkParams
	for i := range rows {
		l, linked := s.links[rows[i].DistinctID]
		if !linked || !rows[i].Anonymous || rows[i].LinkedAt != nil && !l.before(*rows[i].LinkedAt, rows[i].LinkedBy.UUID) {
			continue
		}
		p.IdentityIds = append(p.IdentityIds, rows[i].IdentityID)
		p.UserIds = append(p.UserIds, known[User(l.user)].ID)
		p.LinkedAts = append(p.LinkedAts, l.at)
		p.LinkedBys = append(p.LinkedBys, l.by)
	}
	if len(p.IdentityIds) == 0 {
		return nil, nil
	}
	if err := dbsqlc.New().IdentityLink(ctx, tx, p); err != nil {
		return nil, fmt.Errorf("link identities: %w", err)
	}
	moved, err := regroup(ctx, tx, p.IdentityIds)
	if err != nil {
		return nil, err
	}
	made := map[int64]bool{}
	for i := range rows {
		made[rows[i].IdentityID] = rows[i].Made
	}
	// One that was made just now has no presence yet.
	present := slices.DeleteFunc(slices.Clone(moved), func(m move) bool { return made[m.identity] })
	return moved, handOver(ctx, tx, present)
}

// KnownUsers tells which of these are the ids of users.
func KnownUsers(ctx context.Context, tx pgx.Tx, ids []string) (map[string]bool, error) {
	rows, err := dbsqlc.New().IdentityKnownUsers(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("look for known users: %w", err)
	}
	known := make(map[string]bool, len(rows))
	for _, id := range rows {
		known[id] = true
	}
	return known, nil
}

// move is an identity that changed hands.
type move struct{ identity, was, is int64 }

// touched tells which persons have gained or lost identities.
func touched(moved []move) (persons []int64) {
	for _, m := range moved {
		persons = append(persons, m.is)
		if m.was != m.identity { // else nobody is left who was born
			persons = append(persons, m.was)
		}
	}
	return persons
}

// regroup gives identities the person that they belong to now; their presence follows by
// handOver.
func regroup(ctx context.Context, tx pgx.Tx, identities []int64) ([]move, error) {
	rows, err := dbsqlc.New().IdentityRegroup(ctx, tx, identities)
	if err != nil {
		return nil, fmt.Errorf("regroup identities: %w", err)
	}
	moved := make([]move, len(rows))
	for i, r := range rows {
		moved[i] = move{r.IdentityID, r.Was, r.PersonID}
	}
	return moved, nil
}

// handOver gives the presence of identities that changed hands to the persons that have them.
func handOver(ctx context.Context, tx pgx.Tx, moved []move) error {
	if len(moved) == 0 {
		return nil
	}
	var p dbsqlc.PresenceHandOverParams
	for _, m := range moved {
		p.IdentityIds = append(p.IdentityIds, m.identity)
		p.PersonIds = append(p.PersonIds, m.is)
	}
	queries := dbsqlc.New()
	if err := queries.PlanByKeys(ctx, tx); err != nil {
		return fmt.Errorf("plan by keys: %w", err)
	}
	if err := queries.PresenceHandOver(ctx, tx, p); err != nil {
		return fmt.Errorf("hand presence over: %w", err)
	}
	if err := queries.PlanFreely(ctx, tx); err != nil {
		return fmt.Errorf("plan freely: %w", err)
	}
	return nil
}

func births(ctx context.Context, tx pgx.Tx, persons []int64) error {
	if len(persons) == 0 {
		return nil
	}
	if err := dbsqlc.New().IdentityBirths(ctx, tx, persons); err != nil {
		return fmt.Errorf("work out births: %w", err)
	}
	return nil
}

// follow gives identities that changed hands their new person.
func follow(known map[Key]Known, moved []move) {
	person := make(map[int64]int64, len(moved))
	for _, m := range moved {
		person[m.identity] = m.is
	}
	if len(person) == 0 {
		return
	}
	for key, k := range known {
		if p, ok := person[k.ID]; ok {
			known[key] = Known{k.ID, p}
		}
	}
}
