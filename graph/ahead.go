package graph

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/graph/scalar"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/ticket"
	"github.com/tidemarkhq/tidemark/internal/timeline"
)

// ahead looks up at once what a list of customers is about to be asked for, each field by one
// statement for all of them, or by so many as it takes for one.
type ahead struct {
	context.Context
	*loader.Loaders
	kind identity.Subject
	ids  []int64
}

// fieldOf is a field that is asked of each item of a list.
type fieldOf struct {
	first  int
	after  *string
	span   timeline.UsageAsk
	filter *timeline.Filter
	trends []int // how many days are asked for of trends right below
	// statuses are those of tickets; nil is all.
	statuses []ticket.Status
	below    map[string]bool // names of fields anywhere below
}

// lookAhead looks up what is asked of the nodes of the list at hand.
func lookAhead(ctx context.Context, typename string, kind identity.Subject, ids []int64) {
	if len(ids) == 0 {
		return
	}
	a := ahead{ctx, loader.From(ctx), kind, ids}
	var all sync.WaitGroup
	for name, asks := range nodeFields(ctx, typename) {
		look := lookups[name]
		if kind == identity.OfPerson && personLookups[name] != nil {
			look = personLookups[name]
		}
		if look == nil {
			continue
		}
		all.Go(func() {
			for _, ask := range asks {
				look(a, ask)
			}
		})
	}
	all.Wait()
}

// lookups are what accounts are asked for, and people as well unless they have their own. What a
// caller may not see is not found by the services, and asked for again in vain.
var lookups = map[string]func(a ahead, f fieldOf){
	"name":          func(a ahead, _ fieldOf) { a.AccountCalled.Ahead(a, a.ids) },
	"lastSeenAt":    func(a ahead, _ fieldOf) { a.AccountSeen.Ahead(a, a.ids) },
	"traits":        func(a ahead, _ fieldOf) { a.AccountTraits.Ahead(a, a.ids) },
	"mrr":           func(a ahead, _ fieldOf) { a.MRR.Ahead(a, a.ids) },
	"plan":          func(a ahead, _ fieldOf) { a.Plan.Ahead(a, some(a.PlanOf.Ahead(a, a.ids))) },
	"owner":         func(a ahead, _ fieldOf) { a.members(some(a.AccountOwner.Ahead(a, a.ids))) },
	"notes":         func(a ahead, f fieldOf) { pagesAhead(a, a.AccountNotes, f, parseNoteKey, a.authors) },
	"mrrMovements":  func(a ahead, f fieldOf) { pagesAhead(a, a.Movements, f, parseMovementKey, nil) },
	"invoices":      func(a ahead, f fieldOf) { pagesAhead(a, a.Invoices, f, parseNumber, nil) },
	"subscriptions": func(a ahead, f fieldOf) { pagesAhead(a, a.Subscriptions, f, parseNumber, nil) },
	"traitHistory":  func(a ahead, f fieldOf) { pagesAhead(a, a.AccountHistory, f, parseMoment, nil) },
	"health":        ahead.healths,
	"tickets":       func(a ahead, f fieldOf) { a.tickets(a.AccountTickets, f) },
	"openTickets":   func(a ahead, _ fieldOf) { a.AccountOpenTickets.Ahead(a, a.ids) },
	"timeline":      ahead.timelines,
	"usage":         ahead.usages,
}

var personLookups = map[string]func(a ahead, f fieldOf){
	"name":         func(a ahead, _ fieldOf) { a.PersonCalled.Ahead(a, a.ids) },
	"lastSeenAt":   func(a ahead, _ fieldOf) { a.PersonSeen.Ahead(a, a.ids) },
	"traits":       func(a ahead, _ fieldOf) { a.PersonTraits.Ahead(a, a.ids) },
	"userIds":      func(a ahead, _ fieldOf) { a.UserIDs.Ahead(a, a.ids) },
	"owner":        func(a ahead, _ fieldOf) { a.members(some(a.PersonOwner.Ahead(a, a.ids))) },
	"notes":        func(a ahead, f fieldOf) { pagesAhead(a, a.PersonNotes, f, parseNoteKey, a.authors) },
	"traitHistory": func(a ahead, f fieldOf) { pagesAhead(a, a.PersonHistory, f, parseMoment, nil) },
	"tickets":      func(a ahead, f fieldOf) { a.tickets(a.PersonTickets, f) },
	"openTickets":  func(a ahead, _ fieldOf) { a.PersonOpenTickets.Ahead(a, a.ids) },
}

// some are those that were found, each once.
func some[T comparable](found []*T) (keys []T) {
	once := map[T]bool{}
	for _, key := range found {
		if key != nil && !once[*key] {
			once[*key] = true
			keys = append(keys, *key)
		}
	}
	return keys
}

func (a ahead) members(logins []uuid.UUID) { a.Member.Ahead(a, logins) }

func (a ahead) authors(notes []customer.Note) {
	var logins []*uuid.UUID
	for i := range notes {
		logins = append(logins, &notes[i].By)
	}
	a.members(some(logins))
}

// pagesAhead looks up pages of a list, and then what stands on them.
func pagesAhead[A comparable, V any](a ahead, l *loader.Batched[loader.PageKey[A], customer.Page[V]], f fieldOf, parse func(string) (A, bool), then func([]V)) {
	after, err := placeOrStart(f.after, parse)
	if err != nil {
		return // whoever asks is told
	}
	keys := make([]loader.PageKey[A], len(a.ids))
	for i, id := range a.ids {
		keys[i] = loader.PageKey[A]{Of: id, First: f.first, After: after}
	}
	var items []V
	for _, page := range l.Ahead(a, keys) {
		items = append(items, page.Items...)
	}
	if then != nil && f.below["author"] {
		then(items)
	}
}

func (a ahead) healths(f fieldOf) {
	var setters []*uuid.UUID
	for _, standing := range a.Health.Ahead(a, a.ids) {
		if standing != nil && standing.Override != nil {
			setters = append(setters, &standing.Override.SetBy)
		}
	}
	if f.below["setBy"] {
		a.members(some(setters))
	}
	for _, days := range f.trends {
		keys := make([]loader.TrendKey, len(a.ids))
		for i, id := range a.ids {
			keys[i] = loader.TrendKey{Of: id, Days: days}
		}
		a.HealthTrend.Ahead(a, keys)
	}
}

func (a ahead) tickets(l *loader.Batched[loader.PageKey[ticket.Place], customer.Page[ticket.Ticket]], f fieldOf) {
	var list []ticket.Ticket
	for _, page := range l.Ahead(a, ticketKeys(a.ids, f)) {
		list = append(list, page.Items...)
	}
	a.named(list, f.below)
}

func ticketKeys(ids []int64, f fieldOf) (keys []loader.PageKey[ticket.Place]) {
	for _, id := range ids {
		key, err := ticketPage(id, f.first, f.after, f.statuses)
		if err != nil {
			return nil // whoever asks is told
		}
		keys = append(keys, key)
	}
	return keys
}

// named looks up whom tickets name.
func (a ahead) named(list []ticket.Ticket, below map[string]bool) {
	var identities, accounts []*int64
	for i := range list {
		identities, accounts = append(identities, list[i].Identity), append(accounts, list[i].Account)
	}
	if below["person"] {
		a.Person.Ahead(a, some(identities))
	}
	if below["account"] {
		a.Account.Ahead(a, some(accounts))
	}
}

func (a ahead) usages(f fieldOf) {
	keys := make([]loader.UsageKey, len(a.ids))
	for i, id := range a.ids {
		keys[i] = loader.UsageKey{Of: id, Ask: timeline.UsageAsk{Of: a.kind, First: f.first, From: f.span.From, To: f.span.To}}
	}
	a.Usage.Ahead(a, keys)
}

func (a ahead) timelines(f fieldOf) {
	after, err := placeOrStart(f.after, parseTimelineKey)
	if err != nil {
		return
	}
	keys := make([]loader.TimelineKey, len(a.ids))
	for i, id := range a.ids {
		if keys[i], err = loader.NewTimelineKey(a.kind, id, f.first, after, f.filter); err != nil {
			return
		}
	}
	a.entries(a.Timeline.Ahead(a, keys), f.below)
}

// entries looks up what the entries of timelines are of.
func (a ahead) entries(pages []*timeline.Page, below map[string]bool) {
	var events []event.Position
	numbers := map[timeline.Kind][]*int64{}
	var notes, merges []*uuid.UUID
	for _, page := range pages {
		for _, entry := range page.Entries {
			switch e := entry.(type) {
			case *timeline.EventEntry:
				events = append(events, e.Position)
			case *timeline.MRREntry:
				numbers[timeline.MRR] = append(numbers[timeline.MRR], &e.ID)
			case *timeline.SubscriptionEntry:
				numbers[timeline.Subscription] = append(numbers[timeline.Subscription], &e.ID)
			case *timeline.InvoiceEntry:
				numbers[timeline.Invoice] = append(numbers[timeline.Invoice], &e.ID)
			case *timeline.PaymentEntry:
				numbers[timeline.Payment] = append(numbers[timeline.Payment], &e.ID)
			case *timeline.HealthEntry:
				numbers[timeline.Health] = append(numbers[timeline.Health], &e.ID)
			case *timeline.TicketEntry:
				numbers[timeline.Ticket] = append(numbers[timeline.Ticket], &e.ID)
			case *timeline.NoteEntry:
				notes = append(notes, &e.ID)
			case *timeline.MergeEntry:
				merges = append(merges, &e.ID)
			}
		}
	}
	if below["event"] {
		a.Event.Ahead(a, events)
	}
	if below["movement"] {
		a.Movement.Ahead(a, some(numbers[timeline.MRR]))
	}
	if below["subscription"] {
		a.Subscription.Ahead(a, some(numbers[timeline.Subscription]))
	}
	if below["invoice"] {
		a.Invoice.Ahead(a, some(numbers[timeline.Invoice]))
	}
	if below["payment"] {
		a.Payment.Ahead(a, some(numbers[timeline.Payment]))
	}
	if below["bandChange"] {
		a.HealthChange.Ahead(a, some(numbers[timeline.Health]))
	}
	if below["ticket"] {
		var list []ticket.Ticket
		for _, t := range a.Ticket.Ahead(a, some(numbers[timeline.Ticket])) {
			if t != nil {
				list = append(list, *t)
			}
		}
		a.named(list, below)
	}
	if below["note"] {
		var written []customer.Note
		for _, note := range a.Note.Ahead(a, some(notes)) {
			if note != nil {
				written = append(written, *note)
			}
		}
		if below["author"] {
			a.authors(written)
		}
	}
	if below["merge"] {
		a.Merge.Ahead(a, some(merges))
	}
}

// nodeFields finds the fields that are asked of the nodes of the connection at hand, by name.
func nodeFields(ctx context.Context, typename string) map[string][]fieldOf {
	operation, types := graphql.GetOperationContext(ctx), []string{typename, "Node"}
	var nodes []graphql.CollectedField
	for _, field := range graphql.CollectFieldsCtx(ctx, nil) {
		switch field.Name {
		case "nodes":
			nodes = append(nodes, graphql.CollectFields(operation, field.Selections, types)...)
		case "edges":
			for _, node := range graphql.CollectFields(operation, field.Selections, nil) {
				if node.Name == "node" {
					nodes = append(nodes, graphql.CollectFields(operation, node.Selections, types)...)
				}
			}
		}
	}
	found := map[string][]fieldOf{}
	for _, node := range nodes {
		name := node.Name
		if name == "email" || name == "domain" { // which come with the name
			name = "name"
		}
		if name != "name" || found[name] == nil {
			found[name] = append(found[name], readField(operation, node))
		}
	}
	return found
}

func readField(operation *graphql.OperationContext, field graphql.CollectedField) (f fieldOf) {
	arguments := field.ArgumentMap(operation.Variables)
	f.below = map[string]bool{}
	namesBelow(operation, field, f.below)
	f.first, _ = scalar.UnmarshalInt(arguments["first"])
	if after, given := arguments["after"].(string); given {
		f.after = &after
	}
	if span, given := arguments["range"].(map[string]any); given {
		if from, err := scalar.UnmarshalDateTime(span["from"]); err == nil {
			f.span.From = from.UTC()
		}
		if to, err := scalar.UnmarshalDateTime(span["to"]); err == nil {
			f.span.To = to.UTC()
		}
	}
	if filter, given := arguments["filter"].(map[string]any); given {
		f.filter = readFilter(filter)
	}
	for _, below := range graphql.CollectFields(operation, field.Selections, nil) {
		if below.Name == "trend" {
			days, _ := scalar.UnmarshalInt(below.ArgumentMap(operation.Variables)["days"])
			f.trends = append(f.trends, days)
		}
	}
	if list, given := arguments["statuses"].([]any); given {
		f.statuses = []ticket.Status{}
		for _, status := range list {
			text, _ := status.(string)
			f.statuses = append(f.statuses, ticket.Status(text))
		}
	}
	return f
}

func readFilter(given map[string]any) *timeline.Filter {
	f := &timeline.Filter{}
	if list, ok := given["kinds"].([]any); ok {
		f.Kinds = []timeline.Kind{}
		for _, kind := range list {
			text, _ := kind.(string)
			f.Kinds = append(f.Kinds, timeline.Kind(text))
		}
	}
	if list, ok := given["types"].([]any); ok {
		f.Types = []string{}
		for _, t := range list {
			text, _ := t.(string)
			f.Types = append(f.Types, text)
		}
	}
	if from, err := scalar.UnmarshalDateTime(given["from"]); err == nil {
		f.From = &from
	}
	if to, err := scalar.UnmarshalDateTime(given["to"]); err == nil {
		f.To = &to
	}
	return f
}

// namesBelow gathers the names of all fields below one.
func namesBelow(operation *graphql.OperationContext, field graphql.CollectedField, names map[string]bool) {
	for _, below := range graphql.CollectFields(operation, field.Selections, slices.Collect(maps.Keys(entryTypes))) {
		names[below.Name] = true
		namesBelow(operation, below, names)
	}
}

// entryTypes are the types that fragments below the fields of a customer may be on.
var entryTypes = map[string]bool{
	"TimelineEntry": true, "EventEntry": true, "TraitEntry": true, "MrrEntry": true, "SubscriptionEntry": true,
	"InvoiceEntry": true, "PaymentEntry": true, "NoteEntry": true, "MergeEntry": true, "HealthEntry": true, "Note": true, "TicketEntry": true, "Ticket": true,
}
