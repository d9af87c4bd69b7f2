package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tidemarkhq/tidemark/internal/document"
	"github.com/tidemarkhq/tidemark/internal/progress"
	"github.com/tidemarkhq/tidemark/internal/pusher"
)

type documentsCommands struct {
	Push documentsPush `cmd:"" help:"Register the GraphQL documents that a program sends."`
	List documentsList `cmd:"" help:"List the documents that are registered."`
}

// documentsServer is where the documents are registered.
type documentsServer struct {
	Key      string        `env:"TIDEMARK_KEY" placeholder:"tmm_…" help:"Key of the tenant that may manage documents. In the environment others can't see it."`
	URL      string        `name:"url" env:"TIDEMARK_URL" default:"http://127.0.0.1:8080" help:"Where Tidemark serves."`
	Patience time.Duration `default:"1m" help:"For how long a request is sent again while the server does not answer or is too busy."`
}

func (c documentsServer) client() (*pusher.Client, error) {
	return pusher.NewClient(c.URL, c.Key, c.Patience, func(sentence string) { fmt.Fprintln(os.Stderr, sentence) })
}

type documentsPush struct {
	documentsServer
	Files  []string `arg:"" help:"Files of GraphQL, folders of .graphql and .gql files, and manifests (.json): persisted-documents.json, or a list of operations."`
	DryRun bool     `help:"Send nothing: show what would be registered."`
}

// Run prints what has become of the documents: all that were refused, and how many were not.
func (c documentsPush) Run(ctx context.Context) error {
	list, err := pusher.Read(c.Files)
	if err != nil {
		return err
	}
	if c.DryRun {
		return rehearse(list)
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	outcomes, err := pusher.Push(ctx, client, list, progress.Of(os.Stderr, "registering", "documents"))
	refusals := printOutcomes(outcomes)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted; the same command goes on")
	case err != nil:
		return err
	}
	return refusals
}

func rehearse(list []pusher.Document) error {
	refused, sendable := pusher.Rehearse(list)
	for _, d := range sendable {
		fmt.Printf("%s  %s  %s\n", document.HashOf(d.Body), d.Name, d.File)
	}
	fmt.Printf("%d documents would be sent\n", len(sendable))
	return printRefused(refused)
}

func printOutcomes(outcomes []pusher.Outcome) error {
	counts, refused := map[document.Status]int{}, []pusher.Outcome(nil)
	for _, o := range outcomes {
		counts[o.Status]++
		if o.Status == document.Refused {
			refused = append(refused, o)
		}
	}
	fmt.Printf("  registered     %d\n  already known  %d\n  refused        %d\n", counts[document.Registered], counts[document.Known], counts[document.Refused])
	return printRefused(refused)
}

func printRefused(refused []pusher.Outcome) error {
	for _, o := range refused {
		fmt.Printf("  refused: %s in %s: %s\n", nameOf(o.Document), o.File, o.Reason)
	}
	if len(refused) > 0 {
		return errSomeRefused
	}
	return nil
}

func nameOf(d pusher.Document) string {
	if d.Name != "" {
		return d.Name
	}
	return document.HashOf(d.Body).String()[:12]
}

type documentsList struct {
	documentsServer
	Retired bool `help:"Those that were retired in the last 90 days, instead of those that may run."`
}

func (c documentsList) Run(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	return client.List(ctx, c.Retired, func(d pusher.Listed) {
		at := d.CreatedAt
		if d.RetiredAt != nil {
			at = *d.RetiredAt
		}
		fmt.Printf("%s  %s  %s\n", d.Hash, at.UTC().Format(time.DateTime), d.Name)
	})
}
