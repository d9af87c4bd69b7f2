package app

import (
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/demo"
	"github.com/tidemarkhq/tidemark/internal/embedded"
)

// Addresses are where everything is, as up.json tells scripts.
type Addresses struct {
	GraphQL      string `json:"graphql"`
	GraphQLWS    string `json:"graphqlWs"`
	Playground   string `json:"playground"`
	Ingest       string `json:"ingest"`
	WriteKey     string `json:"writeKey,omitempty"`
	ReadKey      string `json:"readKey,omitempty"`
	OtherReadKey string `json:"otherReadKey,omitempty"` // of a tenant that must see nothing of the first
	Postgres     string `json:"postgres"`
	Redis        string `json:"redis"`

	base string
	mail string // folder; empty: mail is sent
}

func addressesOf(address net.Addr, config Config, state DemoState) Addresses {
	web, socket := "http://"+address.String(), "ws://"+address.String()
	if config.TLSCert != "" {
		web, socket = "https://"+address.String(), "wss://"+address.String()
	}
	a := Addresses{
		base:    web,
		GraphQL: web + "/graphql", GraphQLWS: socket + "/graphql",
		Playground: web + "/playground", Ingest: web + "/v1/track",
		Postgres: config.DatabaseURL, Redis: config.RedisURL,
	}
	a.mail = config.People.MailDir
	if len(state.Tenants) > 1 {
		a.WriteKey, a.ReadKey = state.Tenants[0].WriteKey, state.Tenants[0].ReadKey
		a.OtherReadKey = state.Tenants[1].ReadKey
	}
	return a
}

// printBanner tells a person where to look and what to try.
func printBanner(out io.Writer, a Addresses, state DemoState, services *embedded.Services, playground bool, dir string) {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	line("")
	line("  Tidemark is up.")
	line("")
	line("  Playground  %s", a.Playground)
	if !playground {
		line("              (not built: it needs Node. Install it and run make web; the API works without)")
	}
	line("  GraphQL     %s", a.GraphQL)
	line("  Websocket   %s", a.GraphQLWS)
	line("  Ingest      %s", a.Ingest)
	for _, note := range services.Notes() {
		line("  Runs on     %s", note)
	}
	if services.RedisInProcess() {
		line("              (an in-process stand-in for Redis: install redis-server for the real one)")
	}
	if dir := a.mail; dir != "" {
		line("  Mail        is written to %s", dir)
	}
	printDemo(line, a, state)
	line("")
	line("  Ctrl-C stops everything. The data stays in %s, and the addresses in %s/up.json.", dir, dir)
	line("")
	_, _ = io.WriteString(out, text.String())
}

func printDemo(line func(string, ...any), a Addresses, state DemoState) {
	if len(state.Tenants) == 0 {
		return
	}
	for i, c := range demo.Companies() {
		line("")
		line("  Demo        %s, %s", c.Name, c.Zone)
		line("  read key    %s", state.Tenants[i].ReadKey)
		line("  write key   %s", state.Tenants[i].WriteKey)
		line("  manage key  %s", state.Tenants[i].ManageKey)
		for _, p := range state.Tenants[i].People {
			line("  sign in as  %s (%s), password %s", p.Email, strings.ToLower(p.Role), state.Password)
		}
		for _, s := range state.plan().Stories(c) {
			line("              %s  %s", s.At.Format("2006-01-02"), s.Title)
		}
	}
	line("")
	line("  Try         curl %s -u %s: -d '{\"event\":\"Hello\",\"userId\":\"me\"}'", a.Ingest, a.WriteKey)
}
