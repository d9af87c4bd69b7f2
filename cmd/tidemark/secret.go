package main

import (
	"context"
	"fmt"
	"os"

	"github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/progress"
	"github.com/tidemarkhq/tidemark/internal/secret"
)

type secretCommands struct {
	Generate secretGenerate `cmd:"" help:"Make a secret key, and print it. Put it before those that TIDEMARK_SECRET_KEYS has."`
	Rotate   secretRotate   `cmd:"" help:"Wrap every stored secret anew under the first key, so that the others can be taken away."`
}

type secretGenerate struct{}

func (secretGenerate) Run() error {
	key, err := secret.Generate()
	if err != nil {
		return err
	}
	fmt.Println(key.Text())
	return nil
}

type secretRotate struct{}

func (secretRotate) Run(ctx context.Context, config app.Config) error {
	result, err := app.RotateSecrets(ctx, config, progress.Of(os.Stderr, "rotating", "secrets"))
	if err != nil {
		return err
	}
	fmt.Printf("%d secrets, %d of them wrapped anew.\n", result.Secrets, result.Rewrapped)
	for _, f := range result.Failures {
		fmt.Fprintln(os.Stderr, f)
	}
	if result.Failed > 0 {
		return fault.Newf(fault.Internal, "%d secrets could not be opened, and stay as they are.", result.Failed)
	}
	return nil
}
