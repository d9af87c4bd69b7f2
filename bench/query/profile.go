package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profileAll writes a CPU profile of each page into a folder, cold and unchanged, of a server in
// this process; the client is in it as well.
func (h *house) profileAll(ctx context.Context, o options) error {
	c, err := h.clock(ctx)
	if err != nil {
		return err
	}
	for name, cache := range map[string]int{"cold": 0, "unchanged": 64} {
		config := h.config
		config.AnswerCache, config.Limits.ReadRate, config.Limits.CallerPercent = cache, 100_000_000, 100
		err := inProcess(ctx, config, func(base string) error {
			for _, p := range pages {
				t, err := targetOf(base, "/graphql", h.read, p.body(c))
				if err != nil {
					return err
				}
				if err := t.profile(ctx, o, filepath.Join(o.profile, p.name+"-"+name+".pprof")); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("profile: %w", err)
		}
	}
	return nil
}

func (t target) profile(ctx context.Context, o options, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	defer pprof.StopCPUProfile()
	_, err = t.load(ctx, o.length)
	return err
}
