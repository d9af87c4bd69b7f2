package loader

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Whoever has a value read, first or later, alone or with others, ahead or not, and whether or not
// it was found: every part of the answer that asks for it is told what it was read from.
func TestEveryPartIsToldWhatItsValuesWereReadFrom(t *testing.T) {
	acme := tenant.ID{1}
	reads := 0
	plans := single(func(ctx context.Context, keys []int) (map[int]string, error) {
		reads++
		topic.Note(ctx, topic.Exactly(acme, topic.Plan, ""))
		if keys[0] < 0 {
			return nil, errors.New("there are none")
		}
		return map[int]string{1: "one", 2: "two"}, nil
	})
	answer, _ := topic.Record(t.Context())
	for i, ask := range []func(ctx context.Context) error{
		func(ctx context.Context) error { _, err := plans.Load(ctx, 1)(); return err },
		func(ctx context.Context) error { _, err := plans.Load(ctx, 1)(); return err },
		func(ctx context.Context) error {
			_, errs := plans.LoadMany(ctx, []int{1, 2, 3})()
			return errors.Join(errs...)
		},
		func(ctx context.Context) error { plans.Ahead(ctx, []int{4, 5}); return nil },
		func(ctx context.Context) error { _, err := plans.Load(ctx, 5)(); return err },
		func(ctx context.Context) error {
			if _, err := plans.Load(ctx, -1)(); err == nil {
				return errors.New("a failure was none")
			}
			return nil
		},
		func(ctx context.Context) error { plans.Ahead(ctx, []int{-2}); return nil },
	} {
		part, readings := topic.RecordPart(answer)
		if err := ask(part); err != nil {
			t.Fatal(err)
		}
		if spans := fmt.Sprint(readings.Spans()); spans != fmt.Sprint([]topic.Span{topic.Exactly(acme, topic.Plan, "")}) {
			t.Errorf("part %d is told %s", i, spans)
		}
	}
	if reads != 5 {
		t.Errorf("read %d times, want 5", reads)
	}
}

// Where no parts are told apart, the answer itself is told.
func TestAnAnswerWithoutPartsIsTold(t *testing.T) {
	acme := tenant.ID{1}
	plans := single(func(ctx context.Context, _ []int) (map[int]string, error) {
		topic.Note(ctx, topic.Exactly(acme, topic.Plan, ""))
		return nil, nil
	})
	answer, readings := topic.Record(t.Context())
	if _, err := plans.Load(answer, 1)(); err != nil || len(readings.Spans()) != 1 {
		t.Errorf("%v: told %v", err, readings.Spans())
	}
}
