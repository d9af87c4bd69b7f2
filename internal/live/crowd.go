package live

// crowd are a query's subscribers, in about the order in which they came: those who came
// together lie together in memory, which makes waking thousands a walk and not a search.
type crowd []*Subscription

func (c *crowd) join(s *Subscription) {
	s.place = len(*c)
	*c = append(*c, s)
}

// leave tells whether the subscriber was among them.
func (c *crowd) leave(s *Subscription) bool {
	if s.place < 0 {
		return false
	}
	list := *c
	last := list[len(list)-1]
	list[s.place], last.place = last, s.place
	list[len(list)-1] = nil
	*c, s.place = list[:len(list)-1], -1
	return true
}
