package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// How long the events of a topic that is made here are kept: longer than workers are
// ever away, since what has gone by then was acknowledged and is lost.
const (
	keepFor     = 14 * 24 * time.Hour
	keepDeadFor = 30 * 24 * time.Hour // for a person to have looked
)

// Ping says whether the brokers answer, and let us in.
func Ping(ctx context.Context, options Options) error {
	client, err := options.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	return ping(ctx, client)
}

// ping asks for the topic-less metadata: other than a mere connection, it needs signing in.
func ping(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{}
	if _, err := request.RequestWith(ctx, client); err != nil {
		return fmt.Errorf("ask Kafka's brokers: %w", err)
	}
	return nil
}

// Prepare makes the topics that are missing. Topics that are there are left as they are.
func Prepare(ctx context.Context, options Options) error {
	client, err := options.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	missing, err := options.missing(ctx, client)
	if err != nil || len(missing) == 0 {
		return err
	}
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = int32(requestWithin / time.Millisecond)
	for _, topic := range missing {
		request.Topics = append(request.Topics, options.blueprint(topic))
	}
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("make topics: %w", err)
	}
	for _, t := range response.Topics {
		// Another process may have been faster.
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("make topic %s: %w", t.Topic, err)
		}
	}
	return nil
}

func (o Options) missing(ctx context.Context, client *kgo.Client) (missing []string, err error) {
	request := kmsg.NewPtrMetadataRequest()
	for _, topic := range []string{o.Topic, o.deadTopic()} {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(topic)
		request.Topics = append(request.Topics, t)
	}
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("look for topics: %w", err)
	}
	for _, t := range response.Topics {
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			missing = append(missing, *t.Topic)
		case err != nil && !kerr.IsRetriable(err): // a partition without a leader comes back
			return nil, fmt.Errorf("look for topic %s: %w", *t.Topic, err)
		}
	}
	return missing, nil
}

func (o Options) blueprint(topic string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, int32(o.Partitions), -1
	keep := keepFor
	if topic == o.deadTopic() {
		t.NumPartitions, keep = 1, keepDeadFor
	}
	configs := map[string]string{"retention.ms": strconv.FormatInt(keep.Milliseconds(), 10)}
	if o.Replicas > 0 {
		t.ReplicationFactor = int16(o.Replicas)
	}
	if o.Replicas > 2 {
		configs["min.insync.replicas"] = "2" // acknowledged: on two of them
	}
	for name, value := range configs {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = name, kmsg.StringPtr(value)
		t.Configs = append(t.Configs, c)
	}
	return t
}
