package cohort

// set is persons by their numbers, in order, each once. Sets are not changed.
type set []int64

// and gives who is in both.
func (s set) and(other set) set {
	both := set{}
	s.along(other, func(id int64, here, there bool) {
		if here && there {
			both = append(both, id)
		}
	})
	return both
}

// or gives who is in either.
func (s set) or(other set) set {
	either := make(set, 0, max(len(s), len(other)))
	s.along(other, func(id int64, _, _ bool) { either = append(either, id) })
	return either
}

// but gives who is in this one alone.
func (s set) but(other set) set {
	rest := set{}
	s.along(other, func(id int64, here, there bool) {
		if here && !there {
			rest = append(rest, id)
		}
	})
	return rest
}

// along walks two sets side by side.
func (s set) along(other set, do func(id int64, here, there bool)) {
	for i, j := 0, 0; i < len(s) || j < len(other); {
		switch {
		case j == len(other) || i < len(s) && s[i] < other[j]:
			do(s[i], true, false)
			i++
		case i == len(s) || other[j] < s[i]:
			do(other[j], false, true)
			j++
		default:
			do(s[i], true, true)
			i, j = i+1, j+1
		}
	}
}
