package people

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // it is how lists of stolen passwords name them, and protects nothing
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Breached looks passwords up in a folder of stolen ones: the files of the Pwned Passwords
// range API, each named by the first five hexadecimal digits of SHA-1 hashes and listing the
// rest of them, as SUFFIX:COUNT. A nil one knows none.
type Breached struct{ dir string }

var rangeFile = regexp.MustCompile(`^[0-9A-F]{5}(\.txt)?$`)

// OpenBreached looks at the folder; its error says what is wrong with it.
func OpenBreached(dir string) (*Breached, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open breached passwords: %w", err)
	}
	for _, e := range entries {
		if rangeFile.MatchString(e.Name()) {
			return &Breached{dir}, nil
		}
	}
	return nil, errors.New("open breached passwords: the folder has no files such as 0A1B2.txt")
}

func (b *Breached) contains(password string) (bool, error) {
	if b == nil {
		return false, nil
	}
	sum := sha1.Sum([]byte(password)) //nolint:gosec // see above
	text := strings.ToUpper(hex.EncodeToString(sum[:]))
	file, err := b.open(text[:5])
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for breached password: %w", err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		suffix, _, _ := strings.Cut(lines.Text(), ":")
		if strings.EqualFold(strings.TrimSpace(suffix), text[5:]) {
			return true, nil
		}
	}
	return false, nil
}

func (b *Breached) open(prefix string) (*os.File, error) {
	file, err := os.Open(filepath.Join(b.dir, prefix+".txt"))
	if errors.Is(err, os.ErrNotExist) {
		return os.Open(filepath.Join(b.dir, prefix))
	}
	return file, err
}
