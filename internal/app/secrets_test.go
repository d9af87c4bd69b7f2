package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/secret"
)

func keyText(t *testing.T) string {
	t.Helper()
	k, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return k.Text()
}

func write(t *testing.T, mode os.FileMode, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecretKeysAreRead(t *testing.T) {
	key, retired := keyText(t), keyText(t)
	current, _, _ := strings.Cut(key, ":")
	for name, c := range map[string]Config{
		"environment":        {SecretKeys: key},
		"two":                {SecretKeys: key + "," + retired},
		"file":               {SecretKeysFile: write(t, 0o600, key+"\n"+retired+"\n")},
		"file of the group":  {SecretKeysFile: write(t, 0o440, key)},
		"file with comments": {SecretKeysFile: write(t, 0o400, "# since May\n"+key+"\n")},
	} {
		v, err := c.Vault()
		if err != nil || v.Current() != current || c.NeedSecretKeys() != nil || c.checkSecretKeys() != nil {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

func TestBadSecretKeysAreNamed(t *testing.T) {
	key := keyText(t)
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"both":                {Config{SecretKeys: key, SecretKeysFile: write(t, 0o600, key)}, "both set"},
		"no key":              {Config{SecretKeys: "none"}, "TIDEMARK_SECRET_KEYS: key 1 is not of the form"},
		"no key in the file":  {Config{SecretKeysFile: write(t, 0o600, "# none\n")}, "TIDEMARK_SECRET_KEYS_FILE: there is no key"},
		"no file":             {Config{SecretKeysFile: filepath.Join(t.TempDir(), "none")}, "TIDEMARK_SECRET_KEYS_FILE names a file that cannot be read"},
		"a folder":            {Config{SecretKeysFile: privateFolder(t)}, "no file of keys"},
		"a large file":        {Config{SecretKeysFile: write(t, 0o600, strings.Repeat("#\n", maxKeysFile))}, "no file of keys"},
		"readable by others":  {Config{SecretKeysFile: write(t, 0o604, key)}, "(mode 0604): chmod 600"},
		"writable by a group": {Config{SecretKeysFile: write(t, 0o660, key)}, "(mode 0660): chmod 600"},
	} {
		v, err := c.config.Vault()
		if err == nil || v != nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", name, err)
		}
		if c.config.checkSecretKeys() == nil {
			t.Errorf("%s: the check passes", name)
		}
	}
	if err := (Config{}).NeedSecretKeys(); err == nil || !strings.Contains(err.Error(), "tidemark secret generate") {
		t.Errorf("without keys it says %v", err)
	}
	if err := (Config{}).checkSecretKeys(); err != nil {
		t.Errorf("keys are asked for where none are needed: %v", err)
	}
}

func privateFolder(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// What one run has sealed, the next one opens.
func TestUpKeepsItsSecretKeys(t *testing.T) {
	dir := t.TempDir()
	first, err := KeepSecretKeys(Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := first.Vault()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := v.Seal([]byte("kept"), []byte("here"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := KeepSecretKeys(Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if v, err = again.Vault(); err != nil {
		t.Fatal(err)
	}
	if plain, err := v.Open(sealed, []byte("here")); err != nil || string(plain) != "kept" {
		t.Errorf("it opens as %q, %v", plain, err)
	}
	info, err := os.Stat(again.SecretKeysFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(again.SecretKeysFile, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := KeepSecretKeys(Config{}, dir); err == nil {
		t.Error("a file that others can read was taken")
	}
	configured := Config{SecretKeys: keyText(t)}
	if kept, err := KeepSecretKeys(configured, t.TempDir()); err != nil || kept.SecretKeysFile != "" {
		t.Errorf("configured keys were passed over: %+v, %v", kept, err)
	}
}
