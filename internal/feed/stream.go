package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// maxTopics is how many topics of one transaction are told apart; a larger one is
// announced as a gap, which costs less than telling.
const maxTopics = 2_000

// stream is one leader's reading. A position is confirmed to PostgreSQL only after its
// topics were published, so that a leader who dies is taken over without a loss.
type stream struct {
	leader    *Leader
	conn      *pgconn.PgConn
	sight     *sight
	xid       uint32 // of the transaction being read
	tables    map[uint32]*table
	topics    topics // of the transaction being read
	tooMany   bool
	confirmed pglogrepl.LSN
	reported  time.Time
	beating   time.Time // when a heartbeat was sent
	beaten    time.Time // when one came back
}

// table tells which topics a row of it means.
type table struct {
	tenantCol, subjectCol int
	meanings              []meaning
}

// meaning is one topic of a row.
type meaning struct {
	subject  topic.Subject
	key      string // the column that has the key; "" where the subject has none
	keyCol   int    // where it stands; -1: nowhere
	of       string // only of rows whose column subject says so; "" of all
	whose    string // the column that has the tenant, where it is another one than the row's
	whoseCol int
	anybodys bool         // it is of no tenant, as what is whoever's who signs in
	beside   []string     // an update of these columns alone is none of it
	besides  map[int]bool // where they stand
}

// looks are the columns of a tenant that nobody's rights depend on. A column that is not named
// here counts as one that they do.
var looks = []string{
	"name", "zone", "week_start", "currency", "app_name", "logo_url", "accent", "churn_rule", "event_retention_months",
}

// calls are the columns of a tenant that no figure depends on. Here as well, one that is not named
// counts as one that they do.
var calls = []string{"name", "app_name", "logo_url", "accent", "document_mode", "second_factor", "suspended_at"}

// subjects says what a change of each published table is a change of.
var subjects = map[string][]meaning{
	"day_version":    {{subject: topic.Day, key: "day"}},
	"tenant":         {{subject: topic.Tenant}, {subject: topic.Gate, beside: looks}, {subject: topic.Terms, beside: calls}},
	"tenant_limit":   {{subject: topic.Tenant}},
	"api_key":        {{subject: topic.APIKey, key: "api_key_id"}},
	"api_key_use":    {{subject: topic.KeyUse, key: "api_key_id"}},
	"role":           {{subject: topic.Role, key: "role_id"}},
	"member":         {{subject: topic.Member, key: "login_id"}, {subject: topic.Login, key: "login_id", anybodys: true}},
	"session":        {{subject: topic.Session, key: "session_id"}, {subject: topic.Login, key: "login_id", anybodys: true}},
	"login":          {{subject: topic.Login, key: "login_id", anybodys: true}},
	"second_factor":  {{subject: topic.Login, key: "login_id", anybodys: true}},
	"recovery_code":  {{subject: topic.Login, key: "login_id", anybodys: true}},
	"invitation":     {{subject: topic.Invitation, key: "invitation_id"}},
	"identity":       {{subject: topic.Person, key: "identity_id"}, {subject: topic.Person, key: "person_id"}},
	"profile":        {{subject: topic.Person, key: "subject_id", of: "person"}, {subject: topic.Account, key: "subject_id", of: "account"}},
	"account":        {{subject: topic.Account, key: "account_id"}},
	"membership":     {{subject: topic.Account, key: "account_id"}, {subject: topic.Person, key: "identity_id"}},
	"customer_owner": {{subject: topic.Person, key: "subject_id", of: "person"}, {subject: topic.Account, key: "subject_id", of: "account"}},
	"customer_note":  {{subject: topic.Person, key: "subject_id", of: "person"}, {subject: topic.Account, key: "subject_id", of: "account"}},
	"person_merge":   {{subject: topic.PersonMerge}},
	"erasure":        {{subject: topic.Erasure, key: "erasure_id"}},
	"archive_part":   {{subject: topic.Tenant}, {subject: topic.Terms}}, // from when on raw events are there

	"metric_definition": {{subject: topic.Metric, key: "key"}},

	"cohort":            {{subject: topic.Cohort, key: "cohort_id"}},
	"cohort_evaluation": {{subject: topic.Cohort, key: "cohort_id"}},
	"identity_past":     {{subject: topic.Grouping}},

	"health_model":    {{subject: topic.Health}},
	"health_score":    {{subject: topic.Health, key: "account_id"}},
	"health_day":      {{subject: topic.Health, key: "account_id"}},
	"health_change":   {{subject: topic.Health, key: "account_id"}},
	"health_override": {{subject: topic.Health, key: "account_id"}},

	"report":       {{subject: topic.Report}},
	"report_share": {{subject: topic.Report}, {subject: topic.SharedReport, whose: "grantee_id"}},

	"summary":      {{subject: topic.Summary, key: "metric"}},
	"view_refresh": {{subject: topic.View, anybodys: true}},

	"identity_provider": {{subject: topic.Invitation, key: "provider_id"}},
	"tracking_plan":     {{subject: topic.Plan}},
	"registry_state":    {{subject: topic.Plan}},
	"plan_violation":    {{subject: topic.Violation}},
	"quarantined_event": {{subject: topic.Quarantine}},
	"trusted_document":  {{subject: topic.Document}},

	"plan":         {{subject: topic.Revenue}},
	"subscription": {{subject: topic.Revenue}},
	"invoice":      {{subject: topic.Revenue}},
	"payment":      {{subject: topic.Revenue}},
	"fx_rate":      {{subject: topic.Revenue}},
	"trial":        {{subject: topic.Revenue}},
	"mrr_movement": {{subject: topic.Revenue}},

	"ticket": {{subject: topic.Ticket}},

	"audit_entry": {{subject: topic.Audit}},
}

func (s *stream) follow(ctx context.Context) error {
	for {
		if time.Since(s.reported) >= statusEvery {
			if err := s.report(ctx); err != nil {
				return err
			}
		}
		if err := s.beat(ctx); err != nil {
			return err
		}
		message, err := s.receive(ctx)
		if err != nil {
			return err
		}
		if message == nil {
			continue // nothing happened for a while
		}
		if err := s.handle(ctx, message.Data); err != nil {
			return err
		}
	}
}

// beat writes a heartbeat into the log when it is time to, which comes back with everything that
// was written before it. A stream in which it does not come back is dead, whatever its connection
// looks like.
func (s *stream) beat(ctx context.Context) error {
	if time.Since(s.beaten) > silentFor {
		return errors.New("follow changes: the stream has fallen silent")
	}
	if time.Since(s.beating) < BeatEvery {
		return nil
	}
	s.beating = time.Now()
	return s.sight.beat(ctx, s.leader.slot)
}

// receive waits for the next message, and no longer than until the next report or heartbeat is
// due.
func (s *stream) receive(ctx context.Context) (*pgproto3.CopyData, error) {
	wait, cancel := context.WithDeadline(ctx, calendar.Earlier(s.reported.Add(statusEvery), s.beating.Add(BeatEvery)))
	defer cancel()
	raw, err := s.conn.ReceiveMessage(wait)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case pgconn.Timeout(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("receive changes: %w", err)
	}
	switch m := raw.(type) {
	case *pgproto3.CopyData:
		return m, nil
	case *pgproto3.ErrorResponse:
		return nil, fmt.Errorf("receive changes: %w", pgconn.ErrorResponseToPgError(m))
	}
	return nil, nil
}

func (s *stream) handle(ctx context.Context, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	switch data[0] {
	case pglogrepl.PrimaryKeepaliveMessageByteID:
		keepalive, err := pglogrepl.ParsePrimaryKeepaliveMessage(data[1:])
		if err != nil {
			return fmt.Errorf("parse keepalive: %w", err)
		}
		// Between transactions all that the server has sent is done with, and what was
		// not for us needs no keeping.
		if s.topics == nil && keepalive.ServerWALEnd > s.confirmed {
			s.confirmed = keepalive.ServerWALEnd
		}
		if keepalive.ReplyRequested {
			return s.report(ctx)
		}
	case pglogrepl.XLogDataByteID:
		wal, err := pglogrepl.ParseXLogData(data[1:])
		if err != nil {
			return fmt.Errorf("parse WAL data: %w", err)
		}
		return s.change(ctx, wal.WALData)
	}
	return nil
}

func (s *stream) change(ctx context.Context, data []byte) error {
	message, err := pglogrepl.Parse(data)
	if err != nil {
		return fmt.Errorf("parse change: %w", err)
	}
	switch m := message.(type) {
	case *pglogrepl.BeginMessage:
		s.topics, s.tooMany, s.xid = topics{}, false, m.Xid
	case *pglogrepl.RelationMessage:
		s.tables[m.RelationID] = tableOf(m)
	case *pglogrepl.InsertMessage:
		return s.note(m.RelationID, nil, m.Tuple)
	case *pglogrepl.UpdateMessage: // with what was there before, if the key itself was changed, or the table says so
		return s.note(m.RelationID, m.OldTuple, m.NewTuple)
	case *pglogrepl.DeleteMessage:
		return s.note(m.RelationID, m.OldTuple, nil)
	case *pglogrepl.TruncateMessage:
		s.tooMany = true
	case *pglogrepl.LogicalDecodingMessage:
		if m.Prefix == beatPrefix && string(m.Content) == s.leader.slot {
			s.beaten = time.Now()
			return s.leader.publish(ctx, Message{})
		}
	case *pglogrepl.CommitMessage:
		return s.commit(ctx, m.TransactionEndLSN)
	}
	return nil
}

func tableOf(m *pglogrepl.RelationMessage) *table {
	known, ok := subjects[m.RelationName]
	if !ok {
		return nil
	}
	t := &table{tenantCol: -1, subjectCol: -1}
	position := map[string]int{}
	for i, column := range m.Columns {
		position[column.Name] = i
	}
	at := func(name string) int {
		if i, ok := position[name]; ok {
			return i
		}
		return -1
	}
	t.tenantCol, t.subjectCol = at("tenant_id"), at("subject")
	for _, meant := range known {
		meant.keyCol, meant.whoseCol = at(meant.key), at(meant.whose)
		meant.besides = map[int]bool{}
		for _, name := range meant.beside {
			meant.besides[at(name)] = true
		}
		t.meanings = append(t.meanings, meant)
	}
	return t
}

// note adds the topics of a changed row to those of its transaction: as it was, and as it is now,
// nil where there is none or it is not told.
func (s *stream) note(relation uint32, was, is *pglogrepl.TupleData) error {
	t := s.tables[relation]
	if t == nil || s.tooMany {
		return nil
	}
	for _, m := range t.meanings {
		if m.beside != nil && m.passes(was, is) {
			continue
		}
		for _, tuple := range []*pglogrepl.TupleData{was, is} {
			one, told, err := m.topicOf(t, tuple)
			if err != nil {
				return fmt.Errorf("read changed row: %w", err)
			}
			if told {
				s.topics.add(one)
			}
		}
	}
	s.tooMany = len(s.topics) > maxTopics
	return nil
}

// passes tells whether an update changed nothing but columns beside the matter. Where it is not
// told what was there before, it may have changed anything.
func (m meaning) passes(was, is *pglogrepl.TupleData) bool {
	if was == nil || is == nil || len(was.Columns) != len(is.Columns) {
		return false
	}
	for i, now := range is.Columns {
		same := now.DataType == pglogrepl.TupleDataTypeToast || // which is not sent where it is as it was
			now.DataType == was.Columns[i].DataType && bytes.Equal(now.Data, was.Columns[i].Data)
		if !same && !m.besides[i] {
			return false
		}
	}
	return true
}

// topicOf reads one topic of a row; false: the row has none.
func (m meaning) topicOf(t *table, row *pglogrepl.TupleData) (one topic.Topic, told bool, err error) {
	if row == nil || m.of != "" && m.of != column(row, t.subjectCol) {
		return one, false, nil
	}
	one.Subject, one.Key = m.subject, column(row, m.keyCol)
	if m.key != "" && one.Key == "" {
		return one, false, nil // a deleted row comes with its primary key alone
	}
	one.Tenant, told, err = m.tenantOf(t, row)
	return one, told, err
}

// tenantOf tells of whom a row of the table tells; false: it has no more than its primary key.
func (m meaning) tenantOf(t *table, tuple *pglogrepl.TupleData) (of tenant.ID, told bool, err error) {
	switch {
	case m.anybodys:
		return tenant.None, true, nil
	case m.whose != "":
		of, err = tenant.Parse(column(tuple, m.whoseCol))
		return of, err == nil, nil
	}
	of, err = tenant.Parse(column(tuple, t.tenantCol))
	return of, true, err
}

// column gives a column's value as text, which is how pgoutput sends it.
func column(tuple *pglogrepl.TupleData, i int) string {
	if i < 0 || i >= len(tuple.Columns) {
		return ""
	}
	return string(tuple.Columns[i].Data)
}

func (s *stream) commit(ctx context.Context, end pglogrepl.LSN) error {
	m := Message{Gap: s.tooMany}
	if !s.tooMany {
		for t := range s.topics {
			m.Topics = append(m.Topics, t)
		}
	}
	s.topics = nil
	if m.Gap || len(m.Topics) > 0 {
		if err := s.awaitVisible(ctx); err != nil {
			return err
		}
		if err := s.leader.publish(ctx, m); err != nil {
			return err
		}
	}
	s.confirmed = end
	return nil
}

// awaitVisible waits until others can see the transaction: PostgreSQL sends a commit once
// it is on disk, and only then, or after a synchronous standby has it too, makes it visible.
// Told before, a subscriber would read the past and not be told again.
func (s *stream) awaitVisible(ctx context.Context) error {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		visible, err := s.sight.sees(ctx, s.xid)
		if err != nil || visible {
			return err
		}
		if time.Since(s.reported) >= statusEvery {
			if err := s.report(ctx); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// report tells PostgreSQL how far everything has been published.
func (s *stream) report(ctx context.Context) error {
	err := pglogrepl.SendStandbyStatusUpdate(ctx, s.conn, pglogrepl.StandbyStatusUpdate{
		WALWritePosition: s.confirmed, WALFlushPosition: s.confirmed, WALApplyPosition: s.confirmed,
	})
	if err != nil {
		return fmt.Errorf("report position: %w", err)
	}
	s.reported = time.Now()
	return nil
}
