import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.utils.Time;

/** Answers one line per line: what Apache's classes make of record batches in hex. The commands are in oracle.ts. */
public class RecordsOracle {
    static String hex(ByteBuffer b) {
        if (b == null) return "null";
        StringBuilder out = new StringBuilder();
        ByteBuffer d = b.duplicate();
        while (d.hasRemaining()) out.append(String.format("%02x", d.get()));
        return out.toString();
    }

    static ByteBuffer bytes(String hex) {
        if (hex.equals("null")) return null;
        ByteBuffer b = ByteBuffer.allocate(hex.length() / 2);
        for (int i = 0; i < hex.length(); i += 2) b.put((byte) Integer.parseInt(hex.substring(i, i + 2), 16));
        b.flip();
        return b;
    }

    static String describe(MemoryRecords records) {
        StringBuilder out = new StringBuilder();
        for (MutableRecordBatch batch : records.batches()) {
            batch.ensureValid();
            out.append("[").append(batch.magic()).append(" ").append(batch.compressionType().name);
            if (batch.magic() == 2)
                out.append(" ").append(batch.baseOffset()).append(" ").append(batch.producerId()).append(" ").append(batch.producerEpoch()).append(" ")
                    .append(batch.baseSequence()).append(" ").append(batch.countOrNull());
            out.append(" ").append(batch.lastOffset()).append(" ").append(batch.timestampType()).append(" ").append(batch.maxTimestamp()).append(" ")
                .append(batch.partitionLeaderEpoch()).append(" ").append(batch.isTransactional()).append(" ").append(batch.isControlBatch());
            for (Record record : batch) {
                out.append(" (").append(record.offset()).append(" ").append(record.timestamp()).append(" ").append(record.sequence()).append(" ")
                    .append(hex(record.key())).append(" ").append(hex(record.value()));
                for (Header h : record.headers())
                    out.append(" ").append(hex(ByteBuffer.wrap(h.key().getBytes(java.nio.charset.StandardCharsets.UTF_8)))).append("=")
                        .append(h.value() == null ? "null" : hex(ByteBuffer.wrap(h.value())));
                out.append(")");
            }
            out.append("]");
        }
        return out.toString();
    }

    /** magic codec type baseOffset appendTime pid epoch sequence transactional control leaderEpoch, then records offset:timestamp:key:value:k=v,k=v */
    static String build(String[] a) {
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(ByteBuffer.allocate(1024), Byte.parseByte(a[1]), CompressionType.forName(a[2]),
            TimestampType.forName(a[3]), Long.parseLong(a[4]), Long.parseLong(a[5]), Long.parseLong(a[6]), Short.parseShort(a[7]),
            Integer.parseInt(a[8]), Boolean.parseBoolean(a[9]), Boolean.parseBoolean(a[10]), Integer.parseInt(a[11]), 1 << 20);
        for (int i = 12; i < a.length; i++) {
            String[] r = a[i].split(":", -1);
            List<Header> headers = new ArrayList<>();
            if (!r[4].isEmpty())
                for (String h : r[4].split(",")) {
                    ByteBuffer value = bytes(h.split("=", -1)[1]);
                    headers.add(new RecordHeader(new String(bytes(h.split("=", -1)[0]).array(), java.nio.charset.StandardCharsets.UTF_8), value == null ? null : value.array()));
                }
            builder.appendWithOffset(Long.parseLong(r[0]), Long.parseLong(r[1]), bytes(r[2]), bytes(r[3]), headers.toArray(new Header[0]));
        }
        return hex(builder.build().buffer());
    }

    static String marker(String[] a) {
        return hex(MemoryRecords.withEndTransactionMarker(Long.parseLong(a[1]), Long.parseLong(a[2]), Integer.parseInt(a[3]), Long.parseLong(a[4]),
            Short.parseShort(a[5]), new EndTransactionMarker(ControlRecordType.valueOf(a[6]), Integer.parseInt(a[7]))).buffer());
    }

    /** magic targetCodec(producer|...) compacted type maxDifference now offset leaderEpoch origin hex */
    static String validate(String[] a) {
        MemoryRecords records = MemoryRecords.readableRecords(bytes(a[10]));
        int source = 0;
        for (MutableRecordBatch batch : records.batches()) if (batch.compressionType().id != 0) source = batch.compressionType().id;
        int target = a[2].equals("producer") ? source : a[2].equals("uncompressed") ? 0 : CompressionType.forName(a[2]).id;
        kafka.log.AppendOrigin origin = a[9].equals("client") ? kafka.log.AppendOrigin.Client$.MODULE$ : kafka.log.AppendOrigin.Coordinator$.MODULE$;
        kafka.log.LogValidator.ValidationAndOffsetAssignResult result = kafka.log.LogValidator$.MODULE$.validateMessagesAndAssignOffsets(records,
            new TopicPartition("t", 0), new kafka.common.LongRef(Long.parseLong(a[7])), Time.SYSTEM, Long.parseLong(a[6]),
            kafka.message.CompressionCodec$.MODULE$.getCompressionCodec(source), kafka.message.CompressionCodec$.MODULE$.getCompressionCodec(target),
            Boolean.parseBoolean(a[3]), Byte.parseByte(a[1]), TimestampType.forName(a[4]), Long.parseLong(a[5]), Integer.parseInt(a[8]), origin,
            kafka.api.ApiVersion$.MODULE$.latestVersion(), STATS);
        return "ok " + result.maxTimestamp() + " " + describe(result.validatedRecords());
    }

    static final kafka.server.BrokerTopicStats STATS = new kafka.server.BrokerTopicStats();

    static String failure(Throwable e) {
        String indexes = "";
        if (e instanceof org.apache.kafka.common.errors.RecordTooLargeException) indexes = "";
        if (e instanceof kafka.common.RecordValidationException) {
            kafka.common.RecordValidationException refused = (kafka.common.RecordValidationException) e;
            StringBuilder list = new StringBuilder();
            for (org.apache.kafka.common.requests.ProduceResponse.RecordError error : scala.jdk.javaapi.CollectionConverters.asJava(refused.recordErrors()))
                list.append(" ").append(error.batchIndex);
            indexes = list.toString();
            e = refused.invalidException();
        }
        return "error " + Errors.forException(e).name() + indexes + " # " + String.valueOf(e.getMessage()).replace('\n', ' ');
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        PrintStream out = new PrintStream(System.out, false);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] a = line.split(" ");
            String answer;
            try {
                switch (a[0]) {
                    case "read": answer = describe(MemoryRecords.readableRecords(bytes(a[1]))); break;
                    case "build": answer = build(a); break;
                    case "marker": answer = marker(a); break;
                    case "down": answer = hex(MemoryRecords.readableRecords(bytes(a[3])).downConvert(Byte.parseByte(a[1]), Long.parseLong(a[2]), Time.SYSTEM).records().buffer()); break;
                    case "validate": answer = validate(a); break;
                    default: answer = "unknown command";
                }
            } catch (Throwable e) {
                answer = failure(e);
            }
            out.println(answer);
        }
        out.flush();
    }
}
