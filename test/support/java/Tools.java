import java.io.ByteArrayInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;

/**
 * Runs Apache's command-line tools one after the other in one JVM. A line of input is CLASS, base64 of standard input, then the arguments, separated by tabs;
 * a line of output is the exit code, a blank and base64 of what the tool printed.
 */
public class Tools {
    static class Exited extends RuntimeException {
        final int code;

        Exited(int code) {
            this.code = code;
        }
    }

    static int run(String name, String[] args) throws Exception {
        try {
            Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) args);
            return 0;
        } catch (java.lang.reflect.InvocationTargetException e) {
            if (e.getCause() instanceof Exited) return ((Exited) e.getCause()).code;
            e.getCause().printStackTrace();
            return 1;
        }
    }

    public static void main(String[] ignored) throws Exception {
        org.apache.kafka.common.utils.Exit.setExitProcedure((code, message) -> {
            throw new Exited(code);
        });
        org.apache.kafka.common.utils.Exit.setHaltProcedure((code, message) -> {
            throw new Exited(code);
        });
        PrintStream answers = System.out;
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String[] parts = line.split("\t", -1);
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream stream = new PrintStream(printed, true, "UTF-8");
            System.setIn(new ByteArrayInputStream(Base64.getDecoder().decode(parts[1])));
            System.setOut(stream);
            System.setErr(stream);
            // The console consumer counts towards --max-messages in a static field.
            if (parts[0].equals("kafka.tools.ConsoleConsumer")) kafka.tools.ConsoleConsumer.messageCount_$eq(0);
            int[] code = new int[1];
            scala.Console.withOut(stream, () -> {
                try {
                    code[0] = run(parts[0], Arrays.copyOfRange(parts, 2, parts.length));
                } catch (Exception e) {
                    e.printStackTrace();
                    code[0] = 1;
                }
                return null;
            });
            stream.flush();
            answers.println(code[0] + " " + Base64.getEncoder().encodeToString(printed.toByteArray()));
            answers.flush();
        }
    }
}
