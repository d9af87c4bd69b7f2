package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tidemarkhq/tidemark/internal/secret"
)

// secretKeysFile is what "tidemark up" keeps its secret keys in.
const secretKeysFile = "secret.keys"

// maxKeysFile bounds what is read of a file of secret keys, in bytes.
const maxKeysFile = 64 << 10

// othersMay are the rights that nobody but owner and group may have on a file of secret
// keys, and the group only to read: it is how orchestrators hand secrets to a process.
const othersMay = 0o027

var errNoSecretKeys = errors.New("TIDEMARK_SECRET_KEYS or TIDEMARK_SECRET_KEYS_FILE is not set: " +
	"what must be stored and read again is sealed under it (tidemark secret generate makes one)")

// NeedSecretKeys reports that no secret keys are configured. [Config.Check] reports what is
// wrong with those that are.
func (c Config) NeedSecretKeys() error {
	if c.SecretKeys == "" && c.SecretKeysFile == "" {
		return errNoSecretKeys
	}
	return nil
}

// Vault is the vault of the configured secret keys.
func (c Config) Vault() (*secret.Vault, error) {
	if err := c.NeedSecretKeys(); err != nil {
		return nil, err
	}
	if c.SecretKeys != "" && c.SecretKeysFile != "" {
		return nil, errors.New("TIDEMARK_SECRET_KEYS and TIDEMARK_SECRET_KEYS_FILE are both set: which one is it?")
	}
	name, text := "TIDEMARK_SECRET_KEYS", c.SecretKeys
	if text == "" {
		var err error
		name = "TIDEMARK_SECRET_KEYS_FILE"
		if text, err = readKeysFile(c.SecretKeysFile); err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
	}
	keys, err := secret.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return secret.New(keys)
}

func (c Config) checkSecretKeys() error {
	if c.SecretKeys == "" && c.SecretKeysFile == "" {
		return nil // not every command needs them
	}
	_, err := c.Vault()
	return err
}

func readKeysFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", errors.New("names a file that cannot be read")
	}
	if mode := info.Mode(); runtime.GOOS != "windows" && mode.Perm()&othersMay != 0 {
		return "", fmt.Errorf("names a file that others may read or write (mode %04o): chmod 600 it", mode.Perm())
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeysFile {
		return "", errors.New("names what is no file of keys")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", errors.New("names a file that cannot be read")
	}
	return string(text), nil
}

// KeepSecretKeys names the file of secret keys in dir where none are configured, and makes it
// with a new key if it is not there: whoever keeps the folder can open what was sealed.
func KeepSecretKeys(config Config, dir string) (Config, error) {
	if config.NeedSecretKeys() == nil {
		return config, nil
	}
	config.SecretKeysFile = filepath.Join(dir, secretKeysFile)
	if _, err := os.Stat(config.SecretKeysFile); err == nil {
		_, err := config.Vault()
		return config, err
	}
	key, err := secret.Generate()
	if err != nil {
		return config, err
	}
	return config, writePrivate(config.SecretKeysFile, []byte(key.Text()+"\n"))
}
