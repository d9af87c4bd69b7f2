package customer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// attempts is how often a correction runs that the server undoes for another's sake.
const attempts = 3

// correct runs one correction in a transaction of its own that holds the tenant's turn, so
// that no event comes in between.
func (s *Service) correct(ctx context.Context, fn func(tx pgx.Tx, who access.Principal) error) error {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return err
	}
	for range attempts {
		err = s.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
			if _, err := dbsqlc.New().EventTakeTurn(ctx, tx); err != nil {
				return fmt.Errorf("take turn: %w", err)
			}
			return fn(tx, who)
		})
		if !postgres.RolledBack(err) {
			break
		}
	}
	return err
}

// maxReason is how many characters a reason may have.
const maxReason = 500

func checkReason(reason string) error {
	if n := utf8.RuneCountInString(reason); n < 1 || n > maxReason || strings.TrimSpace(reason) == "" {
		return fault.Input("reason", "A reason of 1 to %d characters is needed.", maxReason)
	}
	if !Sendable(reason) {
		return fault.Input("reason", "The reason has a character that cannot be kept.")
	}
	return nil
}

// Merge says that two known users are one person. Both keep their ids, profiles and events,
// so that it can be taken back.
func (s *Service) Merge(ctx context.Context, from, into int64, reason string) (Merge, error) {
	if err := checkReason(reason); err != nil {
		return Merge{}, err
	}
	var made Merge
	err := s.correct(ctx, func(tx pgx.Tx, who access.Principal) error {
		child, err := rootUser(ctx, tx, "from", from)
		if err != nil {
			return err
		}
		parent, err := rootUser(ctx, tx, "into", into)
		if err != nil {
			return err
		}
		if child == parent {
			return fault.Input("into", "They are one person already.")
		}
		if err := errors.Join(stays(ctx, tx, "from", child), stays(ctx, tx, "into", parent)); err != nil {
			return err
		}
		id, err := newID()
		if err != nil {
			return err
		}
		row, err := dbsqlc.New().PersonMergeInsert(ctx, tx, dbsqlc.PersonMergeInsertParams{
			MergeID: id, FromID: child, IntoID: parent, Reason: reason, MadeBy: who.By(),
		})
		if err != nil {
			return fmt.Errorf("insert merge: %w", err)
		}
		made = toMerge(dbsqlc.PersonMergeGetRow(row))
		if err := regroup(ctx, tx, child); err != nil {
			return err
		}
		return record(ctx, tx, who, correction{dbsqlc.CorrectionKindMERGE, []int64{child, parent}, reason}, audit.Entry{
			Action: audit.PeopleMerged, Target: audit.Target{Type: "merge", ID: id.String()}, After: twoOf(child, parent),
		})
	})
	return made, err
}

// rootUser finds the user at the root of a person. A device has none: it joins a user by what
// senders say, and not by hand.
func rootUser(ctx context.Context, tx pgx.Tx, field string, id int64) (int64, error) {
	root, err := dbsqlc.New().PersonRoot(ctx, tx, id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, errNobody.In(field)
	case err != nil:
		return 0, fmt.Errorf("find root: %w", err)
	case root.Anonymous:
		return 0, fault.Input(field, "Only known users are merged. An anonymous id joins its user by an identify or alias call.")
	}
	return root.IdentityID, nil
}

// regroup gives a whole person, as it was, the root that each of its identities has now.
func regroup(ctx context.Context, tx pgx.Tx, person int64) error {
	leaves, err := dbsqlc.New().IdentityIDsOfPerson(ctx, tx, person)
	if err != nil {
		return fmt.Errorf("list identities: %w", err)
	}
	return identity.Regroup(ctx, tx, leaves)
}

// correction is what was done about which identities, and why.
type correction struct {
	kind       dbsqlc.CorrectionKind
	identities []int64
	reason     string
}

// record notes a correction, last of all. The reason is kept beside the people that it speaks
// of, who may have it forgotten, and not in the audit log, which forgets nothing.
func record(ctx context.Context, tx pgx.Tx, who access.Principal, made correction, entry audit.Entry) error {
	id, err := newID()
	if err != nil {
		return err
	}
	err = dbsqlc.New().IdentityCorrectionInsert(ctx, tx, dbsqlc.IdentityCorrectionInsertParams{
		CorrectionID: id, Kind: made.kind, IdentityIds: made.identities, Reason: made.reason, MadeBy: who.By(),
	})
	if err != nil {
		return fmt.Errorf("note correction: %w", err)
	}
	return audit.Write(ctx, tx, entry)
}

// twoOf names the two users of a merge, by their numbers.
func twoOf(from, into int64) any { return map[string]int64{"from": from, "into": into} }

// Detach keeps an anonymous id apart from the user that it is linked to, as a person of its
// own: a device that somebody else used.
func (s *Service) Detach(ctx context.Context, id int64, reason string) (Identity, error) {
	return s.attach(ctx, id, true, reason)
}

// Reattach takes Detach back.
func (s *Service) Reattach(ctx context.Context, id int64, reason string) (Identity, error) {
	return s.attach(ctx, id, false, reason)
}

func (s *Service) attach(ctx context.Context, id int64, detached bool, reason string) (Identity, error) {
	if err := checkReason(reason); err != nil {
		return Identity{}, err
	}
	kind, action := dbsqlc.CorrectionKindREATTACH, audit.IdentityReattached
	if detached {
		kind, action = dbsqlc.CorrectionKindDETACH, audit.IdentityDetached
	}
	err := s.correct(ctx, func(tx pgx.Tx, who access.Principal) error {
		if err := stays(ctx, tx, "id", id); err != nil {
			return err
		}
		changed, err := dbsqlc.New().IdentityDetach(ctx, tx, dbsqlc.IdentityDetachParams{IdentityID: id, Detached: detached})
		if err != nil {
			return fmt.Errorf("detach identity: %w", err)
		}
		if changed == 0 {
			return whyNot(ctx, tx, id, detached)
		}
		if err := identity.Regroup(ctx, tx, []int64{id}); err != nil {
			return err
		}
		return record(ctx, tx, who, correction{kind, []int64{id}, reason}, audit.Entry{
			Action: action, Target: audit.Target{Type: "identity", ID: fmt.Sprint(id)},
			Before: map[string]bool{"detached": !detached}, After: map[string]bool{"detached": detached},
		})
	})
	if err != nil {
		return Identity{}, err
	}
	found, err := s.Identities(ctx, []int64{id})
	return found[id], err
}

// whyNot says why an identity could not be detached, or attached again.
func whyNot(ctx context.Context, tx pgx.Tx, id int64, detached bool) error {
	rows, err := dbsqlc.New().IdentityListByIDs(ctx, tx, []int64{id})
	switch {
	case err != nil:
		return fmt.Errorf("read identity: %w", err)
	case len(rows) == 0:
		return errNobody.In("id")
	case !rows[0].Anonymous:
		return fault.Input("id", "This is a user's id. Only an anonymous id can be detached; a merge of users is undone.")
	case rows[0].LinkedAt == nil:
		return fault.Input("id", "This anonymous id is not linked to a user.")
	case detached:
		return fault.Input("id", "This anonymous id is detached already.")
	}
	return fault.Input("id", "This anonymous id is not detached.")
}
