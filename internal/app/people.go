package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/audit"
	"github.com/tidemarkhq/tidemark/internal/httpserver"
	"github.com/tidemarkhq/tidemark/internal/job"
	"github.com/tidemarkhq/tidemark/internal/limit"
	"github.com/tidemarkhq/tidemark/internal/mail"
	"github.com/tidemarkhq/tidemark/internal/people"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// PeopleConfig says how people sign in, and how mail reaches them.
type PeopleConfig struct {
	URL          string `name:"public-url" env:"TIDEMARK_URL" help:"Where browsers reach this server, such as https://tidemark.example.com; by default the address that it listens on."`
	AppURL       string `name:"app-url" env:"TIDEMARK_APP_URL" help:"Page that links in mail lead to, such as https://app.example.com; by default the server's own."`
	SMTPURL      string `name:"smtp-url" env:"TIDEMARK_SMTP_URL" help:"Mail server, as smtp://user:password@host:587 (STARTTLS), smtps://user:password@host:465, or smtp://host:25?tls=none for a relay on this machine. Better given in the environment than here."`
	MailDir      string `name:"mail-dir" env:"TIDEMARK_MAIL_DIR" help:"Folder to write mail into instead, for developing."`
	MailFrom     string `name:"mail-from" env:"TIDEMARK_MAIL_FROM" default:"tidemark@localhost" help:"Address that mail comes from."`
	Breached     string `name:"breached-passwords" env:"TIDEMARK_BREACHED_PASSWORDS" help:"Folder of stolen passwords that are not taken: files of the Pwned Passwords range API, such as 0A1B2.txt."`
	AllowPrivate bool   `name:"allow-private-providers" env:"TIDEMARK_ALLOW_PRIVATE_PROVIDERS" help:"Let providers of identities stand in a private network, and speak plain HTTP."`
}

// check reports what is out of shape. Addresses and passwords are not repeated.
func (c PeopleConfig) check() error {
	var problems []error
	for name, text := range map[string]string{"TIDEMARK_URL": c.URL, "TIDEMARK_APP_URL": c.AppURL} {
		if _, err := parsePage(text); text != "" && err != nil {
			problems = append(problems, fmt.Errorf("%s is not of the form https://host/path", name))
		}
	}
	if c.SMTPURL != "" && c.MailDir != "" {
		problems = append(problems, errors.New("TIDEMARK_SMTP_URL and TIDEMARK_MAIL_DIR are both set: mail goes one way"))
	}
	if c.SMTPURL != "" {
		if _, err := mail.NewSMTP(c.SMTPURL, c.MailFrom); err != nil {
			problems = append(problems, fmt.Errorf("TIDEMARK_SMTP_URL: %w", err))
		}
	}
	if c.Breached != "" {
		if _, err := people.OpenBreached(c.Breached); err != nil {
			problems = append(problems, fmt.Errorf("TIDEMARK_BREACHED_PASSWORDS: %w", err))
		}
	}
	return errors.Join(problems...)
}

func parsePage(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("not a page")
	}
	return u, nil
}

// pages are where browsers reach the server, and where links in mail lead.
func (c Config) pages() (server, app *url.URL, err error) {
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	server = &url.URL{Scheme: scheme, Host: c.Listen}
	if c.People.URL != "" {
		if server, err = parsePage(c.People.URL); err != nil {
			return nil, nil, fmt.Errorf("TIDEMARK_URL: %w", err)
		}
	}
	if c.People.AppURL == "" {
		return server, server, nil
	}
	if app, err = parsePage(c.People.AppURL); err != nil {
		return nil, nil, fmt.Errorf("TIDEMARK_APP_URL: %w", err)
	}
	return server, app, nil
}

// sender is how mail goes out; nil: it is not configured, and waits.
func (c PeopleConfig) sender() (mail.Sender, error) {
	switch {
	case c.SMTPURL != "":
		return mail.NewSMTP(c.SMTPURL, c.MailFrom)
	case c.MailDir != "":
		return mail.NewFolder(c.MailDir, c.MailFrom)
	}
	return nil, nil
}

// keepMail names a folder for mail in dir where nothing is configured.
func keepMail(config Config, dir string) (Config, error) {
	if config.People.SMTPURL != "" || config.People.MailDir != "" {
		return config, nil
	}
	folder, err := filepath.Abs(filepath.Join(dir, "mail"))
	if err != nil {
		return config, fmt.Errorf("find %s: %w", dir, err)
	}
	config.People.MailDir = folder
	return config, nil
}

// Staff is who signs people in, and lets them be managed.
func (n *Node) Staff() (*people.Service, error) {
	server, app, err := n.config.pages()
	if err != nil {
		return nil, err
	}
	o := people.Options{
		Access: n.access, Vault: n.vault, Attempts: limit.NewAttempts(n.limits, n.name), Outbox: mail.NewOutbox(n.vault),
		AppURL: app, ServerURL: server, AllowPrivate: n.config.People.AllowPrivate, Logger: n.logger,
	}
	if n.config.People.Breached != "" {
		if o.Breached, err = people.OpenBreached(n.config.People.Breached); err != nil {
			return nil, err
		}
	}
	return people.NewService(o), nil
}

// mailTasks send what waits, and forget what is over. Who has asked for a new password is found
// out first, so that the mail goes out in the same round.
func (n *Node) mailTasks() ([]job.Task, error) {
	staff, err := n.Staff()
	if err != nil {
		return nil, err
	}
	tasks := []job.Task{
		{Name: "answer requests of passwords", Every: time.Second, Deadline: time.Minute, Do: staff.SendResets},
		{Name: "forget sessions", Every: time.Hour, Deadline: 30 * time.Minute, Do: func(ctx context.Context) error { return people.Forget(ctx, n.worker) }},
	}
	sender, err := n.config.People.sender()
	if err != nil {
		return nil, err
	}
	if sender == nil {
		n.logger.Warn("mail is not sent: neither TIDEMARK_SMTP_URL nor TIDEMARK_MAIL_DIR is set")
		return tasks, nil
	}
	deliverer := mail.NewDeliverer(n.worker, n.vault, sender, n.logger)
	return append(tasks,
		job.Task{Name: "send mail", Every: time.Second, Deadline: 30 * time.Minute, Do: deliverer.Deliver},
		job.Task{Name: "forget mail", Every: time.Hour, Deadline: time.Minute, Do: deliverer.Forget},
	), nil
}

// identityPages are the two pages by which browsers go to providers of identities and come
// back.
func (n *Node) identityPages(staff *people.Service) (http.Handler, error) {
	server, app, err := n.config.pages()
	if err != nil {
		return nil, err
	}
	return httpserver.Identities(staff, app, server.Scheme == "https"), nil
}

// InviteMember invites somebody for whoever runs the installation, and returns the link. It
// works without Redis, and without mail.
func InviteMember(ctx context.Context, config Config, in tenant.ID, email string, role access.Builtin) (string, error) {
	if err := config.Preflight(ctx, Needs{Roles: []string{postgres.AccessRole}}); err != nil {
		return "", fmt.Errorf("the configuration can't work:\n%w", err)
	}
	vault, err := config.Vault()
	if err != nil {
		return "", err
	}
	server, app, err := config.pages()
	if err != nil {
		return "", err
	}
	db, err := postgres.OpenAccess(ctx, config.DatabaseURL, 1, nil)
	if err != nil {
		return "", err
	}
	defer db.Close()
	staff := people.NewService(people.Options{Access: db, Vault: vault, Outbox: mail.NewOutbox(vault), AppURL: app, ServerURL: server})
	return staff.InviteFirst(audit.WithActor(ctx, audit.AtCommandLine()), in, email, role)
}
