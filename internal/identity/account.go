package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Group is an account as senders name it.
type Group struct{ Type, ID string }

// Accounts gathers on whose behalf events were done.
type Accounts struct {
	zone    calendar.Zone
	first   map[Group]time.Time
	order   []Group
	members map[member]stay
}

type member struct {
	group    Group
	identity int64
}

// stay is from when until when somebody was seen to belong to an account.
type stay struct{ first, last time.Time }

// NewAccounts begins with none. The zone is the tenant's.
func NewAccounts(zone calendar.Zone) *Accounts {
	return &Accounts{zone: zone, first: map[Group]time.Time{}, members: map[member]stay{}}
}

// See notes an event of an account, by an identity; 0 is nobody.
func (a *Accounts) See(group Group, identity int64, at time.Time) {
	first, known := a.first[group]
	if !known {
		a.order = append(a.order, group)
	}
	if !known || at.Before(first) {
		a.first[group] = at
	}
	if identity == 0 {
		return
	}
	m := member{group, identity}
	s, known := a.members[m]
	if !known || at.Before(s.first) {
		s.first = at
	}
	if at.After(s.last) {
		s.last = at
	}
	a.members[m] = s
}

// Resolve finds or makes the accounts, and their members. The caller holds the tenant's turn.
func (a *Accounts) Resolve(ctx context.Context, tx pgx.Tx) (map[Group]int64, error) {
	if len(a.order) == 0 {
		return nil, nil
	}
	var p dbsqlc.AccountResolveParams
	for _, group := range a.order {
		p.GroupTypes = append(p.GroupTypes, group.Type)
		p.GroupIds = append(p.GroupIds, group.ID)
		p.SeenAts = append(p.SeenAts, a.first[group])
	}
	rows, err := dbsqlc.New().AccountResolve(ctx, tx, p)
	if err != nil {
		return nil, fmt.Errorf("resolve accounts: %w", err)
	}
	ids := make(map[Group]int64, len(rows))
	for i := range rows {
		ids[Group{rows[i].GroupType, rows[i].GroupID}] = rows[i].AccountID
	}
	return ids, a.join(ctx, tx, ids)
}

func (a *Accounts) join(ctx context.Context, tx pgx.Tx, ids map[Group]int64) error {
	var p dbsqlc.MembershipUpsertParams
	for m, s := range a.members {
		p.AccountIds = append(p.AccountIds, ids[m.group])
		p.IdentityIds = append(p.IdentityIds, m.identity)
		p.FirstAts = append(p.FirstAts, s.first)
		p.LastDays = append(p.LastDays, a.zone.DateOf(s.last))
	}
	if len(p.AccountIds) == 0 {
		return nil
	}
	if err := dbsqlc.New().MembershipUpsert(ctx, tx, p); err != nil {
		return fmt.Errorf("upsert memberships: %w", err)
	}
	return nil
}
