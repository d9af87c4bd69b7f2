package live

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/frame"
	"github.com/tidemarkhq/tidemark/internal/jsonpatch"
)

// What an execution puts, as strings, where something belongs that only the engine knows: the
// answer's revision, the revision that a patch begins with, and the patch. They are random, so
// that no data can contain them.
var (
	RevisionMark = "revision-" + rand.Text()
	BaseMark     = "base-" + rand.Text()
	PatchMark    = "patch-" + rand.Text()
)

var quotedBase, quotedPatch, null = []byte(`"` + BaseMark + `"`), []byte(`"` + PatchMark + `"`), []byte("null")

// answer is what a query was answered, for all its subscribers.
type answer struct {
	revision string
	raw      []byte // as it was executed, with the marks; nil if no patch will be made of it
	whole    *frame.Frame
	base     string       // the revision that the patch begins with
	patch    *frame.Frame // nil: there is none, or it would not be less
}

func newAnswer(raw []byte, revision string) *answer {
	return &answer{raw: raw, revision: revision, whole: frame.New(fill(raw, revision, null, null)).Named(revision)}
}

// revisionOf names a response by its content, so that equal answers have equal revisions, on
// every server: the marks, which are each process's own, do not count.
func revisionOf(raw []byte) string {
	sum := sha256.Sum256(fill(raw, "", null, null))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// fill writes what the marks stand for; where there are none, it gives what it was given.
func fill(raw []byte, revision string, base, patch []byte) []byte {
	text := put(raw, []byte(RevisionMark), []byte(revision))
	text = put(text, quotedBase, base)
	return put(text, quotedPatch, patch)
}

func put(text, mark, with []byte) []byte {
	if !bytes.Contains(text, mark) {
		return text // without a copy, as most answers have no marks
	}
	return bytes.ReplaceAll(text, mark, with)
}

// since is the answer for one who has a revision.
func (a *answer) since(revision string) *frame.Frame {
	if a.patch != nil && revision == a.base {
		return a.patch
	}
	return a.whole
}

// follow makes the patch that leads from an answer to this one, where it is less than the
// answer.
func (a *answer) follow(before *answer) {
	raw, patch, err := patched(before.raw, a.raw)
	if err != nil {
		return // such as an answer with errors: it is sent whole
	}
	text := fill(raw, a.revision, []byte(`"`+before.revision+`"`), patch)
	if len(text) < len(a.whole.Bytes()) {
		a.base, a.patch = before.revision, frame.New(text).Named(a.revision)
	}
}

var errWhole = errors.New("this cannot be sent as a patch")

// patched gives the response that carries a patch: the new one, in which all that the patch
// gives is null. Both responses must be data alone, or agree in all else; and what carries the
// patch must have been selected.
func patched(before, after []byte) (raw, patch []byte, err error) {
	was, err := liveOf(before)
	if err != nil {
		return nil, nil, err
	}
	is, err := liveOf(after)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(was.around(before), is.around(after)) || !is.carries() {
		return nil, nil, errWhole
	}
	if patch, err = jsonpatch.Diff(was.text, is.text); err != nil {
		return nil, nil, err
	}
	return bytes.Replace(after, is.text, is.emptied(), 1), patch, nil
}

// response is what stands in data of a live query's response.
type response struct {
	text    []byte // the object's
	members []jsonpatch.Member
}

// liveOf finds it: data has a single field.
func liveOf(raw []byte) (r response, err error) {
	members, err := jsonpatch.Members(raw)
	if err != nil {
		return r, err
	}
	i := slices.IndexFunc(members, func(m jsonpatch.Member) bool { return m.Name == "data" })
	if i < 0 || slices.ContainsFunc(members, func(m jsonpatch.Member) bool { return m.Name == "errors" }) {
		return r, errWhole
	}
	fields, err := jsonpatch.Members(members[i].Value)
	if err != nil || len(fields) != 1 {
		return r, errWhole
	}
	r.text = fields[0].Value
	r.members, err = jsonpatch.Members(r.text)
	return r, err
}

// around is all of the response but it.
func (r response) around(raw []byte) []byte { return bytes.Replace(raw, r.text, nil, 1) }

// carries tells whether revision, base and patch were selected.
func (r response) carries() bool {
	return bytes.Contains(r.text, []byte(RevisionMark)) && bytes.Contains(r.text, quotedBase) && bytes.Contains(r.text, quotedPatch)
}

// emptied is it with null for what the patch gives.
func (r response) emptied() []byte {
	text := r.text
	for _, m := range r.members {
		if len(m.Value) > 0 && m.Value[0] == '{' {
			text = bytes.Replace(text, m.Value, null, 1)
		}
	}
	return text
}
