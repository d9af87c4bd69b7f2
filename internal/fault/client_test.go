package fault

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAClientIsKnownInItsRequest(t *testing.T) {
	if got := ClientOf(context.Background()); got != (Client{}) {
		t.Errorf("outside of a request: %+v", got)
	}
	want := Client{Address: netip.MustParseAddr("192.0.2.1"), UserAgent: "curl/8", Secure: true}
	if got := ClientOf(WithClient(context.Background(), want)); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestUserAgentsAreBounded(t *testing.T) {
	for name, text := range map[string]string{
		"long": strings.Repeat("x", 10_000), "cut within a letter": strings.Repeat("x", 255) + "é", "no UTF-8": "a\xff\xfeb",
	} {
		got := ClientOf(WithClient(context.Background(), Client{UserAgent: text})).UserAgent
		if len(got) > 256 || len(got) < 2 || !utf8.ValidString(got) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
