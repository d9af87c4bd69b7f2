package demo

import "math/rand/v2"

// dice is a source of chance with its own few methods: unlike rand.Rand's, they
// give the same numbers on 32 and 64 bits and in every version of Go. All of a
// history is integers, because floating point may differ between machines.
type dice struct{ pcg rand.PCG }

// newDice gives each purpose its own dice, so that a change to one leaves what
// the others throw alone.
func newDice(seed uint64, company, purpose string) *dice {
	d := &dice{}
	d.pcg.Seed(seed, hash(company+"/"+purpose))
	return d
}

// reseed starts again as the dice number n of the seed.
func (d *dice) reseed(seed, n uint64) { d.pcg.Seed(seed, mix(n)) }

// bits32 are 32 random bits.
func (d *dice) bits32() uint32 { return uint32(d.pcg.Uint64() >> 32) }

// below throws a number in [0, n), for n up to 2^32.
func (d *dice) below(n int) int {
	return int(uint64(d.bits32()) * uint64(n) >> 32)
}

// between throws a number in [lo, hi].
func (d *dice) between(lo, hi int) int { return lo + d.below(hi-lo+1) }

// chance is true permille times in a thousand.
func (d *dice) chance(permille int) bool { return d.below(1000) < permille }

// lot draws an index in proportion to its weight: it holds their running sums.
type lot []int

func newLot(weights ...int) lot {
	sums, sum := make(lot, len(weights)), 0
	for i, w := range weights {
		sum += w
		sums[i] = sum
	}
	return sums
}

func (l lot) total() int { return l[len(l)-1] }

func (l lot) draw(d *dice) int {
	x := d.below(l.total())
	for i, sum := range l {
		if x < sum {
			return i
		}
	}
	return len(l) - 1
}

// mix spreads the bits of n over the whole word (the finalizer of splitmix64).
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// hash is FNV-1a.
func hash(text string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 0x100000001b3
	}
	return h
}
