package people

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// maxReason is how many characters a reason may have.
const maxReason = 500

// Impersonate lets who asks look at the tenant as another member sees it, for a quarter of an
// hour: look, and change nothing. The log has both names.
func (s *Service) Impersonate(ctx context.Context, member uuid.UUID, reason string) (t Tokens, err error) {
	if _, err := access.Require(ctx, access.Impersonate); err != nil {
		return t, err
	}
	if strings.TrimSpace(reason) == "" || checkName("reason", reason, maxReason) != nil {
		return t, fault.Input("reason", "A reason of 1 to %d characters is needed.", maxReason)
	}
	who, err := s.signedIn(ctx)
	if err != nil {
		return t, err
	}
	if who.Login == member {
		return t, fault.Input("member", "You are yourself already.")
	}
	err = s.access.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		m, err := memberOf(ctx, tx, member)
		if err != nil {
			return errNoMember.In("member").Because(err)
		}
		if mayGive(who.Principal, m.Role) != nil {
			return fault.New(fault.Forbidden, "This member may do more than you.").In("member")
		}
		t, err = s.begin(ctx, tx, who.Tenant, start{login: member, impersonator: who.Login, secondFactor: who.session.SecondFactor})
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{Action: audit.ImpersonationOn, Target: memberTarget(member),
			After: map[string]any{"session": t.Session, "reason": reason}})
	})
	return t, err
}
