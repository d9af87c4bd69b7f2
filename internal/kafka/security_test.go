package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/tidemarkhq/tidemark/internal/kafka"
)

func TestSigningIn(t *testing.T) {
	for mechanism, broker := range map[string]string{"plain": "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			brokers, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(broker, "tidemark", "secret"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(brokers.Close)
			options := optionsOf(brokers)
			options.Security = kafka.Security{SASL: mechanism, User: "tidemark", Password: "secret"}
			producer := produce(t, options)
			if _, err := producer.Append(t.Context(), someTenant(t), "default", items(t, "a", 2)); err != nil {
				t.Error(err)
			}
			options.Security.Password = "wrong"
			wantRefused(t, options)
			options.Security = kafka.Security{}
			wantRefused(t, options)
		})
	}
}

func wantRefused(t *testing.T, options kafka.Options) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := kafka.Ping(ctx, options); err == nil {
		t.Errorf("%+v is let in", options.Security)
	}
}

func TestTopicsAreMade(t *testing.T) {
	brokers, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(brokers.Close)
	options := optionsOf(brokers)
	options.Replicas = 3
	for range 2 { // the second time they are there
		if err := kafka.Prepare(t.Context(), options); err != nil {
			t.Fatal(err)
		}
	}
	for topic, partitions := range map[string]int{options.Topic: options.Partitions, options.Topic + ".dead": 1} {
		info := brokers.TopicInfo(topic)
		if got := len(brokers.PartitionInfos(topic)); got != partitions || info.NumReplicas != 3 {
			t.Errorf("%s has %d partitions, want %d, and %d replicas", topic, got, partitions, info.NumReplicas)
		}
		if insync := info.Configs["min.insync.replicas"]; insync == nil || *insync != "2" {
			t.Errorf("%s is acknowledged by %v", topic, insync)
		}
	}
}
