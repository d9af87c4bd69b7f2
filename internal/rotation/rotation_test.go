package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/rotation"
	"github.com/tidemarkhq/tidemark/internal/secret"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// Two places, one with a key of two parts and a column that may be empty.
var (
	simple = secret.Place{Table: "rotated", Column: "sealed_a", Key: []string{"id"}, Role: postgres.WorkerRole, Prefix: "a/"}
	paired = secret.Place{Table: "rotated pair", Column: "sealed_b", Key: []string{"owner_id", "n"}, Role: postgres.WorkerRole, Prefix: "b/"}
	places = []secret.Place{simple, paired}
)

// safe is a database with secrets that older has sealed.
type safe struct {
	*testing.T
	url          string
	conn         *pgx.Conn
	older, newer secret.Key
	owner        uuid.UUID
}

func newSafe(t *testing.T, secrets int) *safe {
	t.Helper()
	s := &safe{T: t, url: testkit.Database(t), older: generate(t), newer: generate(t), owner: uuid.New()}
	conn, err := pgx.Connect(t.Context(), s.url)
	if err != nil {
		t.Fatal(err)
	}
	s.conn = conn
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	s.exec(`create table rotated (id uuid primary key, sealed_a bytea not null)`)
	s.exec(`create table "rotated pair" (owner_id uuid, n bigint, sealed_b bytea, primary key (owner_id, n))`)
	s.exec(`grant select, update on rotated, "rotated pair" to tidemark_worker`)
	v := s.vault(s.older)
	for n := range secrets {
		id := uuid.New()
		s.exec(`insert into rotated values ($1, $2)`, id, s.seal(v, simple, id.String()))
		s.exec(`insert into "rotated pair" values ($1, $2, $3)`, s.owner, n, s.seal(v, paired, s.owner.String(), fmt.Sprint(n)))
		s.exec(`insert into "rotated pair" values ($1, $2, null)`, s.owner, -n-1)
	}
	return s
}

func generate(t *testing.T) secret.Key {
	t.Helper()
	k, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (s *safe) exec(statement string, args ...any) {
	s.Helper()
	if _, err := s.conn.Exec(s.Context(), statement, args...); err != nil {
		s.Fatal(err)
	}
}

func (s *safe) vault(keys ...secret.Key) *secret.Vault {
	s.Helper()
	v, err := secret.New(keys)
	if err != nil {
		s.Fatal(err)
	}
	return v
}

// seal seals a text that tells where it belongs.
func (s *safe) seal(v *secret.Vault, p secret.Place, key ...string) []byte {
	s.Helper()
	sealed, err := v.Seal([]byte("of "+fmt.Sprint(key)), p.Context(key...))
	if err != nil {
		s.Fatal(err)
	}
	return sealed
}

func (s *safe) rotate(ctx context.Context, report func(done, total int)) (rotation.Result, error) {
	return rotation.Run(ctx, s.url, s.vault(s.newer, s.older), places, report)
}

// opened counts the secrets that open with the keys, and fails for one that is not itself.
func (s *safe) opened(keys ...secret.Key) (n int) {
	s.Helper()
	v := s.vault(keys...)
	rows, err := s.conn.Query(s.Context(), `
		select 'a', id, 0, sealed_a from rotated
		union all
		select 'b', owner_id, n, sealed_b from "rotated pair" where sealed_b is not null`)
	if err != nil {
		s.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var place string
		var id [16]byte
		var number int
		var sealed []byte
		if err := rows.Scan(&place, &id, &number, &sealed); err != nil {
			s.Fatal(err)
		}
		p, key := simple, []string{uuid.UUID(id).String()}
		if place == "b" {
			p, key = paired, append(key, fmt.Sprint(number))
		}
		plain, err := v.Open(sealed, p.Context(key...))
		if err != nil {
			continue
		}
		if n++; string(plain) != "of "+fmt.Sprint(key) {
			s.Errorf("%v holds %q", key, plain)
		}
	}
	if err := rows.Err(); err != nil {
		s.Fatal(err)
	}
	return n
}

func silent(int, int) {}

// Afterwards the new key alone opens everything, and running again finds nothing to do.
func TestRotation(t *testing.T) {
	const each = 450 // more than two batches
	s := newSafe(t, each)
	var reports [][2]int
	result, err := s.rotate(t.Context(), func(done, total int) { reports = append(reports, [2]int{done, total}) })
	if err != nil || result.Secrets != 2*each || result.Rewrapped != 2*each || result.Failed != 0 {
		t.Fatalf("it comes to %+v, %v", result, err)
	}
	if n := s.opened(s.newer); n != 2*each {
		t.Errorf("%d of %d open with the new key", n, 2*each)
	}
	if n := s.opened(s.older); n != 0 {
		t.Errorf("%d open with the old key still", n)
	}
	for i, r := range reports {
		if r[1] != 2*each || i > 0 && r[0] < reports[i-1][0] || i == len(reports)-1 && r[0] != 2*each {
			t.Errorf("progress was %v", reports)
			break
		}
	}
	if result, err := s.rotate(t.Context(), silent); err != nil || result.Rewrapped != 0 || result.Secrets != 2*each {
		t.Errorf("the second time it comes to %+v, %v", result, err)
	}
}

// Ended after any batch, everything opens still, and the next run goes on.
func TestARotationCanBeEndedAnywhere(t *testing.T) {
	const each = 450
	s := newSafe(t, each)
	rewrapped, ended := 0, 0
	for {
		ctx, cancel := context.WithCancel(t.Context())
		result, err := s.rotate(ctx, func(int, int) {
			if s.opened(s.newer) > rewrapped {
				cancel()
			}
		})
		cancel()
		rewrapped += result.Rewrapped
		if n := s.opened(s.newer, s.older); n != 2*each {
			t.Fatalf("%d of %d can be opened", n, 2*each)
		}
		if n := s.opened(s.newer); n != rewrapped {
			t.Fatalf("%d are rewrapped, and it says %d", n, rewrapped)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		ended++
	}
	if rewrapped != 2*each || ended < 4 {
		t.Errorf("%d were rewrapped, and it was ended %d times", rewrapped, ended)
	}
}

// What does not open is named, and left as it is; the rest is rewrapped.
func TestWhatDoesNotOpenIsNamed(t *testing.T) {
	s := newSafe(t, 10)
	damaged, stranger := uuid.New(), uuid.New()
	s.exec(`insert into rotated values ($1, 'nonsense')`, damaged)
	s.exec(`insert into rotated values ($1, $2)`, stranger, s.seal(s.vault(generate(t)), simple, stranger.String()))
	s.exec(`update "rotated pair" set sealed_b = (select sealed_b from "rotated pair" where n = 1) where n = 2`)
	result, err := s.rotate(t.Context(), silent)
	if err != nil || result.Rewrapped != 19 || result.Failed != 3 || len(result.Failures) != 3 {
		t.Fatalf("it comes to %+v, %v", result, err)
	}
	for _, f := range result.Failures {
		switch {
		case f.Key[0] == damaged.String() && errors.Is(f.Err, secret.ErrDamaged):
		case f.Key[0] == stranger.String() && errors.Is(f.Err, secret.ErrUnknownKey):
		case len(f.Key) == 2 && f.Key[1] == "2" && errors.Is(f.Err, secret.ErrDamaged): // was moved there
		default:
			t.Errorf("it names %v", f)
		}
	}
	if n := s.opened(s.newer); n != 19 {
		t.Errorf("%d open with the new key", n)
	}
}

// What another server has sealed behind the rotation's back is found by the next pass.
func TestSecretsThatCameMeanwhile(t *testing.T) {
	s := newSafe(t, 250)
	v := s.vault(s.older)
	once := false
	result, err := s.rotate(t.Context(), func(int, int) {
		if once {
			return
		}
		once = true
		id := uuid.Nil // is before all others
		s.exec(`insert into rotated values ($1, $2)`, id, s.seal(v, simple, id.String()))
	})
	if err != nil || result.Failed != 0 || result.Rewrapped != 501 {
		t.Fatalf("it comes to %+v, %v", result, err)
	}
	if n := s.opened(s.newer); n != 501 {
		t.Errorf("%d of 501 open with the new key", n)
	}
}

// A secret that is replaced between being read and being written stays the newer one.
func TestTheNewerSecretWins(t *testing.T) {
	s := newSafe(t, 3)
	context := paired.Context(s.owner.String(), "1")
	replaced, err := s.vault(s.older).Seal([]byte("newer"), context)
	if err != nil {
		t.Fatal(err)
	}
	other, err := pgx.Connect(t.Context(), s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(t.Context())
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `update "rotated pair" set sealed_b = $1 where n = 1`, replaced); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := s.rotate(t.Context(), silent); done <- err }()
	for waits := false; !waits; { // for the other's lock
		err := s.conn.QueryRow(t.Context(), `select exists (select from pg_locks where not granted)`).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var sealed []byte
	if err := s.conn.QueryRow(t.Context(), `select sealed_b from "rotated pair" where n = 1`).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	if plain, err := s.vault(s.newer).Open(sealed, context); err != nil || string(plain) != "newer" {
		t.Errorf("it holds %q, %v", plain, err)
	}
}

// Servers that go on sealing under the old key are not chased for ever.
func TestARotationThatOthersUndoEnds(t *testing.T) {
	s := newSafe(t, 1)
	v := s.vault(s.older)
	_, err := s.rotate(t.Context(), func(int, int) {
		s.exec(`update "rotated pair" set sealed_b = $2 where owner_id = $1 and n = 0`, s.owner, s.seal(v, paired, s.owner.String(), "0"))
		s.exec(`delete from rotated`)
		id := uuid.New()
		s.exec(`insert into rotated values ($1, $2)`, id, s.seal(v, simple, id.String()))
	})
	if err == nil {
		t.Error("it says that it is done")
	}
}
