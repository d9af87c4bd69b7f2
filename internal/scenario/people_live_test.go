package scenario_test

import (
	"fmt"
	"strings"
	"testing"
)

// Live queries over people: what is known of somebody is pushed.
func TestPeopleLive(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a person is followed", aPersonIsFollowed},
		{"a person who is not there yet", aPersonWhoIsNotThereYet},
		{"an account is followed", anAccountIsFollowed},
		{"a change of somebody else does not push", somebodyElseDoesNotPush},
		{"many at once are one change", manyAtOnceAreOneChange},
	})
}

func aPersonIsFollowed(t *testing.T, s story) {
	t.Parallel()
	tellOf(t, s, s.acme, said("m1", "identify", `"userId":"ann","traits":{"plan":"free"}`), event("m2", "E", "ben", noon))
	tellOf(t, s, s.globex, said("m1", "identify", `"userId":"ann","traits":{"plan":"other"}`))
	query := live(`person(userId: "ann") { userIds traits identities { nodes { value } } }`)
	for way, watch := range ways {
		w, stranger := watch(t, s.kit, s.acme.ReadKey, query), watch(t, s.kit, s.globex.ReadKey, query)
		until(t, w, `"userIds":["ann"]`)
		wantNext(t, stranger, `"plan":"other"`)
		tellOf(t, s, s.acme, said("t"+way, "identify", fmt.Sprintf(`"userId":"ann","traits":{"over %s":1}`, way)))
		until(t, w, fmt.Sprintf(`"over %s":1`, way))
		tellOf(t, s, s.acme, said("d"+way, "identify", fmt.Sprintf(`"userId":"ann","anonymousId":"device %s"`, way)))
		until(t, w, fmt.Sprintf(`"value":"device %s"`, way))
		made := merge(t, s.acme, "ben", "ann")
		until(t, w, `"userIds":["ann","ben"]`)
		s.acme.Manage(t, undoIt, map[string]any{"id": made}, &struct{}{})
		until(t, w, `"userIds":["ann"]`)
		tellOf(t, s, s.globex, said("s"+way, "identify", fmt.Sprintf(`"userId":"ann","traits":{"own %s":1}`, way)))
		wantNext(t, stranger, fmt.Sprintf(`"own %s":1`, way)) // the very next: nothing of Acme's came
	}
	gone := watchSocket(t, s.kit, s.acme.ReadKey, query)
	until(t, gone, `"userIds":["ann"]`)
	erase(t, s.acme, "ann")
	until(t, gone, `"person":null`)
}

func aPersonWhoIsNotThereYet(t *testing.T, s story) {
	t.Parallel()
	w := watchSocket(t, s.kit, s.acme.ReadKey, live(`person(userId: "ann") { userIds firstSeenAt } account(groupId: "g1") { groupId }`))
	wantNext(t, w, `"person":null,"account":null`)
	s.acme.Batch(t, event("m1", "E", "ann", noon))
	until(t, w, `"userIds":["ann"],"firstSeenAt":"`+noon+`"`)
	tellOf(t, s, s.acme, said("m2", "group", `"userId":"ann","groupId":"g1"`))
	until(t, w, `"account":{"groupId":"g1"}`)
}

func anAccountIsFollowed(t *testing.T, s story) {
	t.Parallel()
	tellOf(t, s, s.acme, said("m1", "group", `"userId":"ann","groupId":"g1","traits":{"seats":1}`))
	w := watchSocket(t, s.kit, s.acme.ReadKey, live(`account(groupId: "g1") { traits members { nodes { userIds } } } personMerges { nodes { reason } }`))
	until(t, w, `"seats":1`)
	tellOf(t, s, s.acme, said("m2", "group", `"userId":"ben","groupId":"g1","traits":{"seats":2}`))
	for both := false; !both; { // in the order of their numbers, which is not that of their coming
		got := until(t, w, `"seats":2}`)
		both = strings.Contains(got, `{"userIds":["ann"]}`) && strings.Contains(got, `{"userIds":["ben"]}`)
	}
	merge(t, s.acme, "ben", "ann")
	until(t, w, `"members":{"nodes":[{"userIds":["ann","ben"]}]}},"personMerges":{"nodes":[{"reason":"the same"}]}`)
}

// Each execution asks once, so that the statements tell how often a query was executed.
func somebodyElseDoesNotPush(t *testing.T, s story) {
	tellOf(t, s, s.acme, said("m1", "identify", `"userId":"ann","traits":{"n":0}`), said("m2", "identify", `"userId":"ben","traits":{"n":0}`))
	ann := watchSocket(t, s.kit, s.acme.ReadKey, live(`person(userId: "ann") { traits }`))
	ben := watchSocket(t, s.kit, s.acme.ReadKey, live(`person(userId: "ben") { traits firstSeenAt }`))
	until(t, ann, `"n":0`)
	until(t, ben, `"n":0`)
	settle := func(n int) { // what was told before has been answered
		tellOf(t, s, s.acme, said(fmt.Sprint("a", n), "identify", fmt.Sprintf(`"userId":"ann","traits":{"n":%d}`, n)))
		until(t, ann, fmt.Sprintf(`"n":%d`, n))
	}
	settle(1)
	settle(2)
	s.kit.Statements.Take()
	for i := 1; i <= 3; i++ {
		tellOf(t, s, s.acme, said(fmt.Sprint("b", i), "identify", fmt.Sprintf(`"userId":"ben","traits":{"n":%d}`, i)))
		until(t, ben, fmt.Sprintf(`"n":%d`, i))
	}
	executed := s.kit.Statements.Take()["ProfileListOfPersons"]
	if executed > 3 {
		t.Errorf("three changes of Ben's profile executed %d queries, want his alone", executed)
	}
}

// A batch of many people is told in one line, and reaches whoever watches one of them.
func manyAtOnceAreOneChange(t *testing.T, s story) {
	t.Parallel()
	tellOf(t, s, s.acme, said("m1", "identify", `"userId":"u7","traits":{"n":0}`))
	w := watchSocket(t, s.kit, s.acme.ReadKey, live(`person(userId: "u7") { traits }`))
	until(t, w, `"n":0`)
	var calls []string
	for i := range 500 {
		calls = append(calls, said(fmt.Sprint("c", i), "identify", fmt.Sprintf(`"userId":"u%d","traits":{"n":%d}`, i, i+1)))
	}
	tellOf(t, s, s.acme, calls...)
	until(t, w, `"n":8`)
}
