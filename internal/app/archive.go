package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// checkArchive does not repeat the text, which may have what should not be in it.
func (c Config) checkArchive() error {
	if c.Archive == "" {
		return nil
	}
	if _, err := archive.ParseLocation(c.Archive); err != nil {
		return err
	}
	if strings.HasPrefix(c.Archive, "s3:") && (os.Getenv("AWS_ACCESS_KEY_ID") == "" || os.Getenv("AWS_SECRET_ACCESS_KEY") == "") {
		return errors.New("a bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")
	}
	return nil
}

func (c Config) archive(worker *postgres.Worker, logger *slog.Logger) (*archive.Archive, error) {
	if c.Archive == "" {
		return archive.New(worker, nil, logger, archive.Options{}), nil
	}
	location, err := archive.ParseLocation(c.Archive)
	if err != nil {
		return nil, err
	}
	store, err := location.Open()
	if err != nil {
		return nil, err
	}
	return archive.New(worker, store, logger, archive.Options{}), nil
}

// archivePool is the connections that work on the archive by hand needs: one holds the lock.
const archivePool = 2

// WithArchive opens the database and the archive for work by hand.
func WithArchive(ctx context.Context, config Config, do func(*archive.Archive, *postgres.Worker) error) error {
	if err := config.Preflight(ctx, Needs{Roles: []string{postgres.WorkerRole}}); err != nil {
		return err
	}
	worker, err := postgres.OpenWorker(ctx, config.DatabaseURL, archivePool)
	if err != nil {
		return err
	}
	defer worker.Close()
	cold, err := config.archive(worker, config.Logger())
	if err != nil {
		return err
	}
	return do(cold, worker)
}
