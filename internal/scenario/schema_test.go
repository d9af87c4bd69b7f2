package scenario_test

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tidemarkhq/tidemark/graph"
	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/document"
	domain "github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/journey"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/registry"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/summary"
	"github.com/tidemarkhq/tidemark/internal/ticket"
	"github.com/tidemarkhq/tidemark/internal/timeline"
)

func schema(t *testing.T) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema", Input: graph.SDL()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ours lists the types that the schema itself defines.
func ours(t *testing.T) (types []*ast.Definition) {
	t.Helper()
	for _, definition := range schema(t).Types {
		if !definition.BuiltIn {
			types = append(types, definition)
		}
	}
	return types
}

// public lists the fields that anybody may ask for, known or not, with the reason.
var public = map[string]string{
	"PageInfo.hasNextPage":     "it says where a page lies in a list, and the list is guarded",
	"PageInfo.hasPreviousPage": "as above",
	"PageInfo.startCursor":     "as above",
	"PageInfo.endCursor":       "as above",

	"Mutation.signIn":               "whoever signs in is not known yet; attempts are counted",
	"Mutation.verifySecondFactor":   "as above, by a challenge and a code",
	"Mutation.refreshSession":       "the token says who it is, and is good once",
	"Mutation.exchangeSignInCode":   "as above, by a code of a provider of identities",
	"Mutation.acceptInvitation":     "whoever is invited has no account yet; the token says who it is",
	"Mutation.requestPasswordReset": "whoever has forgotten their password can't sign in; the answer tells nothing",
	"Mutation.resetPassword":        "as above; the token of the mail says who it is",
	"SignIn.state":                  "it is what a sign-in has come to, and given to whoever has just proved who they are",
	"SignIn.tenantId":               "as above",
	"SignIn.accessToken":            "as above",
	"SignIn.accessTokenExpiresAt":   "as above",
	"SignIn.refreshToken":           "as above",
	"SignIn.refreshTokenExpiresAt":  "as above",
	"SignIn.challenge":              "as above",
	"SignIn.challengeExpiresAt":     "as above",
}

// Whoever adds a field says who may ask for it: at the field or for all of its type.
func TestEveryFieldSaysWhoMayAsk(t *testing.T) {
	s := schema(t)
	for _, definition := range ours(t) {
		if definition.Kind != ast.Object {
			continue
		}
		for _, field := range definition.Fields {
			if field.Name[0] == '_' { // introspection
				continue
			}
			name := definition.Name + "." + field.Name
			guarded := definition.Directives.ForName("can") != nil || field.Directives.ForName("can") != nil || field.Directives.ForName("sensitive") != nil
			if open := field.Directives.ForName("public") != nil; open || !guarded {
				if public[name] == "" || guarded && !open {
					t.Errorf("%s: it has either @can, @sensitive or a reason to be public", name)
				}
			}
			if field.Directives.ForName("sensitive") != nil && field.Type.NonNull {
				t.Errorf("%s: what may be hidden may be null", name)
			}
			if root := definition == s.Query || definition == s.Mutation || definition == s.Subscription; root && definition.Directives.ForName("can") != nil {
				t.Errorf("%s: each root field says it for itself", definition.Name)
			}
		}
	}
}

// The schema is what most people read of us: all of it is described.
func TestEverythingIsDescribed(t *testing.T) {
	want := func(name, description string) {
		t.Helper()
		if len(description) < 5 {
			t.Errorf("%s has no description", name)
		}
	}
	for _, definition := range ours(t) {
		want(definition.Name, definition.Description)
		for _, field := range definition.Fields {
			if field.Name[0] == '_' {
				continue
			}
			want(definition.Name+"."+field.Name, field.Description)
			for _, argument := range field.Arguments {
				want(definition.Name+"."+field.Name+"("+argument.Name+")", argument.Description)
			}
		}
		for _, value := range definition.EnumValues {
			want(definition.Name+"."+value.Name, value.Description)
		}
	}
	for _, name := range []string{"can", "sensitive", "personal", "public", "cost", "page", "once"} {
		want("@"+name, schema(t).Directives[name].Description)
	}
}

// An enum's values are those of the type in Go that stands for it.
func TestEnumsAreThoseOfGo(t *testing.T) {
	text := func(values ...string) []string { return values }
	inGo := map[string][]string{
		"AuditActorKind":   text(string(audit.Member), string(audit.Key), string(audit.Operator), string(audit.System), string(audit.Nobody)),
		"APIKeyKind":       text("WRITE", "READ", "MANAGE", "PUBLISH", "EMBED"),
		"BuiltinRole":      text(string(access.Owner), string(access.Admin), string(access.Analyst), string(access.Viewer)),
		"SignInState":      text(string(model.SignInStateSignedIn), string(model.SignInStateSecondFactorNeeded)),
		"FieldGroup":       text("PII", "REVENUE"),
		"IdentityKind":     text(string(customer.User), string(customer.Device)),
		"MetricUnit":       texts(metric.AllUnits()),
		"Aggregation":      texts(metric.AllAggregations()),
		"ReadingReason":    texts(metric.AllReasons()),
		"MetricDirection":  texts(metric.AllDirections()),
		"DimensionKind":    texts(metric.AllDimensionKinds()),
		"FilterOperator":   texts(metric.AllOperators()),
		"ComparisonKind":   texts(metric.AllComparisonKinds()),
		"MetricEntityKind": texts(metric.AllEntityKinds()),
		"FigureSource":     texts((metric.Materialized | metric.Open | metric.Raw).Names()),
		"ChurnRule":        text(string(revenue.AtPeriodEnd), string(revenue.AtCancellation)),
		"BillingInterval":  text(string(revenue.Day), string(revenue.Week), string(revenue.Month), string(revenue.Year)),
		"SubscriptionStatus": text(string(revenue.Trialing), string(revenue.Active), string(revenue.PastDue),
			string(revenue.Paused), string(revenue.Canceled)),
		"InvoiceStatus": text(string(revenue.Draft), string(revenue.Unpaid), string(revenue.Paid),
			string(revenue.Void), string(revenue.Uncollectible)),
		"InvoiceLineKind": text(string(revenue.Recurring), string(revenue.OneOff)),
		"PaymentStatus":   text(string(revenue.Pending), string(revenue.Succeeded), string(revenue.Failed)),
		"PaymentKind":     text(string(revenue.ChargeKind), string(revenue.RefundKind), string(revenue.CreditKind)),
		"RevenueItemKind": text(string(revenue.PlanKind), string(revenue.SubscriptionKind), string(revenue.InvoiceKind),
			string(revenue.ChargeKind), string(revenue.RefundKind), string(revenue.CreditKind), string(revenue.RateKind)),
		"MrrMovementKind": text(string(revenue.New), string(revenue.Expansion), string(revenue.Contraction),
			string(revenue.Churn), string(revenue.Reactivation)),
		"VerdictStatus": text(string(domain.Accepted), string(domain.Duplicate), string(domain.Conflict),
			string(domain.Rejected), string(domain.Quarantined), string(domain.Queued)),
		"ArchiveState": text(string(model.ArchiveStateExporting), string(model.ArchiveStateVerified),
			string(model.ArchiveStateDropped), string(model.ArchiveStateRestored)),
		"Interval": text(string(calendar.Hour), string(calendar.Day), string(calendar.Week),
			string(calendar.Month), string(calendar.Quarter), string(calendar.Year)),
		"PropertyKind": text(string(registry.Text), string(registry.Number), string(registry.Boolean),
			string(registry.Object), string(registry.List), string(registry.Null)),
		"SchemaChangeKind": text(string(registry.NewEventType), string(registry.NewProperty), string(registry.TypeChanged)),
		"PlanAction":       text(string(registry.Allow), string(registry.Report), string(registry.Quarantine), string(registry.Reject)),
		"PlanRule": text(string(registry.UnknownType), string(registry.MissingProperty), string(registry.UnknownProperty),
			string(registry.WrongKind), string(registry.NotAllowed), string(registry.NoMatch)),
	}
	inGo["JourneyUnit"], inGo["RetentionMode"] = texts(journey.AllUnits()), texts(journey.AllModes())
	inGo["RetentionStart"], inGo["RetentionReturn"] = texts(journey.AllStarts()), texts(journey.AllReturns())
	inGo["RetentionWeight"] = texts(journey.AllWeights())
	inGo["PathDirection"] = texts(journey.AllDirections())
	inGo["FunnelOrder"], inGo["FunnelTouch"] = texts(journey.AllOrders()), texts(journey.AllTouches())
	inGo["CustomerOrder"] = text(string(customer.ByRelevance), string(customer.ByName), string(customer.ByFirstSeen), string(customer.ByLastSeen), string(customer.ByMRR), string(customer.ByHealth))
	inGo["SortDirection"] = text(string(customer.Ascending), string(customer.Descending))
	inGo["TicketStatus"] = texts(ticket.AllStatuses())
	inGo["TicketPriority"] = text(string(ticket.Low), string(ticket.Normal), string(ticket.High), string(ticket.Urgent))
	inGo["TicketRating"], inGo["TicketMoment"] = text(string(ticket.Good), string(ticket.Bad)), text(string(ticket.WasOpened), string(ticket.WasSolved))
	inGo["TimelineKind"] = texts(timeline.AllKinds())
	inGo["HealthBand"], inGo["HealthInputKind"] = texts(health.AllBands()), texts(health.AllKinds())
	inGo["HealthInputState"], inGo["HealthCalculationState"] = texts(health.AllUses()), texts(health.AllStates())
	inGo["HealthCause"] = texts(health.AllCauses())
	inGo["CohortKind"], inGo["CohortTimes"] = texts(cohort.AllKinds()), texts(cohort.AllTimes())
	inGo["CohortEvaluationState"], inGo["CohortEvaluationReason"] = texts(cohort.AllStates()), texts(cohort.AllReasons())
	inGo["SummaryPeriod"] = text(string(summary.Day), string(summary.Week), string(summary.Month))
	inGo["RestatementCause"] = text(string(summary.LateEvents), string(summary.Identity), string(summary.Erasure),
		string(summary.Redefined), string(summary.Revenue), string(summary.OtherData))
	inGo["RefreshState"] = text(string(dbsqlc.RefreshStateRUNNING), string(dbsqlc.RefreshStateDONE), string(dbsqlc.RefreshStateFAILED))
	inGo["RefreshReason"] = text(string(dbsqlc.RefreshReasonNEEDED), string(dbsqlc.RefreshReasonSCHEDULED), string(dbsqlc.RefreshReasonFILLED))
	inGo["DocumentMode"] = text(string(document.Open), string(document.TrustedOnly))
	inGo["DocumentStatus"] = text(string(document.Registered), string(document.Known), string(document.Refused))
	for _, action := range audit.AllActions() {
		inGo["AuditAction"] = append(inGo["AuditAction"], string(action))
	}
	for _, permission := range access.AllPermissions() {
		inGo["Permission"] = append(inGo["Permission"], string(permission))
	}
	for _, day := range model.AllWeekday {
		inGo["Weekday"] = append(inGo["Weekday"], string(day))
	}
	for _, definition := range ours(t) {
		if definition.Kind != ast.Enum {
			continue
		}
		var values []string
		for _, v := range definition.EnumValues {
			values = append(values, v.Name)
			if definition.Name == "Interval" && !calendar.Interval(v.Name).Valid() {
				t.Errorf("the calendar has no interval %s", v.Name)
			}
		}
		wantEqual(t, definition.Name, values, inGo[definition.Name])
	}
}

func texts[S ~string](list []S) (made []string) {
	for _, s := range list {
		made = append(made, string(s))
	}
	return made
}

// Every field that an answer can have is asked for by some story, and checked there.
func TestEveryFieldIsAsked(t *testing.T) {
	s, seen := schema(t), map[string]bool{}
	for _, document := range []string{
		everything, allOfMetrics, send, pageOfEvents, nodes, live(`tenant { name }`), asLive, pageOfMetrics, comparedFigures, listedEntities, retentionOfMay, funnelOfMay, lifecycleOfMay, pathsOfMay, peopleOfRows, revisionQuery,
		listAccounts, listPeople, allOfCare, addNoteIt, changeNote, removeNote, setOwnerIt, allOfTimelines, allOfUsage, allOfAccounts, recordThem, allOfTickets,
		allOfPerson, allOfAccount, allMerges, eventsPeople, mergeThem, undoIt, detachIt, reattachIt, eraseIt,
		allOfSummaries, allOfRestatements, allOfViews, pageOfParts, archivedFigures, setRetention, limitsSet, pageOfLog,
		pageOfParts, recordIt, allOfRevenue, revenueOfAccount, oneSubscription, setRule, archivedFigures, setRetention, limitsSet, pageOfLog,
		documentsStory, registerThem, retireIt, takeTrusted,
		createMetricIt, updateMetricIt, removeMetricIt, previewIt, oneMetric,
		setModelIt, previewHealth, overrideIt, endOverrideIt, allOfHealth,
		createCohortIt, changeCohortIt, deleteCohortIt, evaluateIt, allOfACohort, allCohorts, previewCohortIt, byCohort,
		saveIt, dropIt, oneReport, share, unshare, listReports, listShared, oneShared,
		allOfKeys, makeKey, rotateIt, revokeIt, changeTenant,
		signIn, refreshIt, acceptIt, verifyIt, exchangeIt, switchIt, impersonateIt, requestReset, resetIt, changeIt, signOut, endIt, endOthers,
		streamOf(""), enrollIt, confirmIt, renewIt, removeIt, viewerIt, membersIt, invitationsIt, rolesIt, providersIt, inviteIt, uninviteIt, changeRoleIt,
		removeMemberIt, createRoleIt, updateRoleIt, removeRoleIt, requireFactor, createProviderIt, removeProviderIt,
		registryStory, planStory, planSaved, planPreviewed, findingsStory, quarantineReleased, quarantineDiscarded, sendWarned, samplesForgotten} {
		query, errs := gqlparser.LoadQueryWithRules(s, document, nil)
		if errs != nil {
			t.Fatal(errs)
		}
		for _, operation := range query.Operations {
			note(seen, operation.SelectionSet)
		}
	}
	for _, definition := range ours(t) {
		if definition.Kind != ast.Object {
			continue
		}
		for _, field := range definition.Fields {
			if name := definition.Name + "." + field.Name; field.Name[0] != '_' && !seen[name] {
				t.Errorf("no story asks for %s", name)
			}
		}
	}
}

func note(seen map[string]bool, selections ast.SelectionSet) {
	for _, selection := range selections {
		switch s := selection.(type) {
		case *ast.Field:
			seen[s.ObjectDefinition.Name+"."+s.Name] = true
			note(seen, s.SelectionSet)
		case *ast.InlineFragment:
			note(seen, s.SelectionSet)
		case *ast.FragmentSpread:
			note(seen, s.Definition.SelectionSet)
		}
	}
}

// Each value of each enum is taken and given.
func TestEnumsTravel(t *testing.T) {
	s := begin(t)
	for _, interval := range []string{"HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"} {
		var answer struct {
			Events struct{ Timeline struct{ Interval string } }
			Metric struct{ Series struct{ Interval string } }
		}
		s.acme.Query(t, `query ($i: Interval!) { events(range: {last: {count: 2, interval: `+interval+`}}) { timeline(interval: $i) { interval } }
			metric(key: "events") { series(range: {last: {count: 2, interval: $i}}, interval: `+interval+`) { interval } } }`, map[string]any{"i": interval}, &answer)
		wantEqual(t, "interval", []string{answer.Events.Timeline.Interval, answer.Metric.Series.Interval}, []string{interval, interval})
	}
	for i, day := range []string{"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"} {
		s.kit.Exec(t, `update tenant set week_start = $1 where tenant_id = $2`, i, s.acme.ID)
		var answer struct {
			Tenant      struct{ WeekStart string }
			Mine, Named struct{ Timeline struct{ At []string } }
		}
		const may = `range: {from: "2026-05-10T00:00:00Z", to: "2026-05-17T00:00:00Z"}, zone: "UTC"`
		s.acme.Query(t, `query ($day: Weekday!) { tenant { weekStart } mine: events(`+may+`) { timeline(interval: WEEK) { at } }
			named: events(`+may+`) { timeline(interval: WEEK, weekStart: $day) { at } } }`, map[string]any{"day": day}, &answer)
		wantEqual(t, "weekStart", answer.Tenant.WeekStart, day)
		wantEqual(t, day+" by default", answer.Mine.Timeline.At, answer.Named.Timeline.At)
		last := answer.Named.Timeline.At[len(answer.Named.Timeline.At)-1]
		wantEqual(t, day, int(at(t, last).Weekday()), i)
	}
}
