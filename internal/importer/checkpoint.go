package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkpoint is what is kept between the runs of an import: up to where every row has its
// verdict, and what they were.
type checkpoint struct {
	Version int         `json:"version"`
	File    fingerprint `json:"file"`
	Key     string      `json:"key"`     // a digest: whose import it is
	Options string      `json:"options"` // a digest: how rows were read
	Point   point       `json:"point"`
	Counts  Counts      `json:"counts"`
	Report  int64       `json:"report"` // bytes of the report by then
	Done    bool        `json:"done"`
}

const checkpointVersion = 1

func digestOf(texts ...string) string {
	hash := sha256.New()
	for _, text := range texts {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// readCheckpoint gives what an earlier run has left; nil if nothing.
func readCheckpoint(path string) (*checkpoint, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	var c checkpoint
	if err := json.Unmarshal(text, &c); err != nil || c.Version != checkpointVersion {
		return nil, fmt.Errorf("%s is not a checkpoint that this version can read; --restart begins anew", path)
	}
	return &c, nil
}

// fits finds out why an import can't go on from the checkpoint.
func (c *checkpoint) fits(now checkpoint) error {
	switch {
	case c.File != now.File:
		return errors.New("it has changed since its import began; --restart imports all of it, and rows with the same ids count once")
	case c.Key != now.Key:
		return errors.New("its import began with another key; --restart begins anew")
	case c.Options != now.Options:
		return errors.New("its import began with other options; give the same ones, or --restart to begin anew")
	}
	return nil
}

// save writes the checkpoint, whole or not at all, and makes it outlast a loss of power.
func (c *checkpoint) save(path string) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if err := writeSynced(path+".new", append(text, '\n')); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncFolder makes a renaming last. Not every system lets a folder be synced.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	_ = folder.Sync() // as far as it can be
	return folder.Close()
}
