package mail

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"
)

// postOffice is a mail server in this process.
type postOffice struct {
	mu    sync.Mutex
	mails []delivered
	fail  error
}

type delivered struct {
	from string
	to   []string
	text string
}

type visit struct {
	office *postOffice
	delivered
}

func (o *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &visit{office: o}, nil }
func (v *visit) Reset()                                           {}
func (v *visit) Logout() error                                    { return nil }
func (v *visit) Mail(from string, _ *smtp.MailOptions) error      { v.from = from; return nil }
func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.to = append(v.to, to)
	return v.office.fail
}

func (v *visit) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	v.text = string(data)
	v.office.mu.Lock()
	defer v.office.mu.Unlock()
	v.office.mails = append(v.office.mails, v.delivered)
	return err
}

func open(t *testing.T, office *postOffice) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(office)
	server.Domain, server.ReadTimeout, server.WriteTimeout = "localhost", 10*time.Second, 10*time.Second
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return listener.Addr().String()
}

// Whatever stands in a name, one mail goes to one person (rule 24).
func TestAMailGoesToOnePerson(t *testing.T) {
	office := &postOffice{}
	sender, err := NewSMTP("smtp://"+open(t, office)+"?tls=none", "Tidemark <tidemark@example.com>")
	if err != nil {
		t.Fatal(err)
	}
	const trick = "Acme\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>"
	id := uuid.New()
	if err := sender.Send(t.Context(), id, Message{To: "ann@example.com", Subject: trick, Text: "Hello\n.\nQUIT\n"}); err != nil {
		t.Fatal(err)
	}
	if len(office.mails) != 1 || office.mails[0].from != "tidemark@example.com" || len(office.mails[0].to) != 1 || office.mails[0].to[0] != "ann@example.com" {
		t.Fatalf("%+v", office.mails)
	}
	head, body, _ := strings.Cut(office.mails[0].text, "\r\n\r\n")
	if strings.Contains(head, "\r\nBcc") || !strings.Contains(head, "Auto-Submitted: auto-generated") || !strings.Contains(head, id.String()+"@example.com") {
		t.Errorf("the head is %q", head)
	}
	if !strings.Contains(head, "text/plain") || !strings.Contains(body, "QUIT") {
		t.Errorf("the mail is %q", office.mails[0].text)
	}
	for _, to := range []string{"ann@example.com\r\nRCPT TO:<eve@example.com>", "ann@example.com, eve@example.com", "Ann <ann@example.com>", "", "ann"} {
		if err := sender.Send(t.Context(), id, Message{To: to, Subject: "x"}); err == nil {
			t.Errorf("%q is sent to", to)
		}
	}
	office.fail = &smtp.SMTPError{Code: 450, Message: "later"}
	if err := sender.Send(t.Context(), id, Message{To: "ann@example.com", Subject: "x"}); err == nil {
		t.Error("a mail that was refused is sent")
	}
}

// A server that does not speak TLS gets no mail, unless that is said.
func TestMailIsNotSentInTheOpen(t *testing.T) {
	office := &postOffice{}
	sender, err := NewSMTP("smtp://"+open(t, office), "tidemark@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), uuid.New(), Message{To: "ann@example.com", Subject: "x"}); err == nil || len(office.mails) > 0 {
		t.Errorf("%v, %d mails", err, len(office.mails))
	}
	for _, bad := range []string{"", "x", "http://host", "smtp://", "smtp://user:secret@host:x", "smtp://host/path"} {
		if _, err := NewSMTP(bad, "tidemark@example.com"); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := NewSMTP("smtp://host", "nobody"); err == nil {
		t.Error("a sender without an address is taken")
	}
}

func TestAFolderKeepsMailForItsOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	folder, err := NewFolder(dir, "tidemark@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Send(t.Context(), uuid.New(), Message{To: "ann@example.com", Subject: "Hello", Text: "x"}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 || !strings.HasSuffix(files[0], ".eml") {
		t.Fatalf("%v, %v", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestALineIsOne(t *testing.T) {
	for text, want := range map[string]string{
		"a\r\nb": "a b", "a\u202eb": "a b", " a\t b ": "a b", "a\u2028b\x00": "a b", "\xffa": "a", "Ünïcode ✓": "Ünïcode ✓",
	} {
		if got := Line(text, 60); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Line(strings.Repeat("x", 100), 10); got != "xxxxxxxxx…" {
		t.Errorf("%q", got)
	}
	if err := CheckAddress("a@b\n"); !errors.As(err, new(addressError)) {
		t.Errorf("%v", err)
	}
}
