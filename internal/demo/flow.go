package demo

import (
	"fmt"
	"strconv"
	"strings"
)

// scene is one thing that a person does, as it is written down. Next names what
// may follow with its odds, gap how many seconds pass, props what the event says:
//
//	next: "edit 45, share 8, end 15"   gap: "5-60"   props: "format=pdf|csv; pages=1..40"
//
// A scene with a path is a page view.
type scene struct {
	name, event, path, title, gap, next, props string
}

// flow is the scenes of a company, ready to be walked.
type flow struct {
	states []state
	pages  []page
	marks  marks
}

// marks are the states that the walker has to know, each named like its scene.
// Before is what people do instead of the novelty while they do not have it.
type marks struct {
	landing, signup, signedUp, home, billing, checkout      uint8
	declined, crashed, timedOut, trial, subscribed, ordered uint8
	cancelled, novelty, before                              uint8
}

type state struct {
	event    string
	page     int   // -1 stays on the page
	lo, hi   int64 // milliseconds until the next
	next     []uint8
	odds     lot
	props    []prop
	costs    bool // says an amount
	acquired bool // says where the person came from
}

type page struct{ path, title string }

// end is the state after the last.
const end = 255

func compile(scenes []scene) *flow {
	f, index := &flow{}, map[string]uint8{"end": end}
	for i, s := range scenes {
		index[s.name] = uint8(i)
	}
	for _, s := range scenes {
		f.add(s, index)
	}
	f.mark(index)
	return f
}

func (f *flow) add(s scene, index map[string]uint8) {
	st := state{event: s.event, page: -1, props: compileProps(s.props)}
	if s.path != "" {
		st.event, st.page = pageView, len(f.pages)
		f.pages = append(f.pages, page{s.path, s.title})
	}
	lo, hi, _ := strings.Cut(s.gap, "-")
	st.lo, st.hi = int64(number(lo))*1000, int64(number(hi))*1000
	st.costs = strings.HasPrefix(s.event, "Checkout") || s.event == "Order Completed" || s.event == "Subscription Started"
	st.acquired = s.event == "Signed Up"
	var weights []int
	for choice := range strings.SplitSeq(s.next, ", ") {
		name, weight, _ := strings.Cut(choice, " ")
		st.next, weights = append(st.next, lookup(index, name)), append(weights, number(weight))
	}
	st.odds = newLot(weights...)
	f.states = append(f.states, st)
}

func (f *flow) mark(index map[string]uint8) {
	at := func(name string) uint8 { return lookup(index, name) }
	f.marks = marks{
		landing: at("landing"), signup: at("signup"), signedUp: at("signed up"), home: at("home"),
		billing: at("billing"), checkout: at("checkout"), declined: at("declined"), crashed: at("crashed"),
		timedOut: at("timed out"), trial: at("trial"), subscribed: at("subscribed"), ordered: at("ordered"),
		cancelled: at("cancelled"), novelty: at("novelty"), before: at("before"),
	}
}

// types are the event types, in the order of their first scene.
func (f *flow) types() []string {
	types, seen := []string{pageView}, map[string]bool{pageView: true}
	for _, s := range f.states {
		if !seen[s.event] {
			types, seen[s.event] = append(types, s.event), true
		}
	}
	return types
}

// lookup and number trust the tables of this package, and fail its tests if they
// must not.
func lookup(index map[string]uint8, name string) uint8 {
	i, ok := index[name]
	if !ok {
		panic(fmt.Sprintf("demo: no scene %q", name))
	}
	return i
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic("demo: " + err.Error())
	}
	return n
}
