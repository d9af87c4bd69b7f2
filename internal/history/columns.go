package history

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// nobody is the index of no identity, and of no account.
const nobody = 0

// Columns are all events of a tenant. A row is an event and keeps its number; rows are sorted by
// person and time when they are loaded, and what comes later is put at the end, with lists of
// rows for the units that it changes.
type Columns struct {
	at       []int64  // microseconds of the Unix epoch
	ids      []int64  // the events' numbers, which rise as they arrive
	types    []uint16 // codes
	identity []uint32 // indexes of whose event it is; nobody: no person's
	account  []uint32 // indexes of the account; nobody: no account's

	typeNames []string
	typeCodes map[string]uint16

	identities index
	personOf   []int64 // by the index of an identity; 0: gone
	accounts   index

	byPerson  *arrangement
	byAccount *arrangement
	values    map[Source]*Values
	valueUses int

	head head
}

// head is up to where the columns know everything.
type head struct {
	id        int64                   // the last event
	at        time.Time               // of the transaction that was followed last
	day       int64                   // the revision of what is counted by days
	dropped   int64                   // until when events are in the archive alone, in microseconds
	forgotten int64                   // how many people were
	days      map[calendar.Date]int64 // the version of each
}

// index numbers things from 1 on, in the order in which they come.
type index struct {
	ids []int64
	of  map[int64]uint32
}

func newIndex() index { return index{ids: []int64{0}, of: map[int64]uint32{}} }

func (x *index) add(id int64) uint32 {
	if at, ok := x.of[id]; ok {
		return at
	}
	at := uint32(len(x.ids)) //nolint:gosec // bounded by the rows
	x.ids, x.of[id] = append(x.ids, id), at
	return at
}

func newColumns() *Columns {
	return &Columns{
		typeCodes: map[string]uint16{}, identities: newIndex(), accounts: newIndex(), personOf: []int64{0},
		values: map[Source]*Values{}, head: head{days: map[calendar.Date]int64{}},
	}
}

// maxTypes is how many types have a code of their own; the registry knows fewer.
const maxTypes = 1 << 16

// TypeCode gives the code of a type; false: nobody ever did that.
func (c *Columns) TypeCode(name string) (uint16, bool) {
	code, ok := c.typeCodes[name]
	return code, ok
}

// TypeNames lists the types by code.
func (c *Columns) TypeNames() []string { return c.typeNames }

// Rows is how many events there are.
func (c *Columns) Rows() int { return len(c.at) }

// ID is the number of a row's event.
func (c *Columns) ID(row uint32) int64 { return c.ids[row] }

// AccountOf is the account on whose behalf a row's event was done; 0: none.
func (c *Columns) AccountOf(row uint32) int64 { return c.accounts.ids[c.account[row]] }

// entry is an event as it is read.
type entry struct {
	id, at                    int64
	kind                      []byte
	identity, person, account int64 // 0: none
}

// add puts an event at the end; which unit it belongs to is said elsewhere.
func (c *Columns) add(e entry) uint32 {
	code, ok := c.typeCodes[string(e.kind)]
	if !ok {
		code = uint16(min(len(c.typeNames), maxTypes-1)) //nolint:gosec // bounded
		c.typeCodes[string(e.kind)] = code
		if len(c.typeNames) < maxTypes {
			c.typeNames = append(c.typeNames, string(e.kind))
		}
	}
	who, account := uint32(nobody), uint32(nobody)
	if e.person != 0 {
		who = c.know(e.identity, e.person)
	}
	if e.account != 0 {
		account = c.accounts.add(e.account)
	}
	c.at, c.ids, c.types = append(c.at, e.at), append(c.ids, e.id), append(c.types, code)
	c.identity, c.account = append(c.identity, who), append(c.account, account)
	c.head.id = max(c.head.id, e.id)
	return uint32(len(c.at) - 1) //nolint:gosec // bounded by maxRows
}

// know finds or adds an identity. Whose one is that was known stays, until it moves.
func (c *Columns) know(identity, person int64) uint32 {
	who := c.identities.add(identity)
	if int(who) == len(c.personOf) {
		c.personOf = append(c.personOf, person)
	}
	return who
}

// before orders rows by instant and arrival.
func (c *Columns) before(a, b uint32) int {
	return cmp.Or(cmp.Compare(c.at[a], c.at[b]), cmp.Compare(c.ids[a], c.ids[b]))
}

// sort puts all rows in the order of person and time.
func (c *Columns) sort() {
	persons := newIndex()
	personAt := make([]uint32, len(c.personOf)) // by identity
	for who, person := range c.personOf {
		if person != 0 {
			personAt[who] = persons.add(person)
		}
	}
	order, starts := group(c.identity, personAt, len(persons.ids))
	for p := range persons.ids {
		slices.SortFunc(order[starts[p]:starts[p+1]], c.before)
	}
	c.at, c.ids, c.types = pick(c.at, order), pick(c.ids, order), pick(c.types, order)
	c.identity, c.account = pick(c.identity, order), pick(c.account, order)
	for _, v := range c.values {
		v.resort(order)
	}
	// Rows of nobody come first, and belong to no unit.
	c.byPerson = &arrangement{units: persons.ids[1:], at: shift(persons.of), starts: starts[1:], changed: map[int][]uint32{}}
	c.byAccount = nil
}

// group puts rows side by side whose keys lead to the same of so many groups, in their order.
func group(keys, groupOf []uint32, groups int) (order, starts []uint32) {
	starts = make([]uint32, groups+1)
	for _, k := range keys {
		starts[groupOf[k]+1]++
	}
	for g := range groups {
		starts[g+1] += starts[g]
	}
	next := slices.Clone(starts[:groups])
	order = make([]uint32, len(keys))
	for row, k := range keys {
		g := groupOf[k]
		order[next[g]] = uint32(row) //nolint:gosec // bounded by maxRows
		next[g]++
	}
	return order, starts
}

func pick[T any](from []T, order []uint32) []T {
	to := make([]T, len(order))
	for i, row := range order {
		to[i] = from[row]
	}
	return to
}

// shift numbers from 0 on what an index numbers from 1.
func shift(of map[int64]uint32) map[int64]int {
	from := make(map[int64]int, len(of))
	for id, at := range of {
		from[id] = int(at) - 1
	}
	return from
}

// AccountAt is the index of a row's account, by which what is known of accounts is kept; 0: none.
func (c *Columns) AccountAt(row uint32) uint32 { return c.account[row] }

// IdentityAt is the index of whose a row's event is; 0: nobody's.
func (c *Columns) IdentityAt(row uint32) uint32 { return c.identity[row] }

// TypeAt is the code of a row's type.
func (c *Columns) TypeAt(row uint32) uint16 { return c.types[row] }

// Accounts lists the accounts by index; the first is none.
func (c *Columns) Accounts() []int64 { return c.accounts.ids }

// Persons lists by the index of each identity whose it is; 0: nobody's.
func (c *Columns) Persons() []int64 { return c.personOf }
