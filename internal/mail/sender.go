package mail

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	gomail "github.com/wneessen/go-mail"
)

// SMTP is how a mail server is reached.
type SMTP struct {
	from   string
	client []gomail.Option
	host   string
}

// NewSMTP reads a URL: smtp://user:password@host:587 speaks STARTTLS and insists on it,
// smtps://user:password@host:465 speaks TLS from the start, and smtp://host:25?tls=none, for a
// relay on this machine, neither. from is the sender's address.
func NewSMTP(text, from string) (*SMTP, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("it is not of the form smtp://user:password@host:587") // the URL has a password: it is not repeated
	}
	if _, err := mail.ParseAddress(from); err != nil {
		return nil, errors.New("the sender's address is not of the form name@host")
	}
	s := &SMTP{from: from, host: u.Hostname(), client: []gomail.Option{gomail.WithTimeout(sendWithin / 2)}}
	port := 587
	switch {
	case u.Scheme == "smtps":
		port = 465
		s.client = append(s.client, gomail.WithSSL())
	case u.Query().Get("tls") == "none":
		s.client = append(s.client, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		s.client = append(s.client, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, errors.New("its port is no number")
		}
	}
	s.client = append(s.client, gomail.WithPort(port))
	if password, has := u.User.Password(); has {
		s.client = append(s.client, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

// Send implements [Sender].
func (s *SMTP) Send(ctx context.Context, id uuid.UUID, m Message) error {
	written, err := compose(s.from, id, m)
	if err != nil {
		return err
	}
	client, err := gomail.NewClient(s.host, s.client...)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, written); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

// Folder keeps mail as files, for developing without a mail server.
type Folder struct{ dir, from string }

// NewFolder makes the folder, for its owner alone: the mail has links that sign people in.
func NewFolder(dir, from string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of mail: %w", err)
	}
	return &Folder{dir, from}, nil
}

// Send implements [Sender]. A mail appears whole, or not at all.
func (f *Folder) Send(_ context.Context, id uuid.UUID, m Message) error {
	written, err := compose(f.from, id, m)
	if err != nil {
		return err
	}
	path := filepath.Join(f.dir, id.String()+".eml")
	if err := written.WriteToFile(path + ".new"); err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	if err := errors.Join(os.Chmod(path+".new", 0o600), os.Rename(path+".new", path)); err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	return nil
}

// compose makes headers of a message.
func compose(from string, id uuid.UUID, m Message) (*gomail.Msg, error) {
	written := gomail.NewMsg()
	if err := errors.Join(CheckAddress(m.To), written.From(from), written.To(m.To)); err != nil {
		return nil, fmt.Errorf("compose mail: %w", err)
	}
	written.Subject(line(m.Subject))
	written.SetMessageIDWithValue(messageID(id, from))
	written.SetDateWithValue(time.Now())
	// Answers by machines, such as that somebody is away, are not wanted (RFC 3834).
	written.SetGenHeader("Auto-Submitted", "auto-generated")
	written.SetBodyString(gomail.TypeTextPlain, m.Text)
	return written, nil
}

func cutLast(text string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(strings.TrimSuffix(text, ">"), sep); i >= 0 {
		return text[:i], strings.TrimSuffix(text[i+1:], ">"), true
	}
	return text, "", false
}
