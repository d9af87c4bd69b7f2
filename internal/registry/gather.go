package registry

import (
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Observation is one event that was stored, as the registry sees it.
type Observation struct {
	Type      string
	MessageID string
	At        time.Time // when it was done
	Members   []Property
	Object    []byte // where the members' values stand
	Traits    bool   // the members are traits of somebody, and none of them is sampled
	Finding   Finding
}

// seen is what a batch had of something.
type seen struct {
	first, last time.Time
	volume      int64
	by          *Observation // which brought it first, in the order of the batch
}

func (s *seen) add(o *Observation) {
	if s.volume == 0 {
		s.first, s.last, s.by = o.At, o.At, o
	}
	if o.At.Before(s.first) {
		s.first = o.At
	}
	if o.At.After(s.last) {
		s.last = o.At
	}
	s.volume++
}

// propertySeen is what a batch had of one property of one kind.
type propertySeen struct {
	Property
	seen
	sample string
}

// typeSeen is what a batch had of one type.
type typeSeen struct {
	name string
	seen
	properties []*propertySeen // in the order in which they came
	index      map[Property]*propertySeen
	shape      []*propertySeen // of the event before: most events of a type look alike
	unrecorded int64           // occurrences of properties whose name is too long
}

// gather groups a batch by type and property, in the order in which they came.
func gather(observations []Observation) (types []*typeSeen) {
	index := map[string]*typeSeen{}
	for i := range observations {
		o := &observations[i]
		t := index[o.Type]
		if t == nil {
			t = &typeSeen{name: o.Type, index: map[Property]*propertySeen{}}
			index[o.Type] = t
			types = append(types, t)
		}
		t.add(o)
		t.addMembers(o)
	}
	return types
}

func (t *typeSeen) addMembers(o *Observation) {
	fresh := false
	for i, member := range o.Members {
		p, isNew := t.property(i, member)
		if p == nil {
			t.unrecorded++
			continue
		}
		fresh = fresh || isNew
		p.add(o)
	}
	if fresh {
		t.sample(o)
	}
}

// property finds what belongs to the i-th member of an event; nil if its name is too long.
func (t *typeSeen) property(i int, member Property) (p *propertySeen, isNew bool) {
	if i < len(t.shape) && t.shape[i].Property == member {
		return t.shape[i], false
	}
	if len(member.Name) > maxName && utf8.RuneCountInString(member.Name) > maxName {
		return nil, false
	}
	if p = t.index[member]; p == nil {
		p, isNew = &propertySeen{Property: member}, true
		t.index[member] = p
		t.properties = append(t.properties, p)
	}
	// Kept only as far as it goes without a gap.
	if i <= len(t.shape) {
		t.shape = append(t.shape[:i], p)
	}
	return p, isNew
}

// sample takes the values of what this event has brought. Those of lists and objects may
// have anything in them, and are not taken.
func (t *typeSeen) sample(o *Observation) {
	if o.Traits {
		return
	}
	eachMember(o.Object, func(name string, kind Kind, value func() jsontext.Value) {
		p := t.index[Property{name, kind}]
		if p == nil || p.by != o || kind == Object || kind == List || kind == Null {
			return
		}
		if !soundsPersonal(name) && !o.Finding.rules.isPersonal(o.Type, name) {
			p.sample = sampleOf(value())
		}
	})
}
