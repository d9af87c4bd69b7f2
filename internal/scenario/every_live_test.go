package scenario_test

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// followed is a field that is watched, and a change of what it is read from.
type followed struct {
	field  string // of Query; or of another type, where it reads other tables than what it is a field of
	watch  string // {name} stands for an id of the company's world, {n} for its number
	change string // as somebody says it in psql: $1 is the company, {n} as above
	want   string // what the next answer has, and the one before had not
	member bool   // watched by somebody who has signed in, and not with a key
	houses bool   // what is changed is of no company, or of the other one, and so all hear of it
}

// everyField has an entry for every field of Query, and more.
var everyField = slices.Concat(fieldsOfStaff, fieldsOfRegistry, fieldsOfPeople, fieldsOfCare, fieldsOfRevenue, fieldsOfHealth, fieldsOfFigures, fieldsOfCohorts)

// world is a company of which there is something of everything, in the story of a test.
type world struct {
	*served.Tenant
	number string // tells its changes from those of others
	login  string // the token of its owner
}

// keysOf finds the things that entries name: what their ids are made of.
var keysOf = map[string]string{
	"tenant":       `select 'tenant:' || tenant_id from tenant where tenant_id = $1`,
	"report":       `select 'report:' || report_id from report where tenant_id = $1`,
	"share":        `select 'share:' || share_id from report_share where grantee_id = $1`,
	"role":         `select 'role:' || role_id from role where tenant_id = $1 and builtin is null`,
	"member":       `select 'member:' || login_id from member join role using (tenant_id, role_id) where tenant_id = $1 and builtin = 'OWNER'`,
	"invitation":   `select 'invitation:' || invitation_id from invitation where tenant_id = $1 and accepted_at is null`,
	"provider":     `select 'provider:' || provider_id from identity_provider where tenant_id = $1`,
	"document":     `select 'document:' || encode(hash, 'hex') from trusted_document where tenant_id = $1`,
	"part":         `select 'archivePart:' || month || '.' || part from archive_part where tenant_id = $1`,
	"eventType":    `select 'eventtype:E' where $1::uuid is not null`,
	"plan":         `select 'plan:' || max(version) from tracking_plan where tenant_id = $1`,
	"quarantined":  `select 'quarantined:' || quarantined_event_id from quarantined_event where tenant_id = $1`,
	"change":       `select 'change:' || max(schema_change_id) from schema_change where tenant_id = $1`,
	"ann":          `select 'person:' || identity_id from identity where tenant_id = $1 and distinct_id = 'ann'`,
	"account":      `select 'account:' || account_id from account where tenant_id = $1 and group_id = 'g1'`,
	"identity":     `select 'identity:' || identity_id from identity where tenant_id = $1 and distinct_id = 'dan'`,
	"merge":        `select 'merge:' || merge_id from person_merge where tenant_id = $1`,
	"erasure":      `select 'erasure:' || erasure_id from erasure where tenant_id = $1`,
	"note":         `select 'note:' || note_id from customer_note where tenant_id = $1 limit 1`,
	"ticket":       `select 'ticket:' || ticket_id from ticket where tenant_id = $1 limit 1`,
	"price":        `select 'price:' || plan_id from plan where tenant_id = $1`,
	"subscription": `select 'subscription:' || subscription_id from subscription where tenant_id = $1`,
	"invoice":      `select 'invoice:' || invoice_id from invoice where tenant_id = $1`,
	"payment":      `select 'payment:' || payment_id from payment where tenant_id = $1 limit 1`,
	"movement":     `select 'movement:' || movement_id from mrr_movement where tenant_id = $1 limit 1`,
	"rate":         `select 'rate:' || rate_id from fx_rate where tenant_id = $1`,
	"healthChange": `select 'healthchange:' || change_id from health_change where tenant_id = $1 limit 1`,
	"metric":       `select 'metric:own' where $1::uuid is not null`,
	"summary":      `select 'summary:' || summary_id from summary where tenant_id = $1 and metric = 'events' and period = 'DAY' limit 1`,
	"event":        `select 'event:' || (extract(epoch from occurred_at) * 1000000)::bigint || '.' || event_id from event where tenant_id = $1 and message_id = 'e1'`,
	"cohort":       `select 'cohort:' || min(cohort_id) from cohort where tenant_id = $1`,
	"using":        `select 'cohort:' || max(cohort_id) from cohort where tenant_id = $1`,
	"key":          `select 'key:' || api_key_id from api_key where tenant_id = $1 and kind = 'write'`,
}

// fill puts a company's number into a text.
func (w world) fill(text string) string { return strings.ReplaceAll(text, "{n}", w.number) }

// named puts the ids of a company's things into a text.
func (w world) named(t *testing.T, s story, text string) string {
	t.Helper()
	for name, query := range keysOf {
		if strings.Contains(text, "{"+name+"}") {
			var key string
			s.kit.Scan(t, query, []any{w.ID}, &key)
			text = strings.ReplaceAll(text, "{"+name+"}", base64.RawURLEncoding.EncodeToString([]byte(key)))
		}
	}
	return text
}

func (w world) watch(t *testing.T, s story, f followed) watcher {
	t.Helper()
	key := w.ManageKey
	if f.member {
		key = w.login
	}
	return watchSocket(t, s.kit, key, live(w.named(t, s, w.fill(f.watch))+" besides: tenant { called: name }"))
}

// rename gives the company a name, and waits until whoever watches has been answered again: with
// the field as it was, which nothing has changed.
func (w world) rename(t *testing.T, s story, name string, who watcher) {
	t.Helper()
	s.kit.Exec(t, `update tenant set name = $2 where tenant_id = $1`, w.ID, name)
	until(t, who, fmt.Sprintf(`"besides":{"called":%q}`, name))
}

// Whatever a field was read from, a change of it by anybody is pushed to whoever watches the
// field, and to nobody of another company.
func TestEveryFieldIsPushed(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"of who works here", pushed(fieldsOfStaff, hasStaff)},
		{"of what is sent", pushed(fieldsOfRegistry, hasRegistry)},
		{"of people and accounts", pushed(fieldsOfPeople, hasPeople)},
		{"of care", pushed(fieldsOfCare, hasPeople)},
		{"of money", pushed(fieldsOfRevenue, hasRevenue)},
		{"of health", pushed(fieldsOfHealth, hasHealth)},
		{"of figures", pushed(fieldsOfFigures, hasFigures)},
		{"of cohorts", pushed(fieldsOfCohorts, hasCohorts)},
	})
}

// pushed tells of some fields in one pair of companies, as begun has made them.
func pushed(fields []followed, begun func(t *testing.T, s story, worlds ...world)) func(t *testing.T, s story) {
	return func(t *testing.T, s story) {
		t.Parallel()
		worlds := make([]world, 2)
		for i, who := range []*served.Tenant{s.acme, s.globex} {
			owner := s.join(t, who, string(rune('a'+i))+"@owner.example", access.Owner)
			worlds[i] = world{who, string(rune('7' + i)), owner.AccessToken}
		}
		begun(t, s, worlds...)
		for _, f := range fields {
			t.Run(f.field, func(t *testing.T) { f.isPushed(t, s, worlds[0], worlds[1]) })
		}
	}
}

// isPushed watches a field in two companies, and changes what it is read from: first that of the
// one, of which the other must not hear, so that its next answer is that of its own change. Both
// have been answered again before, for another field: what was remembered of this one is worth
// nothing once it changes.
func (f followed) isPushed(t *testing.T, s story, mine, stranger world) {
	w, other := mine.watch(t, s, f), stranger.watch(t, s, f)
	for of, first := range map[*world]string{&mine: w.next(t), &stranger: other.next(t)} {
		t.Logf("at first %s", first)
		if strings.Contains(first, `"errors"`) || strings.Contains(first, of.fill(f.want)) {
			t.Fatalf("before anything changes there is %s", first)
		}
	}
	mine.rename(t, s, t.Name(), w)
	stranger.rename(t, s, t.Name(), other)
	s.kit.Exec(t, mine.fill(f.change), mine.ID)
	// Shown where the test fails: whether it is the answer that is not as wanted, or the push.
	t.Logf("then %s", s.kit.Ask(t, mine.ManageKey, "{ "+mine.named(t, s, mine.fill(f.watch))+" }", nil).Data)
	until(t, w, mine.fill(f.want))
	s.kit.Exec(t, stranger.fill(f.change), stranger.ID)
	if f.houses {
		until(t, other, stranger.fill(f.want))
		return
	}
	wantNext(t, other, stranger.fill(f.want))
}

// Whoever adds a field to Query says here what it is read from.
func TestEveryFieldSaysWhatItIsReadFrom(t *testing.T) {
	told, s := map[string]bool{}, schema(t)
	for _, f := range everyField {
		told[f.field] = true
		document, errs := gqlparser.LoadQueryWithRules(s, live(f.watch), nil)
		if errs != nil {
			t.Fatalf("%s: %v", f.field, errs)
		}
		asked := map[string]bool{}
		note(asked, document.Operations[0].SelectionSet)
		if !asked[f.field] {
			t.Errorf("%s is not among what its entry watches", f.field)
		}
	}
	for _, field := range rootFields(t) {
		if strings.HasPrefix(field, "Query.") && !told[field] {
			t.Errorf("%s: say in everyField what it is read from", field)
		}
	}
}

// ofOthers are tables that triggers write, as entries change what they tell of.
var ofOthers = map[string]string{"day_version": "event_rollup", "identity_past": "identity"}

// Whoever has another table followed says here which field tells of it.
func TestEveryFollowedTableIsReadByAField(t *testing.T) {
	tables := rows(t, owner(t, testkit.Database(t)), `select tablename::text from pg_publication_tables where pubname = 'tidemark' order by 1`)
	if len(tables) < 40 {
		t.Errorf("only %v are followed", tables)
	}
	for _, table := range tables {
		written := table
		if of := ofOthers[table]; of != "" {
			written = of
		}
		changes := regexp.MustCompile(`(update|insert into|delete from) ` + written + `\b`)
		if !slices.ContainsFunc(everyField, func(f followed) bool { return changes.MatchString(f.change) }) {
			t.Errorf("no entry of everyField changes %s", table)
		}
	}
}
