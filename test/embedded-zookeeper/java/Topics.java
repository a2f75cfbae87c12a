import org.apache.kafka.common.utils.Exit;

/** Runs kafka.admin.TopicCommand for each argument (one command line each), in one JVM: its own exits are caught. */
public class Topics {
    public static void main(String[] args) {
        Exit.setExitProcedure((code, message) -> {
            System.out.println("exit " + code);
            throw new IllegalStateException("exit");
        });
        for (String line : args) {
            System.out.println("> " + line.replaceAll("--(zookeeper|bootstrap-server) \\S+", "--$1"));
            try {
                kafka.admin.TopicCommand.main(line.split(" "));
            } catch (Throwable ended) {
                if (!"exit".equals(ended.getMessage())) System.out.println(ended);
            }
        }
        Runtime.getRuntime().halt(0);
    }
}
