package gqlhttp

import (
	"net/http"
	"os"
	"testing"
	"time"
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
)

func TestInterop(t *testing.T) {
	addr := os.Getenv("INTEROP")
	if addr == "" { t.Skip() }
	r := &resolvers{slow: make(chan struct{}), started: make(chan struct{}, 100)}
	live := newFakeLive()
	h := New(Config{Executor: executor.New(&graphql.ExecutableSchemaMock{ExecFunc: r.exec, SchemaFunc: func() *ast.Schema { return testSchema }}),
		Live: live, PingInterval: 300*time.Millisecond})
	srv := &http.Server{Addr: addr, Handler: h, ReadTimeout: time.Second, WriteTimeout: time.Second}
	go srv.ListenAndServe()
	go func() { for { time.Sleep(200*time.Millisecond); live.changed() } }()
	time.Sleep(12*time.Second)
	start := time.Now()
	t.Log(h.Shutdown(context.Background()), time.Since(start))
}
