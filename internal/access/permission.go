package access

import (
	"slices"
	"strconv"
)

// Permission is one thing that a caller may do.
type Permission string

// The permissions, as in the schema's enum Permission.
const (
	Ingest          Permission = "INGEST"           // send events
	ReadMetrics     Permission = "READ_METRICS"     // read metrics and reports, and subscribe to them
	Read            Permission = "READ"             // read events, people and accounts
	ReadPII         Permission = "READ_PII"         // see who the tenant's users are, and what they sent
	ReadRevenue     Permission = "READ_REVENUE"     // see money
	ReadSchema      Permission = "READ_SCHEMA"      // see the registry of events, and plans for them
	EditReports     Permission = "EDIT_REPORTS"     // make and change reports
	ShareReports    Permission = "SHARE_REPORTS"    // let other tenants see a report
	EditCustomers   Permission = "EDIT_CUSTOMERS"   // note things of people and accounts, and say who looks after them
	ManageData      Permission = "MANAGE_DATA"      // plan, correct and erase data
	ManageTenant    Permission = "MANAGE_TENANT"    // change the tenant's settings and limits
	ManageMembers   Permission = "MANAGE_MEMBERS"   // invite and remove people, and say what they may do
	ManageKeys      Permission = "MANAGE_KEYS"      // make and end keys
	ManageDocuments Permission = "MANAGE_DOCUMENTS" // register trusted documents
	ReadAudit       Permission = "READ_AUDIT"       // read who did what
	Impersonate     Permission = "IMPERSONATE"      // look at the tenant as another member sees it
)

// permissions are all of them: the place of each is its bit in a set.
var permissions = []Permission{
	Ingest, ReadMetrics, Read, ReadPII, ReadRevenue, ReadSchema, EditReports, ShareReports, EditCustomers, ManageData,
	ManageTenant, ManageMembers, ManageKeys, ManageDocuments, ReadAudit, Impersonate,
}

// AllPermissions lists every permission.
func AllPermissions() []Permission { return slices.Clone(permissions) }

var bits = func() map[Permission]Permissions {
	m := map[Permission]Permissions{}
	for i, p := range permissions {
		m[p] = 1 << i
	}
	return m
}()

// Permissions is a set of permissions. Asking it costs a machine instruction, so that it can
// stand before every field.
type Permissions uint32

// Of makes a set. What is not a permission is left out.
func Of(list ...Permission) (set Permissions) {
	for _, p := range list {
		set |= bits[p]
	}
	return set
}

// Has reports whether a permission is in the set.
func (s Permissions) Has(p Permission) bool {
	bit := bits[p]
	return bit != 0 && s&bit != 0
}

// Contains reports whether all of another set are in the set.
func (s Permissions) Contains(other Permissions) bool { return s&other == other }

// List gives the set's permissions in the order of the schema's enum.
func (s Permissions) List() []Permission {
	list := []Permission{}
	for _, p := range permissions {
		if s.Has(p) {
			list = append(list, p)
		}
	}
	return list
}

// names are those of the list, as they are stored.
func (s Permissions) names() []string {
	var names []string
	for _, p := range s.List() {
		names = append(names, string(p))
	}
	return names
}

// String names the set, for keys and logs.
func (s Permissions) String() string { return strconv.FormatUint(uint64(s), 16) }

// Known reports whether this is the name of a permission.
func (p Permission) Known() bool { return bits[p] != 0 }

// Builtin is a role that every tenant has.
type Builtin string

// The roles that every tenant has, as in the schema's enum BuiltinRole.
const (
	Owner   Builtin = "OWNER"
	Admin   Builtin = "ADMIN"
	Analyst Builtin = "ANALYST"
	Viewer  Builtin = "VIEWER"
)

// everything that a person may do; events are sent with keys.
var everything = Of(permissions...) &^ Of(Ingest)

// ofBuiltin says what the roles that every tenant has may do.
var ofBuiltin = map[Builtin]Permissions{
	Owner:   everything,
	Admin:   everything &^ Of(Impersonate),
	Analyst: Of(ReadMetrics, Read, ReadRevenue, ReadSchema, EditReports),
	Viewer:  Of(ReadMetrics, Read),
}

// Permissions says what a builtin role may do.
func (b Builtin) Permissions() Permissions { return ofBuiltin[b] }

// ofKind says what the kinds of keys may do.
var ofKind = map[Kind]Permissions{
	WriteKey:   Of(Ingest),
	ReadKey:    Of(ReadMetrics, Read, ReadPII, ReadRevenue, ReadSchema),
	ManageKey:  everything &^ Of(Impersonate),
	PublishKey: Of(Ingest),
	EmbedKey:   Of(ReadMetrics),
}

// Permissions says what a key of this kind may do, unless it was made with less. Of an embed
// key it is what the bearers of its tokens may.
func (k Kind) Permissions() Permissions { return ofKind[k] }

// Implied adds what a set means besides: whoever reads events reads metrics of them.
func (s Permissions) Implied() Permissions {
	if s.Has(Read) {
		s |= Of(ReadMetrics)
	}
	return s
}
