package event

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/registry"
)

const (
	releasePage = 500    // held events that are read at once
	releaseMost = 10_000 // held events that one call looks at
)

// parcel is an event on its way through the quarantine. Every instant and number comes out
// as it went in, and so the event has the fingerprint that its sender's repeats have.
type parcel struct {
	Type        string          `json:"type"`
	UserID      string          `json:"userId,omitempty"`
	AnonymousID string          `json:"anonymousId,omitempty"`
	PreviousID  string          `json:"previousId,omitempty"`
	GroupType   string          `json:"groupType,omitempty"`
	GroupID     string          `json:"groupId,omitempty"`
	Timestamp   time.Time       `json:"timestamp,omitzero"`
	SentAt      time.Time       `json:"sentAt,omitzero"`
	Properties  json.RawMessage `json:"properties,omitempty"`
	Context     json.RawMessage `json:"context,omitempty"`
	Traits      json.RawMessage `json:"traits,omitempty"`
	TraitsOnce  json.RawMessage `json:"traitsOnce,omitempty"`
}

// parcelOf packs an event up.
func parcelOf(e *Incoming, source string, v Verdict, f registry.Finding) registry.Held {
	return registry.Held{
		ReceivedAt: e.ReceivedAt, Source: source, MessageID: e.MessageID,
		MessageKey: messageKey(source, e.MessageID), Fingerprint: e.fingerprint,
		Type: e.Type, Field: v.Field, Reason: v.Reason, PlanVersion: int(f.PlanVersion()), Body: pack(e),
	}
}

func pack(e *Incoming) []byte {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // it would grow beyond the size of an event
	err := encoder.Encode(parcel{
		Type: e.Type, UserID: e.UserID, AnonymousID: e.AnonymousID,
		PreviousID: e.PreviousID, GroupType: e.GroupType, GroupID: e.GroupID,
		Timestamp: e.Timestamp, SentAt: e.SentAt,
		Properties: e.Properties, Context: e.Context, Traits: e.Traits, TraitsOnce: e.TraitsOnce,
	})
	if err != nil { // its parts were checked, so it can be written
		return []byte(`{}`)
	}
	return body.Bytes()
}

// Unpack gives the event that is held, checked as it was when it came.
func Unpack(held *registry.Held) Item {
	var p parcel
	item := Item{Incoming: Incoming{MessageID: held.MessageID}}
	if err := json.Unmarshal(held.Body, &p); err != nil {
		item.Problem = fault.Input("event", "The event cannot be read any more.").Because(err)
		return item
	}
	item.Incoming = Incoming{
		MessageID: held.MessageID, Type: p.Type, UserID: p.UserID, AnonymousID: p.AnonymousID,
		PreviousID: p.PreviousID, GroupType: p.GroupType, GroupID: p.GroupID,
		Timestamp: p.Timestamp, SentAt: p.SentAt, ReceivedAt: held.ReceivedAt,
		Properties: p.Properties, Context: p.Context, Traits: p.Traits, TraitsOnce: p.TraitsOnce,
	}
	item.Problem = item.Check()
	return item
}

// Release is what came of releasing events.
type Release struct {
	Verdicts []Verdict // one for each event looked at, in the order of arrival
	Released int
	More     bool // whether there are others that nobody has looked at
}

// Release lets events in that were put aside, as far as the plan now lets them: each is
// counted at the time at which it first arrived. The others stay where they are. Done twice,
// or by two at once, it stores nothing twice.
func (w *Writer) Release(ctx context.Context, pick registry.Pick) (Release, error) {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return Release{}, err
	}
	var release Release
	for after := int64(0); len(release.Verdicts) < releaseMost; {
		page, err := w.held(ctx, who, pick, after)
		if err != nil {
			return release, err
		}
		if err := w.releasePage(ctx, who, page, &release); err != nil {
			return release, err
		}
		if len(page) < releasePage {
			return release, nil
		}
		after = page[len(page)-1].ID
	}
	release.More = true
	return release, nil
}

func (w *Writer) held(ctx context.Context, who access.Principal, pick registry.Pick, after int64) (page []registry.Held, err error) {
	err = w.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		page, err = registry.HeldAfter(ctx, tx, pick, after, releasePage)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read held events: %w", err)
	}
	return page, nil
}

// releasePage lets events in, source by source, since message ids are a source's own.
func (w *Writer) releasePage(ctx context.Context, who access.Principal, page []registry.Held, release *Release) error {
	verdicts := make([]Verdict, len(page))
	places := map[string][]int{}
	for i := range page {
		places[page[i].Source] = append(places[page[i].Source], i)
	}
	for source, list := range places {
		items := make([]Item, len(list))
		for i, place := range list {
			items[i] = Unpack(&page[place])
		}
		got, err := w.tryAgain(ctx, who, source, items)
		if err != nil {
			return err
		}
		for i, place := range list {
			verdicts[place] = got[i]
		}
	}
	release.Verdicts = append(release.Verdicts, verdicts...)
	return w.settle(ctx, who, page, verdicts, release)
}

// tryAgain lets in what the plan lets in now. What it does not is held already.
func (w *Writer) tryAgain(ctx context.Context, who access.Principal, source string, items []Item) ([]Verdict, error) {
	findings, err := w.find(ctx, who.Tenant, items)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(items))
	for i := range findings {
		if action := findings[i].Action; action == registry.Quarantine || action == registry.Reject {
			verdicts[i] = keptOut(&items[i].Incoming, findings[i])
			verdicts[i].Status = Quarantined // for that is where it stays
		}
	}
	return w.put(ctx, who.Tenant, source, items, verdicts, findings)
}

// settle ends the holding of what is stored now, or was stored before.
func (w *Writer) settle(ctx context.Context, who access.Principal, page []registry.Held, verdicts []Verdict, release *Release) error {
	var stored []registry.Held
	for i, v := range verdicts {
		if v.Status == Accepted || v.Status == Duplicate {
			stored = append(stored, page[i])
		}
	}
	err := w.app.InTenant(ctx, who.Tenant, func(tx pgx.Tx) error {
		n, err := registry.Decide(ctx, tx, registry.Released, who.By(), stored)
		release.Released += n
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Entry{
			Action: audit.QuarantineReleased, Target: audit.Target{Type: "quarantine"},
			Before: map[string]int{"events": len(page)}, After: map[string]int{"events": len(page) - n},
		})
	})
	if err != nil {
		return fmt.Errorf("settle released events: %w", err)
	}
	return nil
}
