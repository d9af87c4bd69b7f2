package demo

// crowd is the people of a company, and which of them are around.
type crowd struct {
	people []person
	pools  [personas][]uint32
}

// welcome adds a person to those who are around.
func (c *crowd) welcome(who uint32) {
	p := c.people[who].persona
	c.pools[p] = append(c.pools[p], who)
}

// someone picks a person by its pace. Whoever turns out to have churned leaves the
// pool; whoever signed up only just is not picked yet.
func (c *crowd) someone(at int64, d *dice) (who uint32, ok bool) {
	persona, pool := c.pool(d)
	if len(pool) == 0 {
		return 0, false
	}
	i := d.below(len(pool))
	who = pool[i]
	p := &c.people[who]
	if !p.active(at) {
		pool[i] = pool[len(pool)-1]
		c.pools[persona] = pool[:len(pool)-1]
		return 0, false
	}
	return who, at > p.signup+millisPerHour && d.below(1000) < int(p.rate)
}

// pool picks the persona of the next session.
func (c *crowd) pool(d *dice) (persona, []uint32) {
	var sums [personas]int
	sum := 0
	for i, pool := range c.pools {
		sum += len(pool) * tempers[i].pace / 10
		sums[i] = sum
	}
	x := d.below(max(sum, 1))
	for i, s := range sums {
		if x < s {
			return persona(i), c.pools[i]
		}
	}
	return 0, nil
}
