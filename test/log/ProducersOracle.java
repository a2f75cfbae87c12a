import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Writes to one partition as idempotent and transactional producers do, one batch after the other, and leaves a transaction open. */
public class ProducersOracle {
    static String bootstrap;
    static String topic;

    static KafkaProducer<String, String> producer(String transactionalId) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("enable.idempotence", true);
        if (transactionalId != null) config.put("transactional.id", transactionalId);
        KafkaProducer<String, String> made = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
        if (transactionalId != null) made.initTransactions();
        return made;
    }

    static void send(KafkaProducer<String, String> producer, int count) throws Exception {
        for (int i = 0; i < count; i++) producer.send(new ProducerRecord<>(topic, 0, null, "value " + i)).get();
    }

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        topic = args[1];
        KafkaProducer<String, String> plain = producer(null);
        List<KafkaProducer<String, String>> transactional = new ArrayList<>();
        for (String id : new String[] {"a", "b", "c"}) transactional.add(producer(id));
        send(plain, 7);
        for (int round = 0; round < 8; round++) {
            for (KafkaProducer<String, String> each : transactional) {
                each.beginTransaction();
                send(each, 2 + round % 3);
                send(plain, 1);
            }
            for (int i = 0; i < 3; i++) {
                if ((round + i) % 2 == 0) transactional.get((round + i) % 3).abortTransaction();
                else transactional.get((round + i) % 3).commitTransaction();
                send(plain, 1);
            }
        }
        transactional.get(1).beginTransaction();
        send(transactional.get(1), 3);
        send(plain, 1);
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }
}
