package people

import (
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

func TestAPasswordIsLongAndNobodysFirstGuess(t *testing.T) {
	for password, want := range map[string]string{
		"":                                   "at least 12",
		"elevenchars":                        "at least 12",
		strings.Repeat("correct-horse ", 10): "at most 128",
		"\xff\xfe-wrong-encoding":            "cannot be typed",

		"password1234": "everybody", "Password12345!": "everybody", "P@ssw0rd123456": "everybody", "passwordpassword": "everybody",
		"123456789012": "everybody", "111111111111": "everybody", "121212121212": "everybody", "abcdefghijkl": "everybody",
		"qwertyuiop12": "everybody", "1q2w3e4r5t6y": "everybody", "1qaz2wsx3edc": "everybody", "qwerty123456": "everybody",
		"iloveyou1234": "everybody", "iloveyou2000!": "everybody", "ILOVEYOUFOREVER": "everybody", "manchesterunited": "everybody",
		"administrator": "everybody", "letmein12345": "everybody", "Welcome2024!": "everybody", "Summer2025!!": "everybody",
		"liverpool2005": "everybody", "abc123abc123": "everybody", "unbelievable": "everybody", "asdfghjkl123": "everybody",
		"jesuslovesme": "everybody", "sunshine2020": "everybody", "monkeymonkey": "everybody", "princess-angel": "everybody",
		"harleydavidson": "everybody", "aaaaaaaaaaaaaaaa": "everybody", "zxcvbnm,./zxcvbnm": "everybody", "correcthorsebatterystaple": "everybody",

		"Ann.Smith1985": "about you", "acme.example.2026": "about you", "Tidemark-2026": "about you", "SmithAnnAcme": "about you",

		"tulip granite ferry": "", "xK9#mQ2$vL7p": "", "Straße über Würzburg": "", "пароль не для всех": "",
		"brass lantern oversea 7": "", "fjord-walnut-cymbal": "", strings.Repeat("walnut cymbal ", 9): "",
	} {
		err := policy{}.check("password", password, "Ann Smith", "ann.smith@acme.example")
		f, ok := fault.Of(err)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q is refused: %v", password, err)
		case want != "" && (!ok || f.Field != "password" || f.Code != fault.BadUserInput || !strings.Contains(f.Message, want)):
			t.Errorf("%q: %v, want %q", password, err, want)
		case want != "" && password != "" && strings.Contains(f.Message, password):
			t.Errorf("the message repeats %q", password)
		}
	}
}

// Two spellings of a letter are one, and have one length.
func TestLengthIsThatOfWhatOneSees(t *testing.T) {
	if err := (policy{}).check("password", strings.Repeat("e\u0301", 11)+"x"+"yz"); err == nil || !strings.Contains(err.Error(), "everybody") {
		t.Errorf("few characters: %v", err)
	}
	if err := (policy{}).check("password", "zo\u0308gerliche"); err == nil || !strings.Contains(err.Error(), "at least 12") {
		t.Errorf("eleven letters of twelve code points: %v", err)
	}
}

// A folder of stolen passwords is asked by the hash alone.
func TestAStolenPasswordIsFound(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenBreached(dir); err == nil {
		t.Error("an empty folder is taken")
	}
	if _, err := OpenBreached(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there is taken")
	}
	const stolen, suffixed = "tulip granite ferry", "brass lantern oversea"
	for password, name := range map[string]string{stolen: "%s.txt", suffixed: "%s"} {
		sum := fmt.Sprintf("%X", sha1.Sum([]byte(password)))
		content := "0000000000000000000000000000000000A:3\r\n" + sum[5:] + ":17\r\n"
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(name, sum[:5])), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := OpenBreached(dir)
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{stolen: true, suffixed: true, "fjord-walnut-cymbal": false} {
		err := policy{list}.check("password", password)
		if (err != nil) != want {
			t.Errorf("%q: %v", password, err)
		}
	}
}
