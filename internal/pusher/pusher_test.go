package pusher

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/document"
)

// folder writes files, and gives where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func bodies(list []Document) (texts []string) {
	for _, d := range list {
		texts = append(texts, d.Name+"|"+d.Body)
	}
	return texts
}

const (
	fragmentF = "fragment F on Tenant {\n  ...G\n  name\n}"
	fragmentG = "fragment G on Tenant { zone }"
)

func TestAnOperationComesWithItsFragments(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.graphql": "# Ünder a comment {\nquery A($in: In = {a: {b: \"}\"}} @d(x: {})) @e(y: {z: 1}) {\n  t(in: $in, o: {p: {}}) { ...F ...G }\n}\n\n# between\n{ t { name } }\n" +
			fragmentF + "\nsubscription S { live { query { t { ... on Tenant { ...G } } } } }",
		"deep/er/b.gql":          "\ufeff" + fragmentG + "\nmutation M { do(text: \"\"\"\n  } block {\n\"\"\") }",
		"node_modules/x.graphql": "query Not { ours }",
		"readme.txt":             "{",
	})
	got, err := Read([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"A|query A($in: In = {a: {b: \"}\"}} @d(x: {})) @e(y: {z: 1}) {\n  t(in: $in, o: {p: {}}) { ...F ...G }\n}\n\n" + fragmentF + "\n\n" + fragmentG,
		"|{ t { name } }",
		"S|subscription S { live { query { t { ... on Tenant { ...G } } } } }\n\n" + fragmentG,
		"M|mutation M { do(text: \"\"\"\n  } block {\n\"\"\") }",
	}
	if diff := cmp.Diff(want, bodies(got)); diff != "" {
		t.Error(diff)
	}
}

// What a build tool has written is taken to the letter, if its ids are of use.
func TestManifests(t *testing.T) {
	a, b := "query A { t { name } }", "query B {\n  t\n}\n"
	hash := func(text string) string { return document.HashOf(text).String() }
	dir := folder(t, map[string]string{
		"persisted-documents.json": `{"` + hash(a) + `":"query A { t { name } }","sha256:` + hash(b) + `":"query B {\n  t\n}\n"}`,
		"apollo.json": `{"format":"apollo-persisted-query-manifest","version":1,"operations":[
			{"id":"` + hash(a) + `","name":"A","type":"query","body":"query A { t { name } }"},{"id":"c0ffee","name":"B","type":"query","body":"query B {\n  t\n}\n"}]}`,
	})
	got, err := Read([]string{filepath.Join(dir, "persisted-documents.json"), filepath.Join(dir, "apollo.json")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"|" + a, "|" + b, "A|" + a, "B|" + b}, bodies(got)); diff != "" {
		t.Error(diff)
	}
	refused, rest := Rehearse(got)
	if len(refused) != 1 || refused[0].Name != "B" || !strings.Contains(refused[0].Reason, "SHA-256") || len(rest) != 3 {
		t.Errorf("%+v", refused)
	}
}

func TestFilesThatAreNoUse(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing":                {map[string]string{"a.txt": ""}, "no operation"},
		"fragments alone":        {map[string]string{"a.graphql": fragmentG}, "no operation"},
		"it does not parse":      {map[string]string{"a.graphql": "query {"}, "a.graphql"},
		"a fragment is missing":  {map[string]string{"a.graphql": "{ t { ...F } }"}, "fragment F"},
		"two fragments, a name":  {map[string]string{"a.graphql": fragmentG + " { t { ...G } }", "b.graphql": "fragment G on Tenant { name }"}, "fragment G"},
		"a schema":               {map[string]string{"a.graphql": "type Query { a: Int }"}, "a.graphql"},
		"a fragment of itself":   {map[string]string{"a.graphql": "{ t { ...H } } fragment H on T { ...H }"}, ""},
		"a fragment given twice": {map[string]string{"a.graphql": "{ t { ...G } }" + fragmentG, "b.graphql": fragmentG}, ""},
	} {
		_, err := Read([]string{folder(t, c.files)})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	dir := folder(t, map[string]string{"list.json": "[1]", "text.json": "x"})
	for _, file := range []string{"list.json", "text.json", "none.graphql"} {
		if _, err := Read([]string{filepath.Join(dir, file)}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestBatchesAreBounded(t *testing.T) {
	large, small := Document{Body: strings.Repeat("x", 150<<10)}, Document{Body: "x"}
	many := func(d Document, n int) (list []Document) {
		for range n {
			list = append(list, d)
		}
		return list
	}
	for name, c := range map[string]struct {
		list []Document
		want int
	}{
		"one":                {many(small, 1), 1},
		"many small":         {many(small, 250), batchDocuments},
		"few large":          {many(large, 5), 2},
		"one that is larger": {[]Document{{Body: strings.Repeat("x", batchBytes+1)}, small}, 1},
	} {
		if got := batchOf(c.list); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
