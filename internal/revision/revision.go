// Package revision tells by which revisions of a tenant's data something was found: as long as
// they hold, it would be found again.
package revision

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Basis writes the revisions of some subjects, as they are counted in data_revision, as a JSON
// object by subject; one that was never changed is at 0.
func Basis(ctx context.Context, db dbsqlc.DBTX, subjects []string) ([]byte, error) {
	rows, err := dbsqlc.New().DataRevisionList(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read revisions: %w", err)
	}
	revisions := map[string]int64{}
	for _, subject := range subjects {
		revisions[subject] = 0
	}
	for _, r := range rows {
		if _, needed := revisions[r.Subject]; needed {
			revisions[r.Subject] = r.Revision
		}
	}
	text, err := json.Marshal(revisions)
	if err != nil {
		return nil, fmt.Errorf("write revisions: %w", err)
	}
	return text, nil
}
