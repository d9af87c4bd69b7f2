package pusher

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/document"
)

// manifest reads what build tools write of the documents that a program sends: an object of
// texts by their hashes (persisted-documents.json of GraphQL Code Generator's client preset,
// and Relay's), or a list of operations with ids (Apollo's).
func manifest(file string, data []byte) ([]Document, error) {
	var listed struct {
		Operations []struct{ ID, Name, Body string }
	}
	if err := json.Unmarshal(data, &listed); err == nil && listed.Operations != nil {
		list := make([]Document, 0, len(listed.Operations))
		for _, o := range listed.Operations {
			list = append(list, named(file, o.ID, o.Name, o.Body))
		}
		return list, nil
	}
	var texts map[string]string
	if err := json.Unmarshal(data, &texts); err != nil {
		return nil, fmt.Errorf("%s: it is neither an object of documents by their hashes nor a manifest of operations", file)
	}
	list := make([]Document, 0, len(texts))
	for hash, body := range texts {
		list = append(list, named(file, hash, "", body))
	}
	slices.SortFunc(list, func(a, b Document) int { return strings.Compare(a.Body, b.Body) })
	return list, nil
}

// named is a document that its program will ask for by an id. Another hash than SHA-256 would
// be registered in vain.
func named(file, id, name, body string) Document {
	d := Document{Name: name, Body: body, File: file}
	if strings.TrimPrefix(id, "sha256:") != document.HashOf(body).String() {
		d.problem = fmt.Sprintf("its id %.20q is not the SHA-256 of its text: set the build tool to sha256", id)
	}
	return d
}
