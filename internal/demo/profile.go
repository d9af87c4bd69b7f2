package demo

import "strings"

const pageView = "$page"

// founded is the day from which versions count, 1 January 2023, as a Unix day.
const founded = 19358

// profile is what it means to be one of the companies. The first fields are
// written down, in northwind.go and globex.go; the rest follows from them.
type profile struct {
	Company
	rhythm    rhythm
	site      string
	major     string        // what versions begin with
	cadence   int           // days between two of them
	perUser   int           // events for each user
	oldHands  int           // permille of users from before the history
	growth    []int         // permille of sign-ups along the history
	visitors  int           // permille of visitors who leave, for each who signs up
	group     int           // people in an account; 0 for none
	shares    [personas]int // of those who sign up
	countries []country
	devices   []device
	sources   []source // the last two are the campaign's and the launch's
	tiers     []tier
	basket    []int // prices of single orders, in minor units
	scenes    []scene
	plots     []plot
	failing   string // the browser that the broken release fails in

	flow                                                   *flow
	salt                                                   uint64
	countryLot, deviceLot, sourceLot, tierLot, personaLot  lot
	launchSource, campaignSource                           int
	pageProps, pageContexts, deviceProps, deviceContexts   []string
	sourceProps, sourceContexts, countryProps, countryCtxs []string
}

type country struct {
	odds                   int
	code, locale, currency string
}

type device struct {
	odds              int
	browser, os, kind string
}

type source struct {
	odds                            int
	referrer, name, medium, bringer string
}

type tier struct {
	odds  int
	name  string
	price int // minor units a month and seat
	seats int // at most
}

// profileOf is the profile of one of the two companies, nil for any other.
func profileOf(c Company) *profile {
	switch c.Key {
	case northwind.Key:
		return northwind
	case globex.Key:
		return globex
	}
	return nil
}

// prepare computes what follows from what is written down: the lots, and every
// piece of JSON that does not change from event to event.
func (p *profile) prepare() *profile {
	p.flow, p.salt = compile(p.scenes), hash(p.Key)
	p.rhythm.zone = mustZone(p.Zone)
	p.personaLot = newLot(p.shares[:]...)
	p.campaignSource, p.launchSource = len(p.sources)-2, len(p.sources)-1
	for _, x := range p.flow.pages {
		p.pageProps = append(p.pageProps, object("path", x.path, "title", x.title))
		p.pageContexts = append(p.pageContexts, object("path", x.path, "url", p.site+x.path, "title", x.title))
	}
	p.prepareDevices()
	p.prepareSources()
	p.prepareCountries()
	return p
}

func (p *profile) prepareDevices() {
	for _, x := range p.devices {
		p.deviceLot = append(p.deviceLot, x.odds)
		p.deviceProps = append(p.deviceProps, object("browser", x.browser, "os", x.os, "device", x.kind))
		p.deviceContexts = append(p.deviceContexts, object("userAgent", x.browser+" ("+x.os+")"))
	}
	p.deviceLot = newLot(p.deviceLot...)
}

func (p *profile) prepareSources() {
	for _, x := range p.sources {
		p.sourceLot = append(p.sourceLot, x.odds)
		props, context := object("referrer", x.referrer), ""
		if x.name != "" {
			campaign := object("source", x.name, "medium", x.medium, "name", x.bringer)
			props += "," + object("utm_source", x.name, "utm_medium", x.medium, "utm_campaign", x.bringer)
			context = `,"campaign":{` + campaign + "}"
		}
		p.sourceProps, p.sourceContexts = append(p.sourceProps, props), append(p.sourceContexts, context)
	}
	p.sourceLot = newLot(p.sourceLot...)
}

func (p *profile) prepareCountries() {
	for _, x := range p.countries {
		p.countryLot = append(p.countryLot, x.odds)
		p.countryProps = append(p.countryProps, object("country", x.code))
		p.countryCtxs = append(p.countryCtxs, object("locale", x.locale))
	}
	p.countryLot = newLot(p.countryLot...)
	for _, x := range p.tiers {
		p.tierLot = append(p.tierLot, x.odds)
	}
	p.tierLot = newLot(p.tierLot...)
}

// object is the inside of a JSON object, of words that need no escaping.
func object(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + pairs[i] + `":"` + pairs[i+1] + `"`)
	}
	return b.String()
}
