// Package mail sends mail: it is put into an outbox in the transaction that it tells of, and a
// worker delivers it, by SMTP or into a folder. What is put is delivered at least once, or
// given up after days; nobody who puts it waits for a mail server, and a header holds what was
// meant for it, whatever is in a name.
package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/secret"
)

// Message is a mail of plain text to one person.
type Message struct {
	To      string // an address alone
	Subject string
	Text    string
}

// Place is where mail waits, for the rotation of keys.
var Place = secret.Place{Table: "mail_outbox", Column: "sealed_mail", Key: []string{"mail_id"}, Role: "tidemark_worker", Prefix: "mail/"}

// Outbox takes mail in.
type Outbox struct{ vault *secret.Vault }

// NewOutbox makes an outbox that seals what waits in it: mail has links that sign people in.
func NewOutbox(vault *secret.Vault) *Outbox { return &Outbox{vault} }

// Put has a mail sent if the transaction commits.
func (o *Outbox) Put(ctx context.Context, tx pgx.Tx, m Message) error {
	if err := CheckAddress(m.To); err != nil {
		return fmt.Errorf("put mail: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("put mail: %w", err)
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("put mail: %w", err)
	}
	sealed, err := o.vault.Seal(plain, Place.Context(id.String()))
	if err != nil {
		return fmt.Errorf("put mail: %w", err)
	}
	if err := dbsqlc.New().MailPut(ctx, tx, dbsqlc.MailPutParams{MailID: id, SealedMail: sealed}); err != nil {
		return fmt.Errorf("put mail: %w", err)
	}
	return nil
}

// maxAddress is RFC 5321's (4.5.3.1.3), without the angle brackets.
const maxAddress = 254

// errAddress says no more: an address may be anything that somebody typed.
type addressError struct{}

func (addressError) Error() string { return "this is not an e-mail address" }

// CheckAddress looks whether an address has the form user@host, of characters that are safe
// in a header. Whether somebody has it, only a mail tells.
func CheckAddress(address string) error {
	if len(address) < 3 || len(address) > maxAddress || !utf8.ValidString(address) {
		return addressError{}
	}
	if strings.ContainsFunc(address, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>()[]\,;:"`, r)
	}) {
		return addressError{}
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" {
		return addressError{}
	}
	return nil
}

// line makes one line of a text that may have been typed by anybody, for a subject or a
// sentence: no line ends, nor what changes the direction of writing.
func line(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))), " ")
}

// Line makes one line of a text that may have been typed by anybody, of at most so many
// characters.
func Line(text string, most int) string {
	runes := []rune(line(text))
	if len(runes) > most {
		runes = append(runes[:most-1], '…')
	}
	return string(runes)
}

// Sender delivers a mail. Its error says that it may be tried again.
type Sender interface {
	Send(ctx context.Context, id uuid.UUID, m Message) error
}

// sendWithin bounds one delivery, the connection included.
const sendWithin = 30 * time.Second
