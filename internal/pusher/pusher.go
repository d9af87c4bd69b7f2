// Package pusher reads GraphQL documents out of files and registers them with a server, as a
// client of its API. It may be run as often as one likes: what is registered stays so.
package pusher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/document"
)

// Document is one to be registered.
type Document struct {
	Name string
	Body string
	File string // that it was found in

	problem string // why it can't be of use; empty: none is known
}

// Outcome is what became of a document.
type Outcome struct {
	Document
	Status document.Status
	Reason string // of one that was refused
}

// The bounds of what is read.
const (
	maxFile      = 32 << 20
	maxDocuments = document.MaxRegistered
)

// Read finds the documents in files, and in the .graphql and .gql files of folders: each
// operation with the fragments that it uses, from whichever of the files, as the text stands
// there. Of a .json file it takes the texts as they are.
func Read(paths []string) ([]Document, error) {
	files, err := filesOf(paths)
	if err != nil {
		return nil, err
	}
	var list []Document
	var sources []*source
	for _, file := range files {
		data, err := readFile(file)
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(filepath.Ext(file), ".json") {
			found, err := manifest(file, data)
			if err != nil {
				return nil, err
			}
			list = append(list, found...)
			continue
		}
		s, err := parseSource(file, string(data))
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	written, err := operationsOf(sources)
	return bounded(append(list, written...), err)
}

func operationsOf(sources []*source) (list []Document, err error) {
	all := fragments{}
	for _, s := range sources {
		if err := all.add(s); err != nil {
			return nil, err
		}
	}
	for _, s := range sources {
		documents, err := all.documents(s)
		if err != nil {
			return nil, err
		}
		list = append(list, documents...)
	}
	return list, nil
}

func bounded(list []Document, err error) ([]Document, error) {
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, errors.New("there is no operation in these files")
	case len(list) > maxDocuments:
		return nil, fmt.Errorf("there are %d documents; a tenant has at most %d", len(list), maxDocuments)
	}
	return list, nil
}

// filesOf lists files, and what lies in folders, in the order of their names.
func filesOf(paths []string) (files []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && entry.Name() == "node_modules" {
				return filepath.SkipDir
			}
			if ext := strings.ToLower(filepath.Ext(file)); entry.Type().IsRegular() && (ext == ".graphql" || ext == ".gql") {
				files = append(files, file)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func readFile(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: it is larger than %d bytes", file, maxFile)
	}
	return os.ReadFile(file)
}

// The bounds of one request, which has a megabyte at most.
const (
	batchDocuments = 100
	batchBytes     = 384 << 10 // of texts; JSON may make them twice as long
)

// Push registers documents in batches, and tells what has become of each. What is known to be
// of no use is not sent. On an error it tells what was done before.
func Push(ctx context.Context, c *Client, list []Document, report func(done, total int)) ([]Outcome, error) {
	outcomes, sendable := sift(list)
	for len(sendable) > 0 {
		batch := sendable[:batchOf(sendable)]
		sendable = sendable[len(batch):]
		done, err := c.register(ctx, batch)
		if err != nil {
			return outcomes, err
		}
		outcomes = append(outcomes, done...)
		report(len(outcomes), len(list))
	}
	return outcomes, nil
}

// sift refuses what can't be of use.
func sift(list []Document) (refused []Outcome, rest []Document) {
	for _, d := range list {
		if d.problem != "" {
			refused = append(refused, Outcome{d, document.Refused, d.problem})
			continue
		}
		rest = append(rest, d)
	}
	return refused, rest
}

// batchOf is how many documents go into the next request: one at least.
func batchOf(list []Document) (n int) {
	for size := 0; n < min(len(list), batchDocuments); n++ {
		if size += len(list[n].Body); size > batchBytes && n > 0 {
			break
		}
	}
	return n
}

// Rehearse tells what Push would send.
func Rehearse(list []Document) (refused []Outcome, sendable []Document) { return sift(list) }
