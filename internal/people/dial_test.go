package people

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// What is inside is not reached, however it is written (rule 22).
func TestOnlyTheInternetIsPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "0.0.0.0": false,
		"100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "192.0.2.1": false, "198.18.0.1": false, "240.0.0.1": false,
		"::1": false, "::": false, "fe80::1": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false, "::ffff:127.0.0.1": false,
		"::ffff:169.254.169.254": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:db8::1": false, "fe80::1%eth0": false,
	} {
		if got := isPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestNothingInsideIsDialled(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/", http.StatusFound)
		}
		_, _ = w.Write(make([]byte, 2*maxAnswer))
	}))
	defer server.Close()
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0177.0.0.1", "0"} {
		reply, err := outward(false).Get("http://" + host + port)
		if err == nil {
			_ = reply.Body.Close()
			t.Errorf("%s was dialled", host)
		}
	}
	if asked != 0 {
		t.Errorf("%d requests came through", asked)
	}
	if _, err := outward(false).Get("http://127.0.0.1" + port); !errors.Is(err, errShielded) {
		t.Errorf("127.0.0.1: %v", err)
	}
	reply, err := outward(true).Get(server.URL + "/away")
	if err == nil {
		_ = reply.Body.Close()
		t.Error("a redirect is followed")
	}
	reply, err = outward(true).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	n := 0
	for buffer := make([]byte, 64<<10); err == nil; {
		var more int
		more, err = reply.Body.Read(buffer)
		n += more
	}
	if n != maxAnswer {
		t.Errorf("%d bytes of an answer are read", n)
	}
}
