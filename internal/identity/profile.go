package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Subject is what traits are of.
type Subject = dbsqlc.ProfileSubject

// The subjects.
const (
	OfPerson  Subject = dbsqlc.ProfileSubjectPerson  // by identity
	OfAccount Subject = dbsqlc.ProfileSubjectAccount // by account
)

// Saying is what one event says of somebody.
type Saying struct {
	ID     int64 // of the identity or account
	At     time.Time
	By     uuid.UUID // the event's message key
	Traits []byte    // a JSON object, or nothing
	Once   []byte    // the same, of what counts only where nothing else was said
}

// traits are a subject's, each with the instant it was said at, in microseconds of the epoch.
type traits struct {
	values map[string]json.RawMessage
	at     map[string]int64
}

// say takes a value if it is later than the one there is; of one instant the greater text
// counts, so that the order of arrival decides nothing. It reports whether the value is news.
func (t traits) say(name string, value json.RawMessage, at int64) (news bool) {
	old, known := t.values[name]
	if !t.isLate(name, at) && (!known || at > t.at[name] || bytes.Compare(value, old) >= 0) {
		t.values[name], t.at[name] = value, at
	}
	return !known || !bytes.Equal(old, value)
}

// isLate reports whether something later was said already.
func (t traits) isLate(name string, at int64) bool {
	latest, known := t.at[name]
	return known && at < latest
}

// sayOnce takes a value if it is earlier than the one there is.
func (t traits) sayOnce(name string, value json.RawMessage, at int64) (news bool) {
	old, known := t.values[name]
	if known && (at > t.at[name] || at == t.at[name] && bytes.Compare(value, old) >= 0) {
		return false
	}
	t.values[name], t.at[name] = value, at
	return !known || !bytes.Equal(old, value)
}

// profile is all that was said of one subject.
type profile struct {
	said, once traits
	updated    time.Time
}

func newProfile() *profile {
	empty := func() traits { return traits{map[string]json.RawMessage{}, map[string]int64{}} }
	return &profile{said: empty(), once: empty()}
}

// Apply brings what events say into the profiles of one kind of subject, and keeps what was
// news in their history. The caller holds the tenant's turn.
func Apply(ctx context.Context, tx pgx.Tx, of Subject, sayings []Saying) error {
	if len(sayings) == 0 {
		return nil
	}
	profiles, err := load(ctx, tx, of, sayings)
	if err != nil {
		return err
	}
	changes := &history{dbsqlc.TraitChangeInsertParams{Subject: of}}
	for _, s := range inOrder(sayings) {
		if err := profiles[s.ID].apply(s, changes); err != nil {
			return err
		}
	}
	if err := save(ctx, tx, of, profiles); err != nil {
		return err
	}
	if len(changes.Names) == 0 {
		return nil
	}
	if err := dbsqlc.New().TraitChangeInsert(ctx, tx, changes.TraitChangeInsertParams); err != nil {
		return fmt.Errorf("keep changes of traits: %w", err)
	}
	return nil
}

func (p *profile) apply(s Saying, changes *history) error {
	if s.At.After(p.updated) {
		p.updated = s.At
	}
	at := s.At.UnixMicro()
	err := each(s.Once, func(name string, value json.RawMessage) {
		if p.once.sayOnce(name, value, at) {
			changes.add(s.ID, s.At, name, s.By, value)
		}
	})
	if err != nil {
		return err
	}
	return each(s.Traits, func(name string, value json.RawMessage) {
		late, latest := p.said.isLate(name, at), p.said.at[name]
		if !p.said.say(name, value, at) {
			return
		}
		changes.add(s.ID, s.At, name, s.By, value)
		if late {
			changes.add(s.ID, time.UnixMicro(latest), name, uuid.Nil, p.said.values[name])
		}
	})
}

// each gives the members of an object, by name.
func each(object []byte, do func(name string, value json.RawMessage)) error {
	var members map[string]json.RawMessage
	if len(object) == 0 {
		return nil
	}
	if err := json.Unmarshal(object, &members); err != nil {
		return fmt.Errorf("read traits: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		do(name, canonical(members[name]))
	}
	return nil
}

// canonical writes a value in the one way that equal ones are written in; its numbers keep
// their digits.
func canonical(value json.RawMessage) json.RawMessage {
	v := jsontext.Value(bytes.Clone(value))
	if v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)) != nil {
		return value // it was checked before, so this does not happen
	}
	return json.RawMessage(v)
}

func load(ctx context.Context, tx pgx.Tx, of Subject, sayings []Saying) (map[int64]*profile, error) {
	profiles := map[int64]*profile{}
	var ids []int64
	for _, s := range sayings {
		if profiles[s.ID] == nil {
			profiles[s.ID] = newProfile()
			ids = append(ids, s.ID)
		}
	}
	rows, err := dbsqlc.New().ProfileList(ctx, tx, dbsqlc.ProfileListParams{Subject: of, SubjectIds: ids})
	if err != nil {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	for _, row := range rows {
		if profiles[row.SubjectID], err = read(row); err != nil {
			return nil, err
		}
	}
	return profiles, nil
}

func read(row dbsqlc.ProfileListRow) (*profile, error) {
	p := newProfile()
	p.updated = row.UpdatedAt
	for _, part := range []struct {
		text []byte
		into any
	}{{row.Traits, &p.said.values}, {row.SaidAt, &p.said.at}, {row.Once, &p.once.values}, {row.OnceAt, &p.once.at}} {
		if err := json.Unmarshal(part.text, part.into); err != nil {
			return nil, fmt.Errorf("read profile: %w", err)
		}
	}
	for _, t := range []traits{p.said, p.once} {
		for name, value := range t.values { // PostgreSQL writes them in its own way
			t.values[name] = canonical(value)
		}
	}
	return p, nil
}

func save(ctx context.Context, tx pgx.Tx, of Subject, profiles map[int64]*profile) error {
	p := dbsqlc.ProfileSaveParams{Subject: of}
	for id, profile := range profiles {
		p.SubjectIds = append(p.SubjectIds, id)
		p.UpdatedAts = append(p.UpdatedAts, profile.updated)
		for _, part := range []struct {
			value any
			into  *[][]byte
		}{{profile.said.values, &p.Traits}, {profile.said.at, &p.SaidAts}, {profile.once.values, &p.Onces}, {profile.once.at, &p.OnceAts}} {
			text, err := json.Marshal(part.value)
			if err != nil {
				return fmt.Errorf("write profile: %w", err)
			}
			*part.into = append(*part.into, text)
		}
	}
	if err := dbsqlc.New().ProfileSave(ctx, tx, p); err != nil {
		return fmt.Errorf("save profiles: %w", err)
	}
	return nil
}

// Merged gives the traits of one person from those of their identities: of each trait what
// was said last, and where nothing was, what was said once, first.
func Merged(rows []dbsqlc.ProfileListRow) (map[string]json.RawMessage, error) {
	whole := newProfile()
	for _, row := range rows {
		one, err := read(row)
		if err != nil {
			return nil, err
		}
		for name, value := range one.said.values {
			whole.said.say(name, value, one.said.at[name])
		}
		for name, value := range one.once.values {
			whole.once.sayOnce(name, value, one.once.at[name])
		}
	}
	merged := whole.once.values
	maps.Copy(merged, whole.said.values)
	return merged, nil
}
