package app

import (
	"slices"
	"strings"
	"testing"
)

func TestOriginsAreAsBrowsersWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"https://app.example.com":          "https://app.example.com",
		"https://App.Example.com/":         "https://app.example.com",
		"HTTPS://app.example.com:443":      "https://app.example.com",
		"http://app.example.com:80":        "http://app.example.com",
		"http://localhost:5173":            "http://localhost:5173",
		"https://[2001:db8::1]:8443":       "https://[2001:db8::1]:8443",
		"*":                                "*",
		"":                                 "",
		"app.example.com":                  "",
		"https://":                         "",
		"https://app.example.com/path":     "",
		"https://app.example.com?x":        "",
		"https://app.example.com#x":        "",
		"https://user@app.example.com":     "",
		"ftp://app.example.com":            "",
		"null":                             "",
		"https://*.example.com:port":       "",
		"https://a.example.com b.example/": "",
	} {
		if got, ok := parseOrigin(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v, want %q", text, got, ok, want)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	c := Config{TrustedProxies: []string{"10.1.2.3/8", "192.0.2.1", "2001:db8::/32", "::ffff:198.51.100.1"}}
	if err := c.checkEdge(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, network := range c.proxies() {
		got = append(got, network.String())
	}
	if want := []string{"10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "198.51.100.1/32"}; !slices.Equal(got, want) {
		t.Errorf("%v are trusted, want %v", got, want)
	}
}

func TestWhatIsWrongAtTheEdgeIsSaidAtOnce(t *testing.T) {
	err := Config{
		Origins:        []string{"app.example.com"},
		TrustedProxies: []string{"proxy", "10.0.0.0/33", "0.0.0.0/0", "::/0"},
		TLSCert:        "/nowhere/cert.pem",
	}.checkEdge()
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	for _, want := range []string{
		`TIDEMARK_ORIGINS has an entry that is not of the form https://host: "app.example.com"`,
		`not an address or a network: "proxy"`, `not an address or a network: "10.0.0.0/33"`,
		`trusts everybody: "0.0.0.0/0"`, `trusts everybody: "::/0"`, "TIDEMARK_TLS_CERT and TIDEMARK_TLS_KEY go together",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %s:\n%v", want, err)
		}
	}
	if (Config{TLSCert: "/nowhere/cert.pem", TLSKey: "/nowhere/key.pem"}).checkEdge() == nil {
		t.Error("a certificate that is not there is taken")
	}
}
