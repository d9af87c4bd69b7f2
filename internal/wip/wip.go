//go:build wip

// Package wip keeps the versions of modules that are about to be used.
package wip

import (
	_ "github.com/johannesboyne/gofakes3"
	_ "github.com/minio/minio-go/v7"
	_ "github.com/parquet-go/parquet-go"
	_ "github.com/posthog/posthog-go"
	_ "github.com/rudderlabs/analytics-go/v4"
	_ "github.com/schollz/progressbar/v3"
	_ "github.com/segmentio/analytics-go/v3"
	_ "github.com/twmb/franz-go/pkg/kfake"
	_ "github.com/twmb/franz-go/pkg/kgo"
)
