package demo

import (
	"fmt"
	"time"
)

// Ticket is a ticket of support as it stood last. Times that have not come are zero, and texts
// that are not known empty.
type Ticket struct {
	ID, Account, User, Subject, URL, Status, Priority, Channel, Rating string
	OpenedAt, RepliedAt, SolvedAt, UpdatedAt                           time.Time
}

// asking is one in how many accounts ever asks.
const asking = 8

// subjects are what customers ask about.
var subjects = []string{
	"The export stops halfway", "Invoice for last month is missing", "How do I move a notebook to another team?", "Search does not find attachments",
	"Shared page shows an older version", "Seats after the renewal", "Single sign-on for new colleagues", "Comments come twice by mail",
}

// Tickets makes up what an account asked of support, that was first seen at an instant; most never
// did. Somebody of the account asks: user, if that is known.
func (p Plan) Tickets(c Company, account, user string, seen time.Time) (list []Ticket) {
	d := newDice(p.Seed, c.Key, "support")
	d.reseed(p.Seed, hash(c.Key+"/"+account))
	hours := int(p.Until.Sub(seen) / time.Hour)
	if d.below(asking) > 0 || hours < 2 {
		return nil
	}
	for i := range 1 + newLot(50, 30, 15, 5).draw(d) {
		t := Ticket{
			ID: fmt.Sprintf("%s-%d", account, i+1), Account: account, User: user,
			Subject: subjects[d.below(len(subjects))], Channel: []string{"email", "chat", "web"}[newLot(60, 25, 15).draw(d)],
			Priority: []string{"", "LOW", "NORMAL", "HIGH", "URGENT"}[newLot(20, 15, 45, 15, 5).draw(d)],
			OpenedAt: seen.Add(time.Duration(d.below(hours))*time.Hour + time.Duration(d.below(3_600))*time.Second).Truncate(time.Second),
		}
		t.URL = "https://support." + c.Key + ".example/tickets/" + t.ID
		if t.OpenedAt.Before(p.Until) {
			list = append(list, t.lived(d, p.Until))
		}
	}
	return list
}

// lived lets a ticket be answered, solved, rated and closed, as far as there was time.
func (t Ticket) lived(d *dice, until time.Time) Ticket {
	replied := t.OpenedAt.Add(time.Duration(d.between(3, 600)) * time.Minute)
	solved := replied.Add(time.Duration(d.between(1, 120)) * time.Hour)
	closed := solved.AddDate(0, 0, 4)
	waits := []string{"OPEN", "PENDING", "ON_HOLD"}[newLot(40, 40, 20).draw(d)]
	rating := []string{"", "GOOD", "BAD"}[newLot(55, 36, 9).draw(d)]
	stays := d.chance(30) // nobody ever solved it
	t.Status, t.UpdatedAt = "OPEN", t.OpenedAt
	if replied.Before(until) {
		t.RepliedAt, t.UpdatedAt, t.Status = replied, replied, waits
	}
	if solved.Before(until) && !stays {
		t.SolvedAt, t.UpdatedAt, t.Status = solved, solved, "SOLVED"
	}
	if closed.Before(until) && !stays {
		t.UpdatedAt, t.Status, t.Rating = closed, "CLOSED", rating
	}
	return t
}
