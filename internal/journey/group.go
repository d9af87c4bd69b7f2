package journey

import (
	"cmp"
	"slices"
	"strings"
)

// keyed is what one value of a breakdown comes to.
type keyed[T any] struct {
	keys []*string
	of   T
	size int
}

// ranked puts groups in order: the largest first, and by their names among equals.
func ranked[T any](groups map[Key]T, size func(T) int, teller *teller) []keyed[T] {
	list := make([]keyed[T], 0, len(groups))
	for key, of := range groups {
		list = append(list, keyed[T]{teller.names(key), of, size(of)})
	}
	slices.SortFunc(list, func(a, b keyed[T]) int {
		return cmp.Or(cmp.Compare(b.size, a.size), compareKeys(a.keys, b.keys))
	})
	return list
}

// apart tells the first of some groups one by one, and all that are left as one; nil: none are.
func apart[T, G any](list []keyed[T], top int, join func(...T) T, tell func(keys []*string, of T) G) (groups []G, rest *G) {
	var left []T
	for i, g := range list {
		if i < top {
			groups = append(groups, tell(g.keys, g.of))
			continue
		}
		left = append(left, g.of)
	}
	if len(left) == 0 {
		return groups, nil
	}
	told := tell([]*string{}, join(left...))
	return groups, &told
}

// compareKeys orders names, none last.
func compareKeys(a, b []*string) int {
	for i := range a {
		switch {
		case a[i] == nil && b[i] == nil:
		case a[i] == nil:
			return 1
		case b[i] == nil:
			return -1
		case *a[i] != *b[i]:
			return strings.Compare(*a[i], *b[i])
		}
	}
	return 0
}
