package secret

import "strings"

// Place is a column in which sealed bytes stand. It says where a rotation finds them, and,
// so that they are of no use elsewhere, under which context they are sealed.
type Place struct {
	Table  string   // in the schema public
	Column string   // of type bytea; its name begins with sealed_
	Key    []string // the columns of the table's primary key, in order: uuids and whole numbers
	Role   string   // the database role that reads and writes it over all tenants
	Prefix string   // that the context begins with, such as "totp/"; no two places have the same
}

// Context is that of the row with this key: the prefix, and the parts of the key as text with
// slashes between. A uuid's text is in small letters, as both PostgreSQL and Go write it.
func (p Place) Context(key ...string) []byte {
	if len(key) != len(p.Key) {
		panic("secret: a key of " + p.Table + " has other parts than these")
	}
	return []byte(p.Prefix + strings.Join(key, "/"))
}
