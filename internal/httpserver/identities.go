package httpserver

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Visits sends browsers to providers of identities, and takes them back.
type Visits interface {
	StartVisit(ctx context.Context, in tenant.ID, provider uuid.UUID, challenge string) (to, cookie string, err error)
	FinishVisit(ctx context.Context, cookie, state, code, issuer string) (string, error)
}

const (
	visitCookie  = "tidemark-visit"
	visitSeconds = 600
)

// Identities makes the two pages of a sign-in at a provider of identities: the one that it
// begins with, and the one that the provider sends the browser back to. What comes of it goes
// to the app's page signed-in, in the fragment: `code`, or `error` with a fault's code.
func Identities(visits Visits, app *url.URL, secure bool) http.Handler {
	p := identityPages{visits, app, secure}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/oidc/{tenant}/{provider}/start", p.start)
	mux.HandleFunc("GET /auth/oidc/callback", p.finish)
	mux.HandleFunc("/", notFound)
	return mux
}

type identityPages struct {
	visits Visits
	app    *url.URL
	secure bool
}

func (p identityPages) start(w http.ResponseWriter, r *http.Request) {
	in, tenantErr := tenant.Parse(r.PathValue("tenant"))
	provider, providerErr := uuid.Parse(r.PathValue("provider"))
	if tenantErr != nil || providerErr != nil {
		notFound(w, r)
		return
	}
	to, cookie, err := p.visits.StartVisit(r.Context(), in, provider, r.URL.Query().Get("challenge"))
	if err != nil {
		f, _ := fault.Of(err)
		writeError(w, r, f)
		return
	}
	p.setCookie(w, cookie, visitSeconds)
	redirect(w, r, to)
}

func (p identityPages) finish(w http.ResponseWriter, r *http.Request) {
	p.setCookie(w, "", -1) // whatever comes of it, it is over
	answer := url.Values{}
	code, err := p.code(r)
	if err != nil {
		f, _ := fault.Of(err)
		answer.Set("error", string(f.Code))
	} else {
		answer.Set("code", code)
	}
	to := p.app.JoinPath("signed-in")
	to.Fragment = answer.Encode()
	redirect(w, r, to.String())
}

func (p identityPages) code(r *http.Request) (string, error) {
	cookie, err := r.Cookie(p.cookieName())
	if err != nil {
		return "", fault.New(fault.Unauthenticated, "The sign-in was not begun in this browser.")
	}
	says := r.URL.Query()
	if says.Get("error") != "" { // the provider's own, or that somebody has changed their mind
		return "", fault.New(fault.Forbidden, "The provider of identities let nobody in.").Because(errors.New("it answered with an error"))
	}
	return p.visits.FinishVisit(r.Context(), cookie.Value, says.Get("state"), says.Get("code"), says.Get("iss"))
}

// cookieName is, where there is TLS, one that no other host of the domain can set (RFC 6265bis,
// 4.1.3.2).
func (p identityPages) cookieName() string {
	if p.secure {
		return "__Host-" + visitCookie
	}
	return visitCookie
}

// setCookie is Lax: the browser comes back from another site, by a GET.
func (p identityPages) setCookie(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
	})
}

func redirect(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}
