package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPageIsServedWithAndWithoutSlash(t *testing.T) {
	for _, path := range []string{"/playground", "/playground/"} {
		page := get(t, built(), path)
		wantStatus(t, page, http.StatusOK)
		wantBody(t, page, "<!doctype html>the page")
		wantHeader(t, page, "Content-Type", "text/html; charset=utf-8")
		wantHeader(t, page, "Cache-Control", "no-cache")
	}
}

func TestPageIsNotSentAgainWhileItIsTheSame(t *testing.T) {
	first := get(t, built(), "/playground")
	again := get(t, built(), "/playground", "If-None-Match", first.Header().Get("ETag"))
	wantStatus(t, again, http.StatusNotModified)
}

func TestAssetsAreKeptForEver(t *testing.T) {
	types := map[string]string{
		"app-1.js":      "text/javascript; charset=utf-8",
		"app-1.css":     "text/css; charset=utf-8",
		"app-1.js.map":  "application/json",
		"code-1.ttf":    "font/ttf",
		"inter-1.woff2": "font/woff2",
		"count-1.wasm":  "application/wasm",
		"icon-1.svg":    "image/svg+xml",
	}
	for name, kind := range types {
		asset := get(t, built(), "/playground/assets/"+name)
		wantStatus(t, asset, http.StatusOK)
		wantBody(t, asset, name)
		wantHeader(t, asset, "Content-Type", kind)
		wantHeader(t, asset, "Cache-Control", "public, max-age=31536000, immutable")
	}
}

func TestAssetsAreCompressedForThoseWhoTakeIt(t *testing.T) {
	const path = "/playground/assets/app-1.js"
	small := get(t, built(), path, "Accept-Encoding", "br, gzip;q=0.8")
	wantHeader(t, small, "Content-Encoding", "gzip")
	wantHeader(t, small, "Content-Type", "text/javascript; charset=utf-8")
	wantHeader(t, small, "Vary", "Accept-Encoding")
	wantBody(t, small, "small")

	for _, accept := range []string{"", "br", "gzip;q=0"} {
		plain := get(t, built(), path, "Accept-Encoding", accept)
		wantHeader(t, plain, "Content-Encoding", "")
		wantBody(t, plain, "app-1.js")
	}
}

func TestNothingElseIsServed(t *testing.T) {
	paths := []string{
		"/playground/.keep", "/playground/index.html", "/playground/assets/",
		"/playground/assets/none.js", "/playground/assets/app-1.js.gz",
		"/playground/assets/..%2findex.html", "/playground/assets/%2e%2e/.keep",
	}
	for _, path := range paths {
		if got := get(t, built(), path).Code; got == http.StatusOK {
			t.Errorf("%s: status %d", path, got)
		}
	}
}

func TestConfigIsOfTheRequestAndKeptByNobody(t *testing.T) {
	for name, files := range map[string]fs.FS{"built": built(), "not built": fstest.MapFS{}} {
		config := get(t, files, "/playground/config.json", "X-Name", name)
		wantStatus(t, config, http.StatusOK)
		wantBody(t, config, `{"name":"`+name+`"}`)
		wantHeader(t, config, "Content-Type", "application/json")
		wantHeader(t, config, "Cache-Control", "no-store")
	}
}

func TestWithoutABuildThePageSaysWhatToDo(t *testing.T) {
	for _, path := range []string{"/playground", "/playground/"} {
		page := get(t, fstest.MapFS{".keep": {}}, path)
		wantStatus(t, page, http.StatusServiceUnavailable)
		wantHeader(t, page, "Content-Type", "text/html; charset=utf-8")
		for _, words := range []string{"not built", "/graphql", "make web", "Node"} {
			if !strings.Contains(page.Body.String(), words) {
				t.Errorf("the page does not say %q", words)
			}
		}
	}
	wantStatus(t, get(t, fstest.MapFS{}, "/playground/assets/app-1.js"), http.StatusNotFound)
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	for _, path := range []string{"/playground", "/playground/assets/app-1.js", "/playground/config.json", "/playground/none"} {
		answer := get(t, built(), path)
		wantHeader(t, answer, "X-Content-Type-Options", "nosniff")
		wantHeader(t, answer, "Referrer-Policy", "no-referrer")
		policy := answer.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe-eval") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestThePlaygroundIsReadOnly(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/playground", nil)
	w := httptest.NewRecorder()
	Handler(nameOf).ServeHTTP(w, r)
	wantStatus(t, w, http.StatusMethodNotAllowed)
}

// A build, where each asset holds its own name.
func built() fs.FS {
	files := fstest.MapFS{
		".keep":               {},
		"index.html":          {Data: []byte("<!doctype html>the page")},
		"assets/app-1.js.gz":  {Data: []byte("small")},
		"assets/app-1.js.map": {Data: []byte("app-1.js.map")},
	}
	for _, name := range []string{"app-1.js", "app-1.css", "code-1.ttf", "inter-1.woff2", "count-1.wasm", "icon-1.svg"} {
		files["assets/"+name] = &fstest.MapFile{Data: []byte(name)}
	}
	return files
}

func nameOf(r *http.Request) any { return map[string]string{"name": r.Header.Get("X-Name")} }

func get(t *testing.T, files fs.FS, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	_, err := fs.Stat(files, "index.html")
	w := httptest.NewRecorder()
	handler(files, err == nil, nameOf).ServeHTTP(w, r)
	return w
}

func wantStatus(t *testing.T, got *httptest.ResponseRecorder, want int) {
	t.Helper()
	if got.Code != want {
		t.Errorf("status %d, want %d", got.Code, want)
	}
}

func wantBody(t *testing.T, got *httptest.ResponseRecorder, want string) {
	t.Helper()
	if body := got.Body.String(); body != want {
		t.Errorf("body %q, want %q", body, want)
	}
}

func wantHeader(t *testing.T, got *httptest.ResponseRecorder, name, want string) {
	t.Helper()
	if value := got.Header().Get(name); value != want {
		t.Errorf("%s %q, want %q", name, value, want)
	}
}
