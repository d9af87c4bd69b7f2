package demo

import (
	"strconv"
	"time"
)

// renderer writes records out as events. Nearly all of their JSON was made
// beforehand, so that an event costs a few copies and two allocations.
type renderer struct {
	*world
	people  []person
	visitor person // the last one seen
	number  int64  // of the next event
	stem    string // of its message id
	started int64  // of a live stream, in its ids
	room    []byte // where the JSON goes
	scratch []byte // where the ids are put together
	known   []bool // who has been introduced
}

// roomSize is how much is taken at once, and eventSize more than any event needs.
const (
	roomSize  = 64 << 10
	eventSize = 2 << 10
)

func newRenderer(w *world, people []person) *renderer {
	return &renderer{world: w, people: people, stem: "demo-" + w.Key + "-", known: make([]bool, len(people))}
}

// liveSince has all ids bear the start of a live stream.
func (r *renderer) liveSince(at int64) {
	r.started = at
	r.stem += strconv.FormatInt(at, 36) + "-"
}

// event writes one record out.
func (r *renderer) event(x record) Event {
	if cap(r.room)-len(r.room) < eventSize {
		r.room = make([]byte, 0, roomSize)
	}
	p, st := r.whom(x), &r.flow.states[x.state]
	e := Event{Type: st.event, At: time.UnixMilli(x.at).UTC()}
	e.Properties = r.write(func(b []byte) []byte { return r.properties(b, x, p, st) })
	e.Context = r.write(func(b []byte) []byte { return r.context(b, x, p) })
	r.ids(&e, x, p)
	if x.known && !x.visitor && int(x.who) < len(r.known) && !r.known[x.who] {
		r.known[x.who] = true
		e.Traits = r.write(func(b []byte) []byte { return r.traits(b, p, e.UserID) })
	}
	return e
}

// write gives the bytes that f appends a place of their own.
func (r *renderer) write(f func([]byte) []byte) []byte {
	start := len(r.room)
	r.room = f(r.room)
	return r.room[start:len(r.room):len(r.room)]
}

// whom is the person behind a record. Visitors are made up again each time: they
// are many, and do little.
func (r *renderer) whom(x record) *person {
	if !x.visitor {
		return &r.people[x.who]
	}
	if key := r.visitorKey(x.who); r.visitor.key != key {
		r.visitor = r.stranger(key)
		r.visitor.source = uint8(x.who & 31)
	}
	return &r.visitor
}

// ids puts the ids of an event into one string, of which each is a part.
func (r *renderer) ids(e *Event, x record, p *person) {
	b := append(r.scratch[:0], r.stem...) //nolint:gocritic // the scratch is built upon, and not kept
	b = strconv.AppendInt(b, r.number, 36)
	message := len(b)
	b = r.appendID(b, "a-", p.key, 0x9e3779b97f4a7c15)
	anonymous := len(b)
	if x.known {
		b = r.appendID(b, "u-", p.key, 0xd1342543de82ef95)
	}
	user := len(b)
	if x.known && r.group > 0 {
		b = r.account(b, p)
	}
	text := string(b)
	e.MessageID, e.AnonymousID, e.UserID, e.AccountID = text[:message], text[message:anonymous], text[anonymous:user], text[user:]
	r.scratch, r.number = b, r.number+1
}

func (r *renderer) properties(b []byte, x record, p *person, st *state) []byte {
	b = append(b, '{')
	b = append(b, r.countryProps[p.country]...)
	b = append(b, ',')
	b = append(b, r.deviceProps[p.device]...)
	if x.known {
		b = append(b, `,"plan":"`...)
		b = append(append(b, r.planAt(p, x.at)...), '"')
	}
	b = append(b, `,"app_version":"`...)
	b = append(r.version(b, x.at, p), '"')
	if st.page >= 0 {
		b = append(append(b, ','), r.pageProps[st.page]...)
	}
	if !x.known || st.acquired {
		b = append(append(b, ','), r.sourceProps[p.source]...)
	}
	if st.costs {
		b = r.amount(b, x.roll, p)
	}
	for i := range st.props {
		b = st.props[i].append(b, uint32(mix(uint64(x.roll)+uint64(i)<<32)))
	}
	return append(b, '}')
}

func (r *renderer) context(b []byte, x record, p *person) []byte {
	b = append(b, `{"library":{"name":"analytics.js","version":"2.11.1"},"page":{`...)
	b = append(b, r.pageContexts[x.page]...)
	b = append(b, `},`...)
	b = append(b, r.deviceContexts[p.device]...)
	b = append(b, ',')
	b = append(b, r.countryCtxs[p.country]...)
	if !x.known {
		b = append(b, r.sourceContexts[p.source]...)
	} else if r.group > 0 {
		b = append(r.account(append(b, `,"groupId":"`...), p), '"')
	}
	return append(b, '}')
}

func (r *renderer) account(b []byte, p *person) []byte {
	return r.appendID(b, "acct-", p.key/uint64(r.group), 0xaf251af3b0f025b5)
}

func (r *renderer) planAt(p *person, at int64) string {
	if p.paysAt(at) {
		return r.tiers[p.tier].name
	}
	return "free"
}

// version is the release that a person has: the newest, or for some days still
// the one before.
func (r *renderer) version(b []byte, at int64, p *person) []byte {
	days := at/millisPerDay - founded - int64(p.cut%8)
	return strconv.AppendInt(append(b, r.major...), max(0, days)/int64(r.cadence), 10)
}

// amount is the price of a subscription for its seats, or of something single.
// The cart is the same from checkout to payment, and so is the amount.
func (r *renderer) amount(b []byte, cart uint32, p *person) []byte {
	price := r.basket[int(cart>>1)%len(r.basket)]
	if cart&1 == 1 {
		t := r.tiers[p.tier]
		price = t.price * (1 + int(p.cut)%t.seats)
	}
	b = strconv.AppendInt(append(b, `,"amount":`...), int64(price), 10)
	b = append(append(b, `,"currency":"`...), r.countries[p.country].currency...)
	return append(b, '"')
}
