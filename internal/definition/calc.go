package definition

import "math"

// calc works the last slot out of the columns of all leaves. It runs for every cell of an
// answer, and keeps nothing.
func (p *program) calc(columns []float64) *float64 {
	var room [maxParts]float64
	for i, s := range p.slots {
		if s.leaf != nil {
			room[i] = figureOf(s, columns)
			continue
		}
		var from [maxParts]float64
		for j, at := range s.from {
			from[j] = room[at]
		}
		room[i] = s.formula.Eval(from[:len(s.from)])
	}
	v := room[len(p.slots)-1]
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// figureOf is a leaf's figure; NaN: it has no value.
func figureOf(s slot, columns []float64) float64 {
	own := columns[s.column : s.column+len(s.leaf.Needs)]
	if s.leaf.Calc == nil {
		return own[0]
	}
	if v := s.leaf.Calc(own); v != nil {
		return *v
	}
	return math.NaN()
}
