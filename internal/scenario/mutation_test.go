package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Events that come in by GraphQL.
func TestMutation(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"the mutation gives the same verdicts", theMutationGivesTheSameVerdicts},
		{"the mutation rejects what the batch rejects", theMutationRejectsWhatTheBatchRejects},
		{"mutations that are refused whole", mutationsThatAreRefusedWhole},
		{"the greatest mutation", theGreatestMutation},
	})
}

const send = `mutation ($events: [EventInput!]!, $sentAt: DateTime) { ingestEvents(events: $events, sentAt: $sentAt) {
	accepted duplicates conflicts rejected verdicts { messageId status field reason } } }`

type input map[string]any

// input is an event as the mutation takes it.
func inputOf(id, name, user string) input {
	return input{"messageId": id, "type": name, "userId": user, "timestamp": noon}
}

type ingested struct {
	IngestEvents *struct {
		Accepted, Duplicates, Conflicts, Rejected int
		Verdicts                                  []served.Verdict
	}
}

func (s story) send(t *testing.T, key string, events any) (ingested, []served.Error) {
	t.Helper()
	answer := s.kit.Ask(t, key, send, map[string]any{"events": events})
	var result ingested
	if len(answer.Errors) == 0 {
		served.Reply{Body: answer.Data}.Decode(t, &result)
	}
	return result, answer.Errors
}

// The mutation judges as /v1/batch does, over the same ids.
func theMutationGivesTheSameVerdicts(t *testing.T, s story) {
	wantVerdicts(t, s.acme.Batch(t, event("m1", "Opened", "u1", noon)), "ACCEPTED")
	whole := inputOf("m2", "Paid", "u2")
	whole["properties"] = input{"a": 1, "b": []any{"x", nil, true}}
	whole["context"] = input{"ip": "::1"}
	whole["anonymousId"] = "a2"
	got, errs := s.send(t, s.acme.WriteKey, []input{
		inputOf("m1", "Opened", "u1"), inputOf("m1", "Closed", "u1"), whole, whole,
		inputOf("m3", "", "u1"), {"type": "Made up", "anonymousId": "a1"},
	})
	if errs != nil {
		t.Fatal(errs)
	}
	result := got.IngestEvents
	wantVerdicts(t, result.Verdicts, "DUPLICATE", "CONFLICT", "ACCEPTED", "DUPLICATE", "REJECTED", "ACCEPTED")
	wantEqual(t, "sums", []int{result.Accepted, result.Duplicates, result.Conflicts, result.Rejected}, []int{2, 2, 1, 1})
	wantEqual(t, "fields", []string{result.Verdicts[1].Field, result.Verdicts[4].Field}, []string{"messageId", "type"})
	wantVerdicts(t, s.acme.Batch(t, `{"type":"track","messageId":"m2","event":"Paid","userId":"u2","anonymousId":"a2","timestamp":"`+noon+
		`","properties":{"b":["x",null,true],"a":1},"context":{"ip":"::1"}}`), "DUPLICATE")
	s.wantCount(t, 3, 3)
	wantRecounted(t, s.kit)
}

// What one event may not be over HTTP, it may not be here either, and costs no other.
func theMutationRejectsWhatTheBatchRejects(t *testing.T, s story) {
	with := func(name string, value any) input {
		in := inputOf("bad "+name, "E", "u9")
		in[name] = value
		return in
	}
	cases := []struct {
		event input
		field string
	}{
		{with("type", ""), "type"},
		{with("type", strings.Repeat("x", 201)), "type"},
		{with("type", "a\x00b"), "type"},
		{with("messageId", strings.Repeat("i", 300)), "messageId"},
		{with("userId", strings.Repeat("i", 300)), "userId"},
		{input{"messageId": "bad nobody", "type": "E"}, "userId"},
		{with("timestamp", "1999-12-31T23:59:59Z"), "timestamp"},
		{with("timestamp", "0001-01-01T00:00:00Z"), "timestamp"},
		{with("timestamp", "0000-01-01T00:00:00Z"), "timestamp"},
		{with("properties", input{"a": "\x00"}), "properties.a"},
		{with("properties", deep(40)), "properties"},
		{with("properties", input{"p": strings.Repeat("x", 33<<10)}), "events"},
		{with("context", input{"p": strings.Repeat("x", 33<<10)}), "events"},
	}
	for i, c := range cases {
		t.Run(fmt.Sprint(i, " ", c.field), func(t *testing.T) {
			got, errs := s.send(t, s.acme.WriteKey, []input{inputOf(fmt.Sprint("good ", i), "Good", "u1"), c.event})
			if errs != nil {
				t.Fatal(errs)
			}
			wantVerdicts(t, got.IngestEvents.Verdicts, "ACCEPTED", "REJECTED")
			if v := got.IngestEvents.Verdicts[1]; !strings.HasPrefix(v.Field, c.field) {
				t.Errorf("the field is %q, want %q", v.Field, c.field)
			}
			wantDiscreet(t, got.IngestEvents.Verdicts[1].Reason, "xxxx")
		})
	}
	s.wantCount(t, len(cases), 1)
}

func deep(levels int) input {
	in := input{"leaf": 1}
	for range levels {
		in = input{"a": in}
	}
	return in
}

// A request out of shape takes nothing in.
func mutationsThatAreRefusedWhole(t *testing.T, s story) {
	good := inputOf("m1", "E", "u1")
	many := make([]input, 2_501)
	for i := range many {
		many[i] = input{"type": "E", "userId": "u1"}
	}
	bad := func(name string, value any) []input { return []input{good, {"type": "E", "userId": "u1", name: value}} }
	const input400, invalid = "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"
	cases := []struct {
		name        string
		events      any
		code, field string
	}{
		{"no events", []input{}, input400, "events"},
		{"2,501 events", many, input400, "events"},
		{"null", nil, invalid, ""},
		{"a text", secret, invalid, ""},
		{"a null among them", []any{good, nil}, invalid, ""},
		{"no type", []any{good, input{"userId": secret}}, invalid, ""},
		{"type a number", bad("type", 5), input400, "events.type"},
		{"type a list", bad("type", []string{secret}), "", ""},
		{"userId true", bad("userId", true), "", ""},
		{"timestamp a number", bad("timestamp", 5), input400, "events.timestamp"},
		{"timestamp no time", bad("timestamp", secret), input400, "events.timestamp"},
		{"properties a text", bad("properties", secret), input400, "events.properties"},
		{"properties a list", bad("properties", []string{secret}), input400, "events.properties"},
		{"unknown field", bad("propertis", input{"p": secret}), invalid, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, errs := s.send(t, s.acme.WriteKey, c.events)
			if len(errs) == 0 {
				t.Fatal("there are no errors")
			}
			if got := errs[0].Extensions; got.Field != c.field || c.code != "" && got.Code != c.code || got.Code == "" {
				t.Errorf("the first error is %+v", errs[0])
			}
			wantDiscreet(t, errs[0].Message, secret)
		})
	}
	s.wantCount(t, 0, 0)
}

// The greatest batch that is allowed is taken.
func theGreatestMutation(t *testing.T, s story) {
	many := make([]input, 2_500)
	for i := range many {
		many[i] = inputOf(fmt.Sprint(i), "E", fmt.Sprint("u", i%50))
	}
	got, errs := s.send(t, s.acme.WriteKey, many)
	if errs != nil || got.IngestEvents.Accepted != len(many) {
		t.Fatalf("%+v, %+v", got.IngestEvents.Accepted, errs)
	}
	s.wantCount(t, len(many), 50)
}
