package scenario_test

// ticketOf is a ticket of somebody's or of an account's, and its number among them.
func ticketOf(number, of, which string) string {
	return `insert into ticket (tenant_id, source, external_id, ` + of + `, subject, status, opened_at, updated_at, fingerprint)
		select $1, 'psql', '` + number + `', ` + which + `, 'Ticket ` + number + `', 'OPEN', now(), now(), 1`
}

// noteAbout is a note on somebody or on an account.
func noteAbout(subject, of string) string {
	return `insert into customer_note (tenant_id, note_id, subject, subject_id, body, created_by) select $1, gen_random_uuid(), '` + subject + `', ` + of + `, 'Note {n}', ` + thisLogin
}

// lookedAfter has the owner of the company look after somebody or an account.
func lookedAfter(subject, of string) string {
	return `insert into customer_owner (tenant_id, subject, subject_id, login_id, set_by) select $1, '` + subject + `', ` + of + `, ` + thisLogin + `, gen_random_uuid()`
}

// loginNamed has the owner called something else.
func loginNamed(name string) string {
	return `update login set name = '` + name + ` {n}' where login_id = ` + thisLogin
}

// fieldsOfCare are of who looks after people and accounts, and what there was with them.
var fieldsOfCare = []followed{
	{field: "Person.owner", watch: `person(userId: "ann") { owner { id } }`, change: lookedAfter("person", anns), want: `"owner":{"id":`},
	{field: "Member.name", watch: `person(userId: "ann") { owner { name } }`, change: loginNamed("Of Ann"), want: `"Of Ann {n}"`},
	{field: "Person.notes", watch: `person(userId: "ann") { notes { nodes { text } } }`, change: noteAbout("person", anns), want: `"Note {n}"`},
	{field: "Note.author", watch: `person(userId: "ann") { notes { nodes { author { name } } } }`, change: loginNamed("Author"), want: `"Author {n}"`},
	{field: "Note.customer", watch: `person(userId: "ann") { notes { nodes { customer { ... on Person { traits } } } } }`,
		change: `update profile set traits = traits || '{"noted":{n}}' where ` + ofAnn, want: `"noted":{n}`},
	{field: "Person.tickets", watch: `person(userId: "ann") { tickets { nodes { subject } } }`, change: ticketOf("a{n}", "identity_id", anns), want: `"Ticket a{n}"`},
	{field: "Ticket.person", watch: `person(userId: "ann") { tickets { nodes { person { traits } } } }`, change: `update profile set traits = traits || '{"asked":{n}}' where ` + ofAnn, want: `"asked":{n}`},
	{field: "Person.openTickets", watch: `person(userId: "ann") { openTickets }`, change: `update ticket set status = 'SOLVED' where tenant_id = $1 and identity_id = ` + anns, want: `"openTickets":0`},
	{field: "Person.usage", watch: `person(userId: "ann") { usage(` + allOfMay + `) { types } }`, change: cameOn("21"), want: `"Came {n}"`},
	{field: "Person.timeline", watch: `person(userId: "ann") { timeline(filter: {kinds: [EVENT]}) { nodes { ... on EventEntry { event { occurredAt } } } } }`, change: cameOn("22"), want: `"2026-05-22`},
	{field: "TraitEntry.change", watch: `person(userId: "ann") { timeline(filter: {kinds: [TRAIT]}) { nodes { ... on TraitEntry { change { name } } } } }`, change: saidOf("person", anns, "line{n}"), want: `"line{n}"`},
	{field: "NoteEntry.note", watch: `person(userId: "ann") { timeline(filter: {kinds: [NOTE]}) { nodes { ... on NoteEntry { note { text } } } } }`,
		change: `update customer_note set body = 'Line {n}' where tenant_id = $1`, want: `"Line {n}"`},
	{field: "MergeEntry.merge", watch: `person(userId: "dan") { timeline(filter: {kinds: [MERGE]}) { nodes { ... on MergeEntry { merge { reason } } } } }`,
		change: `update person_merge set reason = 'Line {n}' where tenant_id = $1`, want: `"Line {n}"`},
	{field: "TicketEntry.ticket", watch: `person(userId: "ann") { timeline(filter: {kinds: [TICKET]}) { nodes { ... on TicketEntry { ticket { subject } } } } }`,
		change: `update ticket set subject = 'Line {n}' where tenant_id = $1`, want: `"Line {n}"`},

	{field: "Account.owner", watch: `account(groupId: "g1") { owner { id } }`, change: lookedAfter("account", ones), want: `"owner":{"id":`},
	{field: "Member.name", watch: `account(groupId: "g1") { owner { name } }`, change: loginNamed("Of One"), want: `"Of One {n}"`},
	{field: "Account.notes", watch: `account(groupId: "g1") { notes { nodes { text } } }`, change: noteAbout("account", ones), want: `"Note {n}"`},
	{field: "Account.tickets", watch: `account(groupId: "g1") { tickets { nodes { subject } } }`, change: ticketOf("g{n}", "account_id", ones), want: `"Ticket g{n}"`},
	{field: "Account.openTickets", watch: `account(groupId: "g1") { openTickets }`, change: `update ticket set status = 'CLOSED' where tenant_id = $1 and account_id = ` + ones, want: `"openTickets":0`},
	{field: "Account.usage", watch: `account(groupId: "g1") { usage(` + allOfMay + `) { counts } }`, change: cameOn("23"), want: `"counts":[3]`},
	{field: "Account.timeline", watch: `account(groupId: "g1") { timeline(filter: {kinds: [TRAIT]}) { nodes { ... on TraitEntry { change { name } } } } }`, change: saidOf("account", ones, "line{n}"), want: `"line{n}"`},
	{field: "EventEntry.event", watch: `account(groupId: "g1") { timeline(filter: {kinds: [EVENT]}) { nodes { ... on EventEntry { event { occurredAt } } } } }`, change: cameOn("24"), want: `"2026-05-24`},

	{field: "Query.node", watch: `node(id: "{note}") { ... on Note { author { name } } }`, change: loginNamed("Noted"), want: `"Noted {n}"`},
	{field: "Query.node", watch: `node(id: "{note}") { ... on Note { text } }`, change: `update customer_note set body = 'Node {n}' where tenant_id = $1`, want: `"Node {n}"`},
	{field: "Query.node", watch: `node(id: "{ticket}") { ... on Ticket { subject } }`, change: `update ticket set subject = 'Node {n}' where tenant_id = $1`, want: `"Node {n}"`},
}
