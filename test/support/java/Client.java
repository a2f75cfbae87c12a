import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;

/**
 * Apache's Java clients of 0.11 and later. A line of input is a command, its arguments and properties (name=value), separated by tabs; the answer is lines
 * of output and then "ok", or "error" and the chain of exceptions.
 */
public class Client {
    static final String FILLER = "abcdefghij".repeat(5);
    static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    static void produce(Properties properties, String topic, int count, long baseMs) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
            for (int n = 0; n < count; n++) {
                ProducerRecord<String, String> record = new ProducerRecord<>(topic, null, baseMs + n, "key-" + n % 100, n + " " + FILLER);
                if (!properties.containsKey("test.no.headers")) record.headers().add("n", String.valueOf(n).getBytes(StandardCharsets.UTF_8));
                sent.add(producer.send(record));
            }
            for (Future<RecordMetadata> one : sent) one.get();
        }
    }

    /** poll(long) until 1.1, poll(Duration) since 2.0 and alone since 4.0. */
    @SuppressWarnings("unchecked")
    static ConsumerRecords<String, String> poll(KafkaConsumer<String, String> consumer, long ms) throws Exception {
        try {
            Method method;
            try {
                method = KafkaConsumer.class.getMethod("poll", Duration.class);
                return (ConsumerRecords<String, String>) method.invoke(consumer, Duration.ofMillis(ms));
            } catch (NoSuchMethodException e) {
                method = KafkaConsumer.class.getMethod("poll", long.class);
                return (ConsumerRecords<String, String>) method.invoke(consumer, ms);
            }
        } catch (java.lang.reflect.InvocationTargetException e) {
            throw (Exception) e.getCause();
        }
    }

    static void print(ConsumerRecord<String, String> r) {
        StringBuilder headers = new StringBuilder();
        for (Header h : r.headers()) headers.append(h.key()).append('=').append(new String(h.value(), StandardCharsets.UTF_8));
        OUT.println(r.partition() + "\t" + r.offset() + "\t" + r.timestamp() + "\t" + r.key() + "\t" + r.value() + "\t" + headers);
    }

    /** Takes `count` records, or fails after 20 s; gives what to commit. */
    static Map<TopicPartition, OffsetAndMetadata> take(KafkaConsumer<String, String> consumer, int count) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        long endNanos = System.nanoTime() + 20_000_000_000L;
        for (int taken = 0; taken < count; ) {
            if (System.nanoTime() > endNanos) throw new IllegalStateException("only " + taken + " of " + count + " records in 20 s");
            for (ConsumerRecord<String, String> r : poll(consumer, 500)) {
                if (taken++ >= count) break;
                print(r);
                next.put(new TopicPartition(r.topic(), r.partition()), new OffsetAndMetadata(r.offset() + 1));
            }
        }
        return next;
    }

    static List<TopicPartition> partitions(KafkaConsumer<String, String> consumer, String topic) {
        List<TopicPartition> all = new ArrayList<>();
        for (PartitionInfo p : consumer.partitionsFor(topic)) all.add(new TopicPartition(topic, p.partition()));
        return all;
    }

    static void read(Properties properties, String topic, int count) throws Exception {
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
            List<TopicPartition> all = partitions(consumer, topic);
            consumer.assign(all);
            consumer.seekToBeginning(all);
            take(consumer, count);
        }
    }

    static void group(Properties properties, String topic, int count) throws Exception {
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
            consumer.subscribe(Collections.singletonList(topic));
            consumer.commitSync(take(consumer, count));
        }
    }

    static void times(Properties properties, String topic, long timestampMs) throws Exception {
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
            List<TopicPartition> all = partitions(consumer, topic);
            Map<TopicPartition, Long> wanted = new HashMap<>();
            for (TopicPartition p : all) wanted.put(p, timestampMs);
            Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(wanted);
            Map<TopicPartition, Long> begin = consumer.beginningOffsets(all);
            Map<TopicPartition, Long> end = consumer.endOffsets(all);
            for (TopicPartition p : all) {
                OffsetAndTimestamp one = found.get(p);
                OUT.println(p.partition() + "\t" + (one == null ? -1 : one.offset()) + "\t" + begin.get(p) + "\t" + end.get(p));
            }
        }
    }

    static void create(Properties properties, String topic, int partitions) throws Exception {
        try (AdminClient admin = AdminClient.create(properties)) {
            NewTopic wanted = new NewTopic(topic, partitions, (short) 1);
            admin.createTopics(Collections.singletonList(wanted)).all().get();
        }
    }

    static void delete(Properties properties, String topic) throws Exception {
        try (AdminClient admin = AdminClient.create(properties)) {
            admin.deleteTopics(Collections.singletonList(topic)).all().get();
        }
    }

    static void list(Properties properties) throws Exception {
        try (AdminClient admin = AdminClient.create(properties)) {
            for (String name : admin.listTopics().names().get()) OUT.println(name);
        }
    }

    static void run(String[] parts) throws Exception {
        Properties properties = new Properties();
        List<String> args = new ArrayList<>();
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            if (equals < 0) args.add(parts[i]);
            else properties.put(parts[i].substring(0, equals), parts[i].substring(equals + 1));
        }
        switch (parts[0]) {
            case "produce": produce(properties, args.get(0), Integer.parseInt(args.get(1)), Long.parseLong(args.get(2))); break;
            case "read": read(properties, args.get(0), Integer.parseInt(args.get(1))); break;
            case "group": group(properties, args.get(0), Integer.parseInt(args.get(1))); break;
            case "times": times(properties, args.get(0), Long.parseLong(args.get(1))); break;
            case "create": create(properties, args.get(0), Integer.parseInt(args.get(1))); break;
            case "delete": delete(properties, args.get(0)); break;
            case "list": list(properties); break;
            default: throw new IllegalArgumentException(parts[0]);
        }
    }

    static String chain(Throwable error) {
        StringBuilder text = new StringBuilder();
        for (Throwable t = error; t != null; t = t.getCause()) {
            if (t instanceof ExecutionException) continue;
            if (text.length() > 0) text.append(" <- ");
            text.append(t.getClass().getSimpleName()).append(": ").append(String.valueOf(t.getMessage()).replaceAll("\\s+", " "));
        }
        return text.toString();
    }

    public static void main(String[] ignored) throws Exception {
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String answer = "ok";
            try {
                run(line.split("\t", -1));
            } catch (Throwable e) {
                answer = "error\t" + chain(e);
            }
            OUT.println(answer);
            OUT.flush();
        }
    }
}
