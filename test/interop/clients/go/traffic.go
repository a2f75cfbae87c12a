package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// login reads the file that TRAFFIC_LOGIN names: lines username=, password= and, for TLS, ca= (a PEM file, read again at each connection, as an authority may be renewed).
func login() ([]kgo.Opt, error) {
	path := os.Getenv("TRAFFIC_LOGIN")
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := properties{}
	for _, line := range strings.Split(string(text), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			p[name] = value
		}
	}
	options := []kgo.Opt{kgo.SASL(scram.Auth{User: p["username"], Pass: p["password"]}.AsSha512Mechanism())}
	if p["ca"] != "" {
		options = append(options, kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			pem, err := os.ReadFile(p["ca"])
			if err != nil {
				return nil, err
			}
			trusted := x509.NewCertPool()
			trusted.AppendCertsFromPEM(pem)
			dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: &tls.Config{RootCAs: trusted}}
			return dialer.DialContext(ctx, network, address)
		}))
	}
	return options, nil
}

// traffic is Traffic.java's counterpart, with the same arguments and the same file: an idempotent producer and a group's member until standard input ends.
func traffic(args []string) error {
	bootstrap, topic, group := args[0], args[1], args[2]
	partitions, _ := strconv.Atoi(args[3])
	pauseMs, _ := strconv.Atoi(args[4])
	file, err := os.Create(args[5])
	if err != nil {
		return err
	}
	defer file.Close()
	notes := bufio.NewWriter(file)
	var lock sync.Mutex
	note := func(format string, values ...any) {
		lock.Lock()
		defer lock.Unlock()
		fmt.Fprintf(notes, format+"\n", values...)
		notes.Flush()
	}
	secured, err := login()
	if err != nil {
		return err
	}
	var acked, polled atomic.Int64
	// A broker that is killed before it answers the first request is not one that demands TLS. One that has just started knows no topic for a moment,
	// and asking so often uses the default's four tries up within it.
	producer, err := kgo.NewClient(append(secured, kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(50*time.Millisecond), kgo.ProducerLinger(0), kgo.AlwaysRetryEOF(), kgo.UnknownTopicRetries(-1))...)
	if err != nil {
		return err
	}
	defer producer.Close()
	consumer, err := kgo.NewClient(append(secured, kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(50*time.Millisecond), kgo.SessionTimeout(10*time.Second), kgo.AlwaysRetryEOF())...)
	if err != nil {
		return err
	}
	sendUntil, stopSending := context.WithCancel(context.Background())
	readUntil, stopReading := context.WithCancel(context.Background())
	var sending, reading sync.WaitGroup
	sending.Add(1)
	go func() {
		defer sending.Done()
		for n := 0; sendUntil.Err() == nil; n++ {
			record := &kgo.Record{Partition: int32(n % partitions), Value: []byte("v" + strconv.Itoa(n))}
			producer.Produce(context.Background(), record, func(r *kgo.Record, err error) {
				if err != nil {
					note("failed %s %s", r.Value, err)
					return
				}
				acked.Add(1)
				note("acked %d %d %s", r.Partition, r.Offset, r.Value)
			})
			if n%partitions == 0 {
				time.Sleep(time.Duration(pauseMs) * time.Millisecond)
			}
		}
		producer.Flush(context.Background())
	}()
	reading.Add(1)
	go func() {
		defer reading.Done()
		for readUntil.Err() == nil {
			fetches := consumer.PollRecords(readUntil, 1000)
			if err := fetches.Err(); err != nil && readUntil.Err() == nil {
				note("uncommitted %s", err)
			}
			last := map[int32]*kgo.Record{}
			fetches.EachRecord(func(r *kgo.Record) {
				polled.Add(1)
				note("polled %d %d %s", r.Partition, r.Offset, r.Value)
				last[r.Partition] = r
			})
			if len(last) == 0 {
				continue
			}
			var records []*kgo.Record
			for _, r := range last {
				records = append(records, r)
			}
			if err := consumer.CommitRecords(context.Background(), records...); err != nil {
				note("uncommitted %s", err)
				continue
			}
			for _, r := range records {
				note("committed %d %d", r.Partition, r.Offset+1)
			}
		}
		consumer.Close()
	}()
	for in := bufio.NewReader(os.Stdin); ; {
		c, err := in.ReadByte()
		if err != nil {
			break
		}
		if c == '?' {
			fmt.Println(acked.Load(), polled.Load())
		}
	}
	stopSending()
	sending.Wait()
	for i := 0; i < 300 && polled.Load() < acked.Load(); i++ {
		time.Sleep(100 * time.Millisecond)
	}
	stopReading()
	reading.Wait()
	return nil
}
