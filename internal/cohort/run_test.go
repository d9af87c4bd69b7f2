package cohort_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/cohort"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func paid(id, user string) event.Incoming {
	return event.Incoming{MessageID: id, Type: "Paid", UserID: user, Timestamp: time.Now().UTC()}
}

var everPaid = did("Paid", cohort.AtLeast, 1, cohort.Window{})

func (h *house) create(t *testing.T, of tenant.ID, kind cohort.Kind, name string, c cohort.Condition) int64 {
	t.Helper()
	made, err := h.cohorts.Create(as(of), cohort.Draft{Kind: kind, Name: name, Condition: c})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// last gives the latest evaluation of a cohort.
func (h *house) last(t *testing.T, of tenant.ID, id int64) cohort.Evaluation {
	t.Helper()
	found, err := h.cohorts.Evaluations(as(of), []int64{id}, 1, 0)
	if err != nil || len(found[id].Items) != 1 {
		t.Fatal(found, err)
	}
	return found[id].Items[0]
}

func wantFault(t *testing.T, err error, code fault.Code, field, text string) {
	t.Helper()
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != code || f.Field != field || !strings.Contains(f.Message, text) {
		t.Errorf("error %v, want %s in %q with %q", err, code, field, text)
	}
}

// A dynamic cohort is found again when somebody may have entered or left, and only then; a static
// one keeps its members.
func TestCohortsAreFoundAgain(t *testing.T) {
	h := newHouse(t)
	acme, globex := h.Tenant(t, "UTC"), h.Tenant(t, "UTC")
	h.send(t, acme, paid("m1", "ann"), paid("m2", "ben"))
	h.send(t, globex, paid("m1", "zoe"))
	dynamic := h.create(t, acme, cohort.Dynamic, "Payers", everPaid)
	static := h.create(t, acme, cohort.Static, "First payers", everPaid)
	others := h.create(t, acme, cohort.Dynamic, "Others", cohort.Condition{Not: &cohort.Condition{Cohort: &dynamic}})
	theirs := h.create(t, globex, cohort.Dynamic, "Payers", everPaid)
	h.work(t)
	h.wantMembers(t, acme, dynamic, "ann", "ben")
	h.wantMembers(t, acme, static, "ann", "ben")
	h.wantMembers(t, acme, others)
	h.wantMembers(t, globex, theirs, "zoe")
	h.wantMembers(t, globex, dynamic)

	h.send(t, acme, paid("m3", "cem"), event.Incoming{MessageID: "m4", Type: "Opened", UserID: "dua", Timestamp: time.Now()})
	h.work(t)
	h.wantMembers(t, acme, dynamic, "ann", "ben", "cem")
	h.wantMembers(t, acme, static, "ann", "ben")
	h.wantMembers(t, acme, others, "dua")
	e := h.last(t, acme, dynamic)
	if e.State != cohort.Done || e.Reason != cohort.Data || *e.Size != 3 || *e.Entered != 1 || *e.Left != 0 || !*e.Exact || e.Progress() != 1 {
		t.Errorf("evaluation %+v", e)
	}
	before := h.Number(t, `select count(*) from cohort_evaluation`)
	h.work(t)
	if n := h.Number(t, `select count(*) from cohort_evaluation`); n != before {
		t.Errorf("%d evaluations without a change", n-before)
	}
	h.Exec(t, `update cohort set moves_at = now() where cohort_id = $1`, dynamic)
	h.work(t)
	if n := h.Number(t, `select count(*) from cohort_evaluation`); n != before+1 {
		t.Errorf("%d evaluations once a window has moved, want one", n-before)
	}
	if _, err := h.cohorts.Ask(as(acme), static); err == nil {
		t.Error("a static cohort was found again")
	}
}

// Who is merged is one member, and who is parted again is two, without the cohort being found.
func TestMembersAreWhoTheyAreNow(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	h.send(t, acme, paid("m1", "ann"), paid("m2", "ben"), event.Incoming{MessageID: "m3", Type: "Opened", UserID: "cem", Timestamp: time.Now()})
	id := h.create(t, acme, cohort.Static, "Payers", everPaid)
	h.work(t)
	ann, ben, cem := h.person(t, acme, "ann"), h.person(t, acme, "ben"), h.person(t, acme, "cem")
	one, err := h.people.Merge(as(acme), ann.ID, ben.ID, "The same.")
	if err != nil {
		t.Fatal(err)
	}
	h.wantMembers(t, acme, id, "ben")
	two, err := h.people.Merge(as(acme), ben.ID, cem.ID, "The same.")
	if err != nil {
		t.Fatal(err)
	}
	h.wantMembers(t, acme, id, "cem")
	if _, err := h.people.Undo(as(acme), one.ID); err != nil {
		t.Fatal(err)
	}
	h.wantMembers(t, acme, id, "ann", "cem")
	if _, err := h.people.Undo(as(acme), two.ID); err != nil {
		t.Fatal(err)
	}
	h.wantMembers(t, acme, id, "ann", "ben")
}

// Whoever begins with an evaluation whose first worker is not heard of ends it, and the first
// one, who comes back late, changes nothing.
func TestAnEvaluationIsTakenOver(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	h.send(t, acme, paid("m1", "ann"))
	id := h.create(t, acme, cohort.Dynamic, "Payers", everPaid)
	late := cohort.NewEvaluator(h.Worker, h.App, discard).Quick(time.Minute).Beginning(func() {
		if h.last(t, acme, id).State != cohort.Running {
			t.Error("it does not run")
		}
		// It has read nothing yet, and nothing is heard of it for a minute; another one does it all.
		h.Exec(t, `update cohort_evaluation set due_at = now()`)
		h.work(t)
		h.send(t, acme, paid("m2", "ben"))
	})
	if n, err := late.Run(context.Background()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	e := h.last(t, acme, id)
	if e.State != cohort.Done || *e.Size != 1 {
		t.Errorf("evaluation %+v", e)
	}
	h.wantMembers(t, acme, id, "ann")
	h.work(t)
	h.wantMembers(t, acme, id, "ann", "ben")
}

// One whose process is killed between the leaves is taken up again.
func TestAKilledEvaluationIsTakenUpAgain(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	h.send(t, acme, paid("m1", "ann"))
	id := h.create(t, acme, cohort.Dynamic, "Payers", cohort.Condition{And: []cohort.Condition{everPaid, everPaid}})
	n := 0
	killed := func() (dead any) {
		defer func() { dead = recover() }()
		_, _ = cohort.NewEvaluator(h.Worker, h.App, discard).Quick(time.Minute).Beginning(func() {
			if n++; n == 2 {
				panic("killed")
			}
		}).Run(context.Background())
		return nil
	}()
	e := h.last(t, acme, id)
	if killed == nil || e.State != cohort.Running || e.Progress() != 0 || e.LeavesDone != 0 {
		t.Fatal(killed, e)
	}
	h.work(t) // it is not due yet: nobody knows that it was killed
	if h.last(t, acme, id).State != cohort.Running {
		t.Fatal("it was taken over at once")
	}
	h.Exec(t, `update cohort_evaluation set due_at = now() where cohort_id = $1`, id)
	h.work(t)
	h.wantMembers(t, acme, id, "ann")
}

// A change while a cohort is being found makes what is found too late.
func TestAChangeMakesAnEvaluationLate(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	h.send(t, acme, paid("m1", "ann"), event.Incoming{MessageID: "m2", Type: "Opened", UserID: "ben", Timestamp: time.Now()})
	id := h.create(t, acme, cohort.Dynamic, "Payers", everPaid)
	changed := false
	slow := cohort.NewEvaluator(h.Worker, h.App, discard).Quick(time.Minute).Beginning(func() {
		if !changed {
			changed = true
			if _, err := h.cohorts.Change(as(acme), id, cohort.Draft{Name: "Openers", Condition: did("Opened", cohort.AtLeast, 1, cohort.Window{})}); err != nil {
				t.Error(err)
			}
		}
	})
	if _, err := slow.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.wantMembers(t, acme, id)
	h.work(t)
	h.wantMembers(t, acme, id, "ben")
}

// What fails says why, in words for whoever asked, and is tried again until it is given up.
func TestAFailureSaysWhy(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	h.send(t, acme, paid("m1", "ann"))
	id := h.create(t, acme, cohort.Dynamic, "Payers", everPaid)
	h.Exec(t, `alter table event rename to elsewhere`)
	for attempt := range 8 {
		h.once(t)
		e := h.last(t, acme, id)
		if e.Problem == nil || *e.Problem != "Internal error." {
			t.Fatalf("attempt %d: %+v", attempt, e)
		}
		if want := map[bool]cohort.State{false: cohort.Queued, true: cohort.Failed}[attempt == 7]; e.State != want {
			t.Fatalf("attempt %d is %s, want %s", attempt, e.State, want)
		}
		h.Exec(t, `update cohort_evaluation set due_at = now()`)
		if attempt == 7 {
			break
		}
	}
	h.Exec(t, `alter table elsewhere rename to event`)
	h.work(t) // it was never found, and so is asked for again
	h.wantMembers(t, acme, id, "ann")

	// A cohort that goes away while another is made of it: the database lets it, by hand.
	part := h.create(t, acme, cohort.Dynamic, "Part", cohort.Condition{Cohort: &id})
	h.Exec(t, `update cohort set removed_at = now() where cohort_id = $1`, id)
	h.once(t)
	if e := h.last(t, acme, part); e.State != cohort.Failed || !strings.Contains(*e.Problem, "deleted") {
		t.Errorf("evaluation %+v", e)
	}
}

// once does what is due once.
func (h *house) once(t *testing.T) {
	t.Helper()
	if _, err := h.evaluator.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// The history tells who entered, who left, and who was there at any instant.
func TestHistory(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	h.send(t, acme, paid("m1", "ann"), paid("m2", "ben"))
	once := did("Paid", cohort.Exactly, 1, cohort.Window{})
	id := h.create(t, acme, cohort.Dynamic, "Paid once", once)
	h.work(t)
	first := *h.last(t, acme, id).At
	h.send(t, acme, paid("m3", "ann"), paid("m4", "cem"))
	h.work(t)
	h.wantMembers(t, acme, id, "ben", "cem")
	e := h.last(t, acme, id)
	if *e.Entered != 1 || *e.Left != 1 || *e.Size != 2 {
		t.Errorf("evaluation %+v", e)
	}
	names := h.names(t, acme)
	then, err := h.cohorts.Members(as(acme), []int64{id}, 10, cohort.MemberPlace{At: cohort.Instant{Micros: first.UnixMicro()}})
	if err != nil {
		t.Fatal(err)
	}
	list := then[id].Items
	if len(list) != 2 || names[list[0].ID] != "ann" || list[0].LeftAt == nil || names[list[1].ID] != "ben" || list[1].LeftAt != nil {
		t.Errorf("then: %+v", list)
	}
	var history []string
	for place := (cohort.ChangePlace{}); ; {
		page, err := h.cohorts.Changes(as(acme), []int64{id}, 1, place)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page[id].Items {
			history = append(history, map[bool]string{true: "+", false: "-"}[c.Entered]+names[c.ID])
			place = c.ChangePlace
		}
		if !page[id].More {
			break
		}
	}
	if got := strings.Join(history, " "); got != "+cem -ann +ben +ann" {
		t.Errorf("history %s", got)
	}
	of, err := h.cohorts.OfPersons(as(acme), []int64{list[0].ID, list[1].ID})
	if err != nil || len(of[list[0].ID]) != 0 || len(of[list[1].ID]) != 1 {
		t.Errorf("cohorts of persons: %v, %v", of, err)
	}
}

// What cannot be a cohort is refused, by the name of the field.
func TestWhatCannotBeACohort(t *testing.T) {
	h := newHouse(t)
	acme := h.Tenant(t, "UTC")
	a := h.create(t, acme, cohort.Dynamic, "A", everPaid)
	b := h.create(t, acme, cohort.Dynamic, "B", cohort.Condition{Not: &cohort.Condition{Cohort: &a}})
	c := h.create(t, acme, cohort.Dynamic, "C", cohort.Condition{Or: []cohort.Condition{everPaid, {Cohort: &b}}})
	_, err := h.cohorts.Change(as(acme), a, cohort.Draft{Name: "A", Condition: cohort.Condition{And: []cohort.Condition{everPaid, {Cohort: &c}}}})
	wantFault(t, err, fault.BadUserInput, "cohort.condition.and[1].cohort", "“C”, which asks for “B”, which asks for “A”")
	wantFault(t, h.cohorts.Delete(as(acme), b), fault.BadUserInput, "id", "“C”")
	none := int64(99)
	from, to := time.Now(), time.Now().Add(-time.Hour)
	deep := everPaid
	for range 9 {
		inner := deep
		deep = cohort.Condition{Not: &inner}
	}
	for field, condition := range map[string]cohort.Condition{
		"":                      {},
		".not":                  {Not: &cohort.Condition{And: everPaid.And}},
		".or":                   {Or: []cohort.Condition{everPaid}, Cohort: &a},
		".cohort":               {Cohort: &none},
		".and[0].did.count":     {And: []cohort.Condition{did("Paid", cohort.AtLeast, 0, cohort.Window{})}},
		".did.within.to":        did("Paid", cohort.AtMost, 0, cohort.Window{From: &from, To: &to}),
		".did.types[0]":         did("", cohort.AtMost, 0, cohort.Window{}),
		".did.times":            did("Paid", "OFTEN", 1, cohort.Window{}),
		".stopped.last.count":   {Stopped: &cohort.Stopped{Last: metric.Last{Count: 4000, Interval: calendar.Day}}},
		".trait.dimension.kind": trait(metric.ByProperty, "x", metric.IsSet),
		".trait.values":         trait(metric.ByUserTrait, "x", metric.Equals),
		".mrr.operator":         {MRR: &cohort.Amount{Operator: metric.Contains, Amount: 1}},
		".plan":                 {Plan: []string{}},
	} {
		if field == ".or" {
			field = ""
		}
		_, err := h.cohorts.Create(as(acme), cohort.Draft{Kind: cohort.Dynamic, Name: "X", Condition: condition})
		wantFault(t, err, fault.BadUserInput, "cohort.condition"+field, "")
	}
	_, err = h.cohorts.Create(as(acme), cohort.Draft{Kind: cohort.Dynamic, Name: "X", Condition: deep})
	wantFault(t, err, fault.BadUserInput, "cohort.condition", "levels")
}
