import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Scanner;
import kafka.api.ApiVersion$;
import kafka.common.OffsetAndMetadata;
import kafka.coordinator.group.GroupMetadata;
import kafka.coordinator.group.GroupMetadataManager;
import kafka.coordinator.group.MemberMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.Utils;

/** Reads and writes records of __consumer_offsets with Apache's classes: one line in, one line out. */
public class GroupRecordsOracle {
    static final HexFormat HEX = HexFormat.of();

    static ByteBuffer bytes(String hex) {
        return ByteBuffer.wrap(HEX.parseHex(hex));
    }

    static kafka.api.ApiVersion version(String text) {
        return ApiVersion$.MODULE$.apply(text);
    }

    public static void main(String[] args) {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) System.out.println("> " + answer(lines.nextLine().split(" ", -1)));
    }

    static String answer(String[] line) {
        switch (line[0]) {
            case "partition": return "" + Utils.abs(line[1].hashCode()) % 50;
            case "key": return GroupMetadataManager.readMessageKey(bytes(line[1])).toString();
            case "offset": return offset(GroupMetadataManager.readOffsetMessageValue(bytes(line[1])));
            case "offset-as": return HEX.formatHex(GroupMetadataManager.offsetCommitValue(
                GroupMetadataManager.readOffsetMessageValue(bytes(line[2])), version(line[1])));
            case "offset-key": return HEX.formatHex(GroupMetadataManager.offsetCommitKey(line[1], new TopicPartition(line[2], Integer.parseInt(line[3]))));
            case "group-key": return HEX.formatHex(GroupMetadataManager.groupMetadataKey(line[1]));
            case "group": return group(GroupMetadataManager.readGroupMessageValue("g", bytes(line[1]), Time.SYSTEM));
            case "group-as": return groupAs(GroupMetadataManager.readGroupMessageValue("g", bytes(line[2]), Time.SYSTEM), line[1]);
            default: throw new IllegalArgumentException(line[0]);
        }
    }

    static String offset(OffsetAndMetadata value) {
        Object expires = value.expireTimestamp().isEmpty() ? "-1" : value.expireTimestamp().get();
        return value.offset() + " " + value.leaderEpoch().orElse(-1) + " " + value.metadata() + " " + value.commitTimestamp() + " " + expires;
    }

    static String group(GroupMetadata group) {
        StringBuilder text = new StringBuilder();
        text.append((Object) group.protocolType().getOrElse(() -> "")).append(' ').append(group.generationId()).append(' ');
        text.append((Object) group.protocolName().getOrElse(() -> "null")).append(' ').append(group.leaderOrNull()).append(' ');
        text.append(group.currentStateTimestampOrDefault()).append(' ').append(group.currentState());
        String[] members = new String[group.size()];
        for (int at = 0; at < members.length; at++) {
            MemberMetadata member = group.allMemberMetadata().apply(at);
            String protocol = group.protocolName().getOrElse(() -> "");
            members[at] = String.join(",", member.memberId(), "" + (Object) member.groupInstanceId().getOrElse(() -> null), member.clientId(),
                member.clientHost(), "" + member.rebalanceTimeoutMs(), "" + member.sessionTimeoutMs(),
                HEX.formatHex(member.metadata(protocol)), HEX.formatHex(member.assignment()));
        }
        Arrays.sort(members);
        for (String member : members) text.append(' ').append(member);
        return text.toString();
    }

    static String groupAs(GroupMetadata group, String version) {
        scala.collection.immutable.Map<String, byte[]> assignment = scala.collection.immutable.Map$.MODULE$.empty();
        for (int at = 0; at < group.size(); at++) {
            MemberMetadata member = group.allMemberMetadata().apply(at);
            assignment = assignment.updated(member.memberId(), member.assignment());
        }
        return HEX.formatHex(GroupMetadataManager.groupMetadataValue(group, assignment, version(version)));
    }
}
