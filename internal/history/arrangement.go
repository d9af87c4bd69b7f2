package history

import "slices"

// arrangement says which rows are a unit's, in order: a stretch of all, or a list of its own
// once something came that was not there when the rows were sorted.
type arrangement struct {
	units   []int64
	at      map[int64]int // the place of a unit
	starts  []uint32      // where the stretches of the first units begin, and where the last ends
	order   []uint32      // the rows that stretches are of; nil: the rows as they are
	changed map[int][]uint32
	loose   int // rows in lists
}

// rowsOf gives the rows of a unit: a list, or so many from the first on.
func (a *arrangement) rowsOf(unit int) (rows []uint32, first, n uint32) {
	if rows, ok := a.changed[unit]; ok {
		return rows, 0, 0
	}
	if unit >= len(a.starts)-1 {
		return []uint32{}, 0, 0
	}
	from, to := a.starts[unit], a.starts[unit+1]
	if a.order != nil {
		return a.order[from:to:to], 0, 0
	}
	return nil, from, to - from
}

// listOf gives the rows of a unit as a list that may be changed.
func (a *arrangement) listOf(unit int) []uint32 {
	if rows, ok := a.changed[unit]; ok {
		return rows
	}
	rows, first, n := a.rowsOf(unit)
	if rows != nil {
		return slices.Clone(rows)
	}
	rows = make([]uint32, n, n+4)
	for i := range rows {
		rows[i] = first + uint32(i) //nolint:gosec // rows are counted in uint32
	}
	return rows
}

func (a *arrangement) set(unit int, rows []uint32) {
	a.loose += len(rows) - len(a.changed[unit])
	a.changed[unit] = rows
}

// place finds or adds a unit.
func (a *arrangement) place(id int64) int {
	at, ok := a.at[id]
	if !ok {
		at = len(a.units)
		a.at[id], a.units = at, append(a.units, id)
		a.changed[at] = nil
	}
	return at
}

// insert adds rows to a unit, which keeps its order.
func (c *Columns) insert(a *arrangement, id int64, rows []uint32) {
	unit := a.place(id)
	list := a.listOf(unit)
	sorted := len(list) == 0 || c.before(list[len(list)-1], rows[0]) < 0
	list = append(list, rows...)
	if !sorted || !slices.IsSortedFunc(list[len(list)-len(rows):], c.before) {
		slices.SortFunc(list, c.before)
	}
	a.set(unit, list)
}

// arranged gives the arrangement of a unit, which for accounts is made when first asked for.
func (c *Columns) arranged(unit Unit) *arrangement {
	if unit == Persons {
		return c.byPerson
	}
	return c.byAccount
}

// arrangeAccounts puts the rows in the order of account and time.
func (c *Columns) arrangeAccounts() {
	same := make([]uint32, len(c.accounts.ids))
	for i := range same {
		same[i] = uint32(i) //nolint:gosec // bounded by the rows
	}
	order, starts := group(c.account, same, len(same))
	for i := range same {
		slices.SortFunc(order[starts[i]:starts[i+1]], c.before)
	}
	c.byAccount = &arrangement{
		units: slices.Clone(c.accounts.ids[1:]), at: shift(c.accounts.of), starts: starts[1:], order: order, changed: map[int][]uint32{},
	}
}

// move gives identities to the persons whose they are now; to 0 those that are gone.
func (c *Columns) move(persons map[int64]int64) {
	for identity, person := range persons {
		who, ok := c.identities.of[identity]
		if !ok || c.personOf[who] == person {
			continue
		}
		rows := c.takeFrom(c.personOf[who], who)
		c.personOf[who] = person
		switch {
		case person != 0 && len(rows) > 0:
			c.insert(c.byPerson, person, rows)
		case person == 0:
			c.forget(rows)
		}
	}
}

// takeFrom takes the rows of an identity from a person's.
func (c *Columns) takeFrom(person int64, who uint32) (taken []uint32) {
	unit, ok := c.byPerson.at[person]
	if !ok {
		return nil
	}
	left := slices.DeleteFunc(c.byPerson.listOf(unit), func(row uint32) bool {
		if c.identity[row] == who {
			taken = append(taken, row)
			return true
		}
		return false
	})
	c.byPerson.set(unit, left)
	return taken
}

// forget takes rows out that are not to be known any more. They stay where they are, as
// nobody's, until the rows are sorted again.
func (c *Columns) forget(rows []uint32) {
	of := map[int64][]uint32{}
	clear(c.values) // which may speak of them
	for _, row := range rows {
		if account := c.AccountOf(row); account != 0 {
			of[account] = append(of[account], row)
		}
		c.identity[row], c.account[row] = nobody, nobody
	}
	if c.byAccount == nil {
		return
	}
	for account, gone := range of {
		unit := c.byAccount.at[account]
		left := slices.DeleteFunc(c.byAccount.listOf(unit), func(row uint32) bool { return slices.Contains(gone, row) })
		c.byAccount.set(unit, left)
	}
}
