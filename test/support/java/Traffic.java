import java.io.PrintWriter;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * Traffic that runs until standard input ends: an idempotent producer of values that differ, and a member of a group that commits what it took.
 * Arguments: bootstrap, topic, group, partitions, pause in ms, file. Lines of the file: "acked P OFFSET VALUE", "failed VALUE REASON",
 * "polled P OFFSET VALUE", "committed P OFFSET", "found P OFFSET" (what the group had committed when the member got the partition).
 */
public class Traffic {
    static volatile boolean isSending = true;
    static volatile boolean isReading = true;
    static PrintWriter out;

    static synchronized void note(String line) {
        out.println(line);
        out.flush();
    }

    static Properties common(String bootstrap) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("reconnect.backoff.ms", "20");
        p.put("reconnect.backoff.max.ms", "200");
        p.put("retry.backoff.ms", "20");
        p.put("request.timeout.ms", "5000");
        p.put("metadata.max.age.ms", "2000");
        return p;
    }

    static void send(String bootstrap, String topic, int partitions, long pauseMs, AtomicLong acked) throws Exception {
        Properties p = common(bootstrap);
        p.put("enable.idempotence", "true");
        p.put("acks", "all");
        p.put("max.in.flight.requests.per.connection", "5");
        p.put("batch.size", "200");
        String strings = "org.apache.kafka.common.serialization.StringSerializer";
        p.put("key.serializer", strings);
        p.put("value.serializer", strings);
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(p)) {
            for (long n = 0; isSending; n++) {
                String value = "v" + n;
                producer.send(new ProducerRecord<>(topic, (int) (n % partitions), null, value), (done, error) -> {
                    if (error != null) {
                        note("failed " + value + " " + error);
                    } else {
                        acked.incrementAndGet();
                        note("acked " + done.partition() + " " + done.offset() + " " + value);
                    }
                });
                if (n % partitions == 0) Thread.sleep(pauseMs);
            }
            producer.flush();
        }
    }

    static void read(String bootstrap, String topic, String group, AtomicLong polled) {
        Properties p = common(bootstrap);
        p.put("group.id", group);
        p.put("enable.auto.commit", "false");
        p.put("auto.offset.reset", "earliest");
        p.put("session.timeout.ms", "10000");
        String strings = "org.apache.kafka.common.serialization.StringDeserializer";
        p.put("key.deserializer", strings);
        p.put("value.deserializer", strings);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(p)) {
            consumer.subscribe(Collections.singletonList(topic), new ConsumerRebalanceListener() {
                public void onPartitionsRevoked(Collection<TopicPartition> gone) {}

                public void onPartitionsAssigned(Collection<TopicPartition> given) {
                    for (TopicPartition one : given) note("found " + one.partition() + " " + consumer.position(one, Duration.ofSeconds(60)));
                }
            });
            while (isReading) {
                Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
                for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(200))) {
                    note("polled " + r.partition() + " " + r.offset() + " " + r.value());
                    polled.incrementAndGet();
                    next.put(new TopicPartition(r.topic(), r.partition()), new OffsetAndMetadata(r.offset() + 1));
                }
                if (next.isEmpty()) continue;
                try {
                    consumer.commitSync(next);
                    next.forEach((one, offset) -> note("committed " + one.partition() + " " + offset.offset()));
                } catch (org.apache.kafka.common.KafkaException e) {
                    note("uncommitted " + e);
                }
            }
        }
    }

    public static void main(String[] args) throws Exception {
        out = new PrintWriter(args[5], "UTF-8");
        AtomicLong acked = new AtomicLong();
        AtomicLong polled = new AtomicLong();
        Thread[] threads = {
            new Thread(() -> {
                try {
                    send(args[0], args[1], Integer.parseInt(args[3]), Long.parseLong(args[4]), acked);
                } catch (Throwable e) {
                    note("broken " + e);
                }
            }),
            new Thread(() -> {
                try {
                    read(args[0], args[1], args[2], polled);
                } catch (Throwable e) {
                    note("broken " + e);
                }
            })
        };
        for (Thread one : threads) one.start();
        // "?" asks how many were acknowledged and polled until now.
        for (int c = System.in.read(); c >= 0; c = System.in.read()) {
            if (c == '?') System.out.println(acked.get() + " " + polled.get());
        }
        isSending = false;
        threads[0].join();
        for (int i = 0; i < 300 && polled.get() < acked.get(); i++) Thread.sleep(100);
        isReading = false;
        threads[1].join();
        out.close();
    }
}
