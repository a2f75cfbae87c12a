// franz-go under the same commands as the Java drivers: a line of input is a command, its arguments and properties (name=value), separated by tabs;
// the answer is lines of output and then "ok", or "error" and the message.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

type properties map[string]string

var out = bufio.NewWriterSize(os.Stdout, 1<<16)
var filler = strings.Repeat("abcdefghij", 5)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func client(p properties, more ...kgo.Opt) (*kgo.Client, error) {
	options := append([]kgo.Opt{kgo.SeedBrokers(p["bootstrap"]), kgo.RecordRetries(5), kgo.RequestRetries(5)}, more...)
	switch p["mechanism"] {
	case "PLAIN":
		options = append(options, kgo.SASL(plain.Auth{User: p["user"], Pass: p["password"]}.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(scram.Auth{User: p["user"], Pass: p["password"]}.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(scram.Auth{User: p["user"], Pass: p["password"]}.AsSha512Mechanism()))
	}
	return kgo.NewClient(options...)
}

func produce(ctx context.Context, p properties, topic string, count int, baseMs int64) error {
	options := []kgo.Opt{kgo.DefaultProduceTopic(topic)}
	if codec, ok := p["codec"]; ok {
		options = append(options, kgo.ProducerBatchCompression(codecs[codec]))
	}
	if p["idempotence"] == "false" {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	c, err := client(p, options...)
	if err != nil {
		return err
	}
	defer c.Close()
	// A producer tries on for its whole delivery timeout when a login fails; a ping says at once what is wrong.
	if err := c.Ping(ctx); err != nil {
		return err
	}
	records := make([]*kgo.Record, count)
	for n := range records {
		text := strconv.Itoa(n)
		records[n] = &kgo.Record{
			Key: []byte("key-" + strconv.Itoa(n%100)), Value: []byte(text + " " + filler), Timestamp: time.UnixMilli(baseMs + int64(n)),
			Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(text)}},
		}
	}
	return c.ProduceSync(ctx, records...).FirstErr()
}

func take(ctx context.Context, c *kgo.Client, count int) error {
	for taken := 0; taken < count; {
		fetches := c.PollRecords(ctx, count-taken)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("after %d of %d records: %w", taken, count, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			taken++
			headers := ""
			for _, h := range r.Headers {
				headers += h.Key + "=" + string(h.Value)
			}
			fmt.Fprintf(out, "%d\t%d\t%d\t%s\t%s\t%s\n", r.Partition, r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, headers)
		})
	}
	return nil
}

func read(ctx context.Context, p properties, topic string, count int) error {
	c, err := client(p, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer c.Close()
	return take(ctx, c, count)
}

func group(ctx context.Context, p properties, topic string, count int) error {
	c, err := client(p, kgo.ConsumeTopics(topic), kgo.ConsumerGroup(p["group"]), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := take(ctx, c, count); err != nil {
		return err
	}
	return c.CommitUncommittedOffsets(ctx)
}

func admin(p properties, ask func(*kadm.Client) error) error {
	c, err := client(p)
	if err != nil {
		return err
	}
	defer c.Close()
	return ask(kadm.NewClient(c))
}

func times(ctx context.Context, a *kadm.Client, topic string, timestampMs int64) error {
	begin, err := a.ListStartOffsets(ctx, topic)
	if err != nil {
		return err
	}
	end, err := a.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	found, err := a.ListOffsetsAfterMilli(ctx, timestampMs, topic)
	if err != nil {
		return err
	}
	found.Each(func(one kadm.ListedOffset) {
		offset := one.Offset
		if one.Timestamp < 0 {
			offset = -1
		}
		first, _ := begin.Lookup(topic, one.Partition)
		last, _ := end.Lookup(topic, one.Partition)
		fmt.Fprintf(out, "%d\t%d\t%d\t%d\n", one.Partition, offset, first.Offset, last.Offset)
	})
	return found.Error()
}

func run(ctx context.Context, parts []string) error {
	p := properties{}
	var args []string
	for _, part := range parts[1:] {
		if name, value, ok := strings.Cut(part, "="); ok {
			p[name] = value
		} else {
			args = append(args, part)
		}
	}
	number := func(index int) int64 {
		value, _ := strconv.ParseInt(args[index], 10, 64)
		return value
	}
	switch parts[0] {
	case "produce":
		return produce(ctx, p, args[0], int(number(1)), number(2))
	case "read":
		return read(ctx, p, args[0], int(number(1)))
	case "group":
		return group(ctx, p, args[0], int(number(1)))
	case "times":
		return admin(p, func(a *kadm.Client) error { return times(ctx, a, args[0], number(1)) })
	case "create":
		return admin(p, func(a *kadm.Client) error {
			_, err := a.CreateTopic(ctx, int32(number(1)), 1, nil, args[0])
			return err
		})
	case "delete":
		return admin(p, func(a *kadm.Client) error {
			_, err := a.DeleteTopic(ctx, args[0])
			return err
		})
	case "list":
		return admin(p, func(a *kadm.Client) error {
			topics, err := a.ListTopics(ctx)
			for _, name := range topics.Names() {
				fmt.Fprintln(out, name)
			}
			return err
		})
	}
	return fmt.Errorf("no command %s", parts[0])
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "traffic" {
		if err := traffic(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	requests := bufio.NewScanner(os.Stdin)
	for requests.Scan() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err := run(ctx, strings.Split(requests.Text(), "\t"))
		cancel()
		if err != nil {
			fmt.Fprintf(out, "error\t%s\n", strings.Join(strings.Fields(err.Error()), " "))
		} else {
			fmt.Fprintln(out, "ok")
		}
		out.Flush()
	}
}
