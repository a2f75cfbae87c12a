import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/**
 * What people do to a broker on odd days: a line per step with what the client said. Arguments: bootstrap servers, a prefix for names.
 * The lines are compared with those of Apache's broker.
 */
public class OddRequests {
    interface Step {
        Object run() throws Exception;
    }

    static String servers;
    static String prefix;

    static void step(String name, Step step) {
        Object result;
        try {
            result = step.run();
        } catch (Throwable thrown) {
            Throwable cause = thrown;
            while (cause instanceof ExecutionException && cause.getCause() != null) cause = cause.getCause();
            result = cause.getClass().getSimpleName() + ": " + cause.getMessage();
        }
        System.out.println(name + ": " + result);
    }

    static Map<String, Object> config(Object... pairs) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", servers);
        for (int i = 0; i < pairs.length; i += 2) config.put((String) pairs[i], pairs[i + 1]);
        return config;
    }

    static KafkaConsumer<byte[], byte[]> consumer(Object... pairs) {
        Map<String, Object> config = config("auto.offset.reset", "earliest", "enable.auto.commit", false, "default.api.timeout.ms", 8000);
        config.putAll(config(pairs));
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    static TopicPartition at(String topic, int partition) {
        return new TopicPartition(prefix + topic, partition);
    }

    static ProducerRecord<byte[], byte[]> record(String topic, Long timestamp, byte[] key, byte[] value) {
        return new ProducerRecord<>(prefix + topic, 0, timestamp, key, value);
    }

    static String send(ProducerRecord<byte[], byte[]> record, Object... pairs) throws Exception {
        Map<String, Object> config = config("max.block.ms", 8000, "delivery.timeout.ms", 10000, "request.timeout.ms", 5000, "max.request.size", 5000000);
        config.putAll(config(pairs));
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            RecordMetadata sent = producer.send(record).get();
            return "@" + sent.offset() + " " + sent.timestamp() + " " + sent.serializedKeySize() + " " + sent.serializedValueSize();
        }
    }

    static List<ConsumerRecord<byte[], byte[]>> read(KafkaConsumer<byte[], byte[]> consumer, int count, int withinMs) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        long endsMs = System.currentTimeMillis() + withinMs;
        while (records.size() < count && System.currentTimeMillis() < endsMs) consumer.poll(Duration.ofMillis(200)).forEach(records::add);
        return records;
    }

    static String shown(ConsumerRecord<byte[], byte[]> record) {
        StringBuilder headers = new StringBuilder();
        record.headers().forEach(header -> headers.append(header.key()).append('=').append(header.value() == null ? null : header.value().length).append(' '));
        return record.offset() + "/" + record.timestamp() + "/" + record.timestampType() + "/" + (record.key() == null ? null : record.key().length) + "/"
            + (record.value() == null ? null : record.value().length) + "/" + headers;
    }

    static String readFrom(long offset, Object... pairs) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(pairs)) {
            consumer.assign(Arrays.asList(at("a", 0)));
            consumer.seek(at("a", 0), offset);
            List<ConsumerRecord<byte[], byte[]>> records = read(consumer, 1, 4000);
            return records.isEmpty() ? "nothing, at " + consumer.position(at("a", 0)) : "from " + records.get(0).offset();
        }
    }

    static String subscribed(String group, Object... pairs) {
        Map<String, Object> all = config(pairs);
        all.put("group.id", prefix + group);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(all.entrySet().stream().flatMap(e -> java.util.stream.Stream.of(e.getKey(), e.getValue())).toArray())) {
            consumer.subscribe(Arrays.asList(prefix + "a"));
            return read(consumer, 1, 8000).isEmpty() ? "nothing" : "records";
        }
    }

    static String commit(String topic, OffsetAndMetadata offset) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("group.id", prefix + "commits")) {
            consumer.assign(Arrays.asList(at(topic, 0)));
            consumer.commitSync(Collections.singletonMap(at(topic, 0), offset), Duration.ofMillis(3000));
            return String.valueOf(consumer.committed(new HashSet<>(Arrays.asList(at(topic, 0)))));
        }
    }

    static NewTopic topic(String name, String... pairs) {
        Map<String, String> configs = new HashMap<>();
        for (int i = 0; i < pairs.length; i += 2) configs.put(pairs[i], pairs[i + 1]);
        return new NewTopic(prefix + name, 1, (short) 1).configs(configs);
    }

    static void produce() throws Exception {
        byte[] x = {120};
        step("null key and value", () -> send(record("a", 1L, null, null)));
        step("empty key and value", () -> send(record("a", 0L, new byte[0], new byte[0])));
        step("far future", () -> send(record("a", 253402300799000L, null, x)));
        ProducerRecord<byte[], byte[]> headers = record("a", 5L, x, x);
        headers.headers().add("h", x).add("h", null).add("", new byte[0]).add("\u00e4\u20ac", new byte[300]);
        step("headers", () -> send(headers));
        for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"})
            step("compressed by " + codec, () -> send(record("a", 6L, x, new byte[200000]), "compression.type", codec));
        step("read back", () -> {
            try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
                consumer.assign(Arrays.asList(at("a", 0)));
                StringBuilder all = new StringBuilder();
                for (ConsumerRecord<byte[], byte[]> record : read(consumer, 9, 10000)) all.append(shown(record)).append("; ");
                return all;
            }
        });
        step("larger than message.max.bytes", () -> send(record("a", 7L, null, new byte[2000000])));
        step("larger until it is compressed", () -> send(record("a", 7L, null, new byte[2000000]), "compression.type", "gzip"));
        step("larger than max.message.bytes", () -> send(record("small", 7L, null, new byte[2000])));
        step("a timestamp too far away", () -> send(record("near", 5L, null, x)));
        step("no key for a compacted topic", () -> send(record("compacted", 7L, null, x)));
        step("a tombstone", () -> send(record("compacted", 7L, x, null)));
        step("another codec than the topic's", () -> send(record("gzip", 7L, x, new byte[10000]), "compression.type", "lz4"));
        step("too few replicas in sync", () -> send(record("isr", 7L, null, x), "acks", "all", "retries", 0, "enable.idempotence", false));
        step("a topic that cannot be", () -> send(new ProducerRecord<>("bad name", x)));
    }

    static void consume() {
        for (String reset : new String[] {"earliest", "latest", "none"}) step("beyond the end, " + reset, () -> readFrom(100000, "auto.offset.reset", reset));
        step("committed records only", () -> readFrom(2, "isolation.level", "read_committed"));
        step("answers smaller than a batch", () -> readFrom(4, "max.partition.fetch.bytes", 100, "fetch.max.bytes", 100));
        step("a group without an offset", () -> subscribed("none", "auto.offset.reset", "none"));
        step("a session time-out that is too short", () -> subscribed("short", "session.timeout.ms", 1000, "heartbeat.interval.ms", 300));
        step("offsets by time", () -> {
            try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
                Map<TopicPartition, Long> times = Collections.singletonMap(at("a", 0), 2L);
                return consumer.offsetsForTimes(times) + " " + consumer.beginningOffsets(times.keySet()) + " " + consumer.endOffsets(times.keySet());
            }
        });
        step("a commit with words", () -> commit("a", new OffsetAndMetadata(3, Optional.of(0), "hello")));
        step("a commit with too many words", () -> commit("a", new OffsetAndMetadata(3, new String(new char[5000]))));
        step("a commit for no topic", () -> commit("nowhere", new OffsetAndMetadata(3)));
        step("assignors that do not agree", () -> {
            try (KafkaConsumer<byte[], byte[]> one = consumer("group.id", prefix + "mixed", "partition.assignment.strategy", RoundRobinAssignor.class.getName())) {
                one.subscribe(Arrays.asList(prefix + "a"));
                read(one, 1, 8000);
                return subscribed("mixed", "partition.assignment.strategy", RangeAssignor.class.getName());
            }
        });
        step("one static member twice", () -> {
            Object[] member = {"group.id", prefix + "static", "group.instance.id", "i1"};
            try (KafkaConsumer<byte[], byte[]> one = consumer(member); KafkaConsumer<byte[], byte[]> other = consumer(member)) {
                for (KafkaConsumer<byte[], byte[]> each : Arrays.asList(one, other)) {
                    each.subscribe(Arrays.asList(prefix + "a"));
                    read(each, 1, 8000);
                }
                for (int i = 0; i < 30; i++) {
                    one.poll(Duration.ofMillis(200));
                    one.commitSync();
                }
                return "both";
            }
        });
    }

    static void administer(AdminClient admin) {
        step("a pattern and a new topic", () -> {
            try (KafkaConsumer<byte[], byte[]> consumer = consumer("group.id", prefix + "pattern", "metadata.max.age.ms", 500)) {
                consumer.subscribe(Pattern.compile(prefix + "pat.*"));
                consumer.poll(Duration.ofMillis(1500));
                admin.createTopics(Arrays.asList(topic("pat1"))).all().get();
                for (int i = 0; i < 50 && consumer.assignment().isEmpty(); i++) consumer.poll(Duration.ofMillis(200));
                return consumer.assignment();
            }
        });
        step("records deleted", () -> admin.deleteRecords(Collections.singletonMap(at("a", 0), RecordsToDelete.beforeOffset(4))).lowWatermarks().get(at("a", 0)).get().lowWatermark());
        step("more deleted than there are", () -> admin.deleteRecords(Collections.singletonMap(at("a", 0), RecordsToDelete.beforeOffset(99))).lowWatermarks().get(at("a", 0)).get());
        for (String reset : new String[] {"earliest", "none"}) step("before the start, " + reset, () -> readFrom(1, "auto.offset.reset", reset));
        step("a topic that is there", () -> admin.createTopics(Arrays.asList(topic("a"))).all().get());
        for (String name : new String[] {"", "..", String.join("", Collections.nCopies(250, "x"))})
            step("a topic of " + name.length() + " characters", () -> admin.createTopics(Arrays.asList(new NewTopic(name, 1, (short) 1))).all().get());
        step("partitions with a gap", () -> admin.createTopics(Arrays.asList(new NewTopic(prefix + "gap", Collections.singletonMap(1, Arrays.asList(0))))).all().get());
        step("a topic that is not there", () -> admin.deleteTopics(Arrays.asList(prefix + "nowhere")).all().get());
        step("a group that is not there", () -> admin.deleteConsumerGroups(Arrays.asList(prefix + "nowhere")).all().get());
        step("a group in use", () -> {
            try (KafkaConsumer<byte[], byte[]> consumer = consumer("group.id", prefix + "used")) {
                consumer.subscribe(Arrays.asList(prefix + "a"));
                read(consumer, 1, 8000);
                step("offsets of a group in use", () -> admin.alterConsumerGroupOffsets(prefix + "used", Collections.singletonMap(at("a", 0), new OffsetAndMetadata(1))).all().get());
                return admin.deleteConsumerGroups(Arrays.asList(prefix + "used")).all().get();
            }
        });
        step("what the cluster lets one do", () -> new TreeSet<>(admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true)).authorizedOperations().get()));
    }

    public static void main(String[] arguments) throws Exception {
        servers = arguments[0];
        prefix = arguments[1];
        try (AdminClient admin = AdminClient.create(config())) {
            admin.createTopics(Arrays.asList(topic("a"), topic("small", "max.message.bytes", "1000"), topic("near", "message.timestamp.difference.max.ms", "60000"),
                topic("compacted", "cleanup.policy", "compact"), topic("gzip", "compression.type", "gzip"), topic("isr", "min.insync.replicas", "2"))).all().get();
            produce();
            consume();
            administer(admin);
        }
    }
}
