import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/** As Client, for Apache's Java clients of 0.10.0: no headers, no lookup by time, no admin client, no sasl.jaas.config. */
public class Client010 {
    static final String FILLER = "abcdefghij".repeat(5);
    static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    static void produce(Properties properties, String topic, int count, long baseMs) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
            for (int n = 0; n < count; n++) {
                sent.add(producer.send(new ProducerRecord<>(topic, null, baseMs + n, "key-" + n % 100, n + " " + FILLER)));
            }
            for (Future<RecordMetadata> one : sent) one.get();
        }
    }

    static Map<TopicPartition, OffsetAndMetadata> take(KafkaConsumer<String, String> consumer, int count) {
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        long endNanos = System.nanoTime() + 20_000_000_000L;
        for (int taken = 0; taken < count; ) {
            if (System.nanoTime() > endNanos) throw new IllegalStateException("only " + taken + " of " + count + " records in 20 s");
            for (ConsumerRecord<String, String> r : consumer.poll(500)) {
                if (taken++ >= count) break;
                OUT.println(r.partition() + "\t" + r.offset() + "\t" + r.timestamp() + "\t" + r.key() + "\t" + r.value() + "\t");
                next.put(new TopicPartition(r.topic(), r.partition()), new OffsetAndMetadata(r.offset() + 1));
            }
        }
        return next;
    }

    static void read(Properties properties, String topic, int count) {
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
            List<TopicPartition> all = new ArrayList<>();
            for (PartitionInfo p : consumer.partitionsFor(topic)) all.add(new TopicPartition(topic, p.partition()));
            consumer.assign(all);
            consumer.seekToBeginning(all);
            take(consumer, count);
        }
    }

    static void group(Properties properties, String topic, int count) {
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
            consumer.subscribe(Collections.singletonList(topic));
            consumer.commitSync(take(consumer, count));
        }
    }

    /** In place of a JAAS file, which would be one for the life of the process. */
    static void login(String user, String password) {
        Map<String, String> options = new HashMap<>();
        options.put("username", user);
        options.put("password", password);
        String module = "org.apache.kafka.common.security.plain.PlainLoginModule";
        AppConfigurationEntry entry = new AppConfigurationEntry(module, AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options);
        Configuration.setConfiguration(new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return "KafkaClient".equals(name) ? new AppConfigurationEntry[] {entry} : null;
            }
        });
    }

    static void run(String[] parts) throws Exception {
        Properties properties = new Properties();
        List<String> args = new ArrayList<>();
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            if (equals < 0) args.add(parts[i]);
            else properties.put(parts[i].substring(0, equals), parts[i].substring(equals + 1));
        }
        if (properties.containsKey("test.username")) login(properties.getProperty("test.username"), properties.getProperty("test.password"));
        switch (parts[0]) {
            case "produce": produce(properties, args.get(0), Integer.parseInt(args.get(1)), Long.parseLong(args.get(2))); break;
            case "read": read(properties, args.get(0), Integer.parseInt(args.get(1))); break;
            case "group": group(properties, args.get(0), Integer.parseInt(args.get(1))); break;
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
