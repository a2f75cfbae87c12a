import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collection;
import java.util.TreeMap;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;

/**
 * What Apache's classes say. First the tables (lines E: errors, A: APIs, J: message definitions), then an answer to each line of stdin,
 * `how side key version hex`: the bytes that the class writes after it has read them, and the values that it read.
 * how: data = the generated classes, struct = the schemas in ApiKeys; side: request, response, requestHeader, responseHeader.
 */
public class Oracle {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (Errors e : Errors.values())
            out.println("E " + e.code() + " " + e.name() + " " + (e.exception() instanceof RetriableException) + " " + base64(e.message()));
        for (ApiKeys api : ApiKeys.values()) {
            ApiMessageType type = ApiMessageType.fromApiKey(api.id);
            StringBuilder headers = new StringBuilder();
            for (short v = 0; v <= api.latestVersion() + 1; v++)
                headers.append(headers.length() == 0 ? "" : ",").append(type.requestHeaderVersion(v)).append(":").append(type.responseHeaderVersion(v));
            out.println("A " + api.id + " " + api.name + " " + api.oldestVersion() + " " + api.latestVersion() + " " + headers);
            out.println("J " + api.id + " request " + resource(nameOf(type.newRequest())));
            out.println("J " + api.id + " response " + resource(nameOf(type.newResponse())));
        }
        out.println("J -1 requestHeader " + resource("RequestHeader"));
        out.println("J -1 responseHeader " + resource("ResponseHeader"));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII), 1 << 16);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ", -1);
            try {
                out.println("R " + answer(words[0], words[1], Short.parseShort(words[2]), Short.parseShort(words[3]), unhex(words[4])));
            } catch (Throwable e) {
                out.println("X " + (e.getClass().getSimpleName() + ": " + e.getMessage()).replace('\n', ' '));
            }
        }
        out.flush();
    }

    static String answer(String how, String side, short key, short version, byte[] bytes) throws Exception {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        ByteBuffer written;
        String values = "-";
        if (how.equals("struct")) {
            ApiKeys api = ApiKeys.forId(key);
            Schema schema = (side.equals("request") ? api.requestSchemas : api.responseSchemas)[version];
            Struct struct = schema.read(in);
            written = ByteBuffer.allocate(struct.sizeOf());
            struct.writeTo(written);
        } else {
            Message message = message(side, key);
            message.read(new ByteBufferAccessor(in), version);
            StringBuilder text = new StringBuilder();
            print(message, text);
            values = text.toString();
            ObjectSerializationCache cache = new ObjectSerializationCache();
            written = ByteBuffer.allocate(message.size(cache, version));
            message.write(new ByteBufferAccessor(written), cache, version);
        }
        if (in.hasRemaining()) throw new IllegalStateException(in.remaining() + " bytes were not read");
        return hex(written.array()) + " " + values;
    }

    static Message message(String side, short key) {
        if (side.equals("requestHeader")) return new RequestHeaderData();
        if (side.equals("responseHeader")) return new ResponseHeaderData();
        ApiMessageType type = ApiMessageType.fromApiKey(key);
        return side.equals("request") ? type.newRequest() : type.newResponse();
    }

    /** The private fields have the names of the definition; the accessors of a class do not tell what is a field. */
    static void print(Object value, StringBuilder to) throws Exception {
        if (value == null || value instanceof Boolean || value instanceof Number && !(value instanceof Double)) {
            to.append(value);
        } else if (value instanceof Double) {
            to.append('d').append(String.format("%016x", Double.doubleToRawLongBits((Double) value)));
        } else if (value instanceof String) {
            to.append('s').append(hex(((String) value).getBytes(StandardCharsets.UTF_8)));
        } else if (value instanceof byte[]) {
            to.append('b').append(hex((byte[]) value));
        } else if (value instanceof Collection) {
            String separator = "[";
            for (Object item : (Collection<?>) value) {
                to.append(separator);
                print(item, to);
                separator = ",";
            }
            to.append(separator.equals("[") ? "[]" : "]");
        } else {
            TreeMap<String, Object> fields = new TreeMap<>();
            for (Field field : value.getClass().getDeclaredFields()) {
                String name = field.getName();
                if (Modifier.isStatic(field.getModifiers()) || name.equals("_unknownTaggedFields") || name.equals("next") || name.equals("prev")) continue;
                field.setAccessible(true);
                fields.put(name, field.get(value));
            }
            to.append('{');
            for (String name : fields.keySet()) {
                to.append(name).append('=');
                print(fields.get(name), to);
                to.append(';');
            }
            to.append('}');
        }
    }

    static String nameOf(Message message) {
        return message.getClass().getSimpleName().replaceAll("Data$", "");
    }

    static String resource(String name) throws Exception {
        try (InputStream in = Message.class.getResourceAsStream("/common/message/" + name + ".json")) {
            return Base64.getEncoder().encodeToString(in.readAllBytes());
        }
    }

    static String base64(String text) {
        return Base64.getEncoder().encodeToString((text == null ? "" : text).getBytes(StandardCharsets.UTF_8));
    }

    static byte[] unhex(String hex) {
        byte[] bytes = new byte[hex.length() / 2];
        for (int i = 0; i < bytes.length; i++)
            bytes[i] = (byte) (Character.digit(hex.charAt(2 * i), 16) << 4 | Character.digit(hex.charAt(2 * i + 1), 16));
        return bytes;
    }

    static String hex(byte[] bytes) {
        char[] digits = "0123456789abcdef".toCharArray();
        char[] out = new char[bytes.length * 2];
        for (int i = 0; i < bytes.length; i++) {
            out[2 * i] = digits[bytes[i] >> 4 & 15];
            out[2 * i + 1] = digits[bytes[i] & 15];
        }
        return new String(out);
    }
}
