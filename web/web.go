// Package web serves the playground from this binary and this origin: the page
// asks nobody else for anything. Without a build of it, the package still
// compiles and says in plain words what is missing.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:dist
var dist embed.FS

//go:embed missing.html
var missing []byte

// Playground gives the built files; ok is false if there was no build.
func Playground() (files fs.FS, ok bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, false
	}
	_, err = fs.Stat(files, "index.html")
	return files, err == nil
}

// Handler serves /playground and everything below it. The page learns from
// config, asked anew for each request, where the API is and which keys it may
// offer; see README.md for the shape.
func Handler(config func(r *http.Request) any) http.Handler {
	files, built := Playground()
	return handler(files, built, config)
}

func handler(files fs.FS, built bool, config func(r *http.Request) any) http.Handler {
	page := http.Handler(http.HandlerFunc(notBuilt))
	if built {
		page = file(files, "index.html", "no-cache")
	}
	mux := http.NewServeMux()
	mux.Handle("GET /playground", page)
	mux.Handle("GET /playground/{$}", page)
	mux.Handle("GET /playground/config.json", settings(config))
	if built {
		mux.Handle("GET /playground/licenses.md", file(files, "licenses.md", "no-cache"))
		mux.Handle("GET /playground/assets/{name}", assets(files))
	}
	return guarded(mux)
}

// What GraphiQL needs and no more. Monaco, its editor, writes its own styles,
// hence 'unsafe-inline' for them alone; 'self' covers the websocket as well.
var policy = strings.Join([]string{
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self' 'unsafe-inline'",
	"img-src 'self' data:",
	"font-src 'self'",
	"connect-src 'self'",
	"worker-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
}, "; ")

// guarded sends the same promises with every answer, the workers' scripts included.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// settings answers with the config of this very request: it may hold keys, so nobody keeps it.
func settings(config func(r *http.Request) any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := json.Marshal(config(r))
		if err != nil {
			http.Error(w, "Internal error.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body)
	})
}

// assets serves files whose names change with their content, so a copy is good for ever.
func assets(files fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "assets/" + r.PathValue("name") // A path with dots is none to fs.FS.
		file(files, name, "public, max-age=31536000, immutable").ServeHTTP(w, r)
	})
}

// By hand, since the system's table of types differs from machine to machine.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".map":   "application/json",
	".md":    "text/plain; charset=utf-8",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".ttf":   "font/ttf",
	".wasm":  "application/wasm",
	".woff2": "font/woff2",
}

// file serves one file, compressed if there is such a variant and the caller takes it.
func file(files fs.FS, name, cache string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, known := types[path.Ext(name)]
		body, coding, err := read(files, name, takesGzip(r))
		if err != nil || !known {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", cache)
		h.Set("Vary", "Accept-Encoding")
		h.Set("ETag", tag(body))
		if coding != "" {
			h.Set("Content-Encoding", coding)
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
	})
}

func read(files fs.FS, name string, small bool) (body []byte, coding string, err error) {
	if small {
		if body, err = fs.ReadFile(files, name+".gz"); err == nil {
			return body, "gzip", nil
		}
	}
	body, err = fs.ReadFile(files, name)
	return body, "", err
}

func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, quality, _ := strings.Cut(part, ";")
		if strings.TrimSpace(coding) == "gzip" {
			return strings.TrimSpace(quality) != "q=0"
		}
	}
	return false
}

func tag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// notBuilt answers where the page would be, if it had been built.
func notBuilt(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", types[".html"])
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(missing)
}
