import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import javax.security.auth.x500.X500Principal;
import org.apache.kafka.common.security.ssl.SslPrincipalMapper;

/** Answers each line of the input in base64: "name DER" by what Java calls the owner, "map RULES NAME" by what Apache Kafka makes of a name; "-" for a refusal. */
public class SslNames {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        StringBuilder out = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ", -1);
            out.append(answer(words)).append('\n');
        }
        System.out.print(out);
    }

    private static String answer(String[] words) {
        try {
            String text = words[0].equals("name")
                ? new X500Principal(Base64.getDecoder().decode(words[1])).getName()
                : SslPrincipalMapper.fromRules(decode(words[1])).getName(decode(words[2]));
            return "=" + Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
        } catch (Exception e) {
            return "-";
        }
    }

    private static String decode(String word) {
        return new String(Base64.getDecoder().decode(word), StandardCharsets.UTF_8);
    }
}
