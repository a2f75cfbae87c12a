import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;

/** A broker of Apache's and its tools in one JVM, so that an archive of loaded classes has what they need. Arguments: server.properties, HOST:PORT of the broker. */
public class Train {
    static class Exited extends RuntimeException {}

    static void run(String name, String... arguments) throws Exception {
        try {
            Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (java.lang.reflect.InvocationTargetException e) {
            if (!(e.getCause() instanceof Exited)) throw e;
        }
    }

    public static void main(String[] arguments) throws Exception {
        org.apache.kafka.common.utils.Exit.setExitProcedure((code, message) -> {
            throw new Exited();
        });
        Thread broker = new Thread(() -> kafka.Kafka.main(new String[] {arguments[0]}));
        broker.setDaemon(true);
        broker.setUncaughtExceptionHandler((thread, error) -> {});
        broker.start();
        String address = arguments[1];
        run("kafka.admin.TopicCommand", "--bootstrap-server", address, "--create", "--topic", "t", "--partitions", "1");
        System.setIn(new ByteArrayInputStream("a record\n".getBytes(StandardCharsets.UTF_8)));
        run("kafka.tools.ConsoleProducer", "--bootstrap-server", address, "--topic", "t");
        run("kafka.tools.ConsoleConsumer", "--bootstrap-server", address, "--topic", "t", "--from-beginning", "--max-messages", "1");
        run("kafka.admin.ConfigCommand", "--bootstrap-server", address, "--entity-type", "topics", "--entity-name", "t", "--describe");
        // Not by Exit: the archive is written at the end of the JVM, after the broker's shutdown hook.
        System.exit(0);
    }
}
