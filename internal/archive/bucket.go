package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	bucketRetries = 4        // of one request; the next run tries again anyway
	uploadPart    = 16 << 20 // held in memory for each of a few uploads at a time
)

// bucket is a store in a bucket of S3, or of what speaks its protocol.
type bucket struct {
	client       *minio.Client
	name, prefix string
}

func openBucket(l Location) (*bucket, error) {
	transport, err := minio.DefaultTransport(!l.plain)
	if err != nil {
		return nil, fmt.Errorf("open the archive's bucket: %w", err)
	}
	client, err := minio.New(l.endpoint, &minio.Options{
		Creds: credentials.NewEnvAWS(), Secure: !l.plain, Region: l.region,
		Transport: transport, MaxRetries: bucketRetries,
	})
	if err != nil {
		return nil, fmt.Errorf("open the archive's bucket: %w", err)
	}
	client.SetAppInfo("tidemark", "1")
	return &bucket{client, l.bucket, l.prefix}, nil
}

func (b *bucket) key(name string) string { return path.Join(b.prefix, name) }

func (b *bucket) Put(ctx context.Context, name string, content *io.SectionReader) error {
	ctx, cancel := context.WithTimeout(ctx, transferWithin)
	defer cancel()
	// The MD5 is in the signature, and guards the way there. A signature of each chunk would
	// add nothing: what is stored is read back and compared.
	_, err := b.client.PutObject(ctx, b.name, b.key(name), content, content.Size(), minio.PutObjectOptions{
		ContentType: "application/vnd.apache.parquet", PartSize: uploadPart, NumThreads: 2,
		SendContentMd5: true, DisableContentSha256: true,
	})
	if err != nil {
		return fmt.Errorf("put object: %w", err)
	}
	return nil
}

func (b *bucket) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, transferWithin)
	object, err := b.client.GetObject(ctx, b.name, b.key(name), minio.GetObjectOptions{})
	if err == nil {
		_, err = object.Stat() // nothing has been asked before
	}
	if err != nil {
		cancel()
		if response, ok := errors.AsType[minio.ErrorResponse](err); ok && response.Code == minio.NoSuchKey {
			return nil, ErrMissing
		}
		return nil, fmt.Errorf("get object: %w", err)
	}
	return closing{object, cancel}, nil
}

func (b *bucket) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	err := b.client.RemoveIncompleteUpload(ctx, b.name, b.key(name))
	if err != nil && minio.ToErrorResponse(err).Code != minio.NoSuchUpload {
		return fmt.Errorf("remove incomplete upload: %w", err)
	}
	if err := b.client.RemoveObject(ctx, b.name, b.key(name), minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("remove object: %w", err)
	}
	return nil
}

// closing gives the deadline up together with the object.
type closing struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c closing) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}
