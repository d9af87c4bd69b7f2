package feed

import (
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// maxTold is how many persons or accounts of a tenant one transaction tells apart. A batch of
// events may touch thousands, and a line for each would cost every server more than those
// that watch some of them save.
const maxTold = 20

// topics are those of one transaction. Where too many of a subject came, one topic stands for
// them all, under the key [topic.Many].
type topics map[topic.Topic]struct{}

// add notes a topic, and lets many of a subject become one.
func (t topics) add(one topic.Topic) {
	if one.Subject != topic.Person && one.Subject != topic.Account {
		t[one] = struct{}{}
		return
	}
	many := topic.Topic{Tenant: one.Tenant, Subject: one.Subject, Key: topic.Many}
	if _, told := t[many]; told {
		return
	}
	t[one] = struct{}{}
	if len(t) > maxTold && t.count(one.Tenant, one.Subject) > maxTold {
		for known := range t {
			if known.Tenant == one.Tenant && known.Subject == one.Subject {
				delete(t, known)
			}
		}
		t[many] = struct{}{}
	}
}

func (t topics) count(of tenant.ID, subject topic.Subject) (n int) {
	for known := range t {
		if known.Tenant == of && known.Subject == subject {
			n++
		}
	}
	return n
}
