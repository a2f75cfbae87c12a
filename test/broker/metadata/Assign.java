import java.util.ArrayList;
import java.util.List;
import java.util.Scanner;
import java.util.TreeMap;
import kafka.admin.AdminUtils;
import kafka.admin.BrokerMetadata;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/** Reads "racks partitions factor start first" (racks: a letter per broker, - for none) and prints what Apache's AdminUtils assigns. */
public class Assign {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        while (in.hasNext()) {
            String racks = in.next();
            List<BrokerMetadata> brokers = new ArrayList<>();
            for (int id = 0; id < racks.length(); id++) {
                String rack = racks.charAt(id) == '-' ? null : "r" + racks.charAt(id);
                brokers.add(new BrokerMetadata(id, Option.apply(rack)));
            }
            int partitions = in.nextInt(), factor = in.nextInt(), start = in.nextInt(), first = in.nextInt();
            var assigned = AdminUtils.assignReplicasToBrokers(CollectionConverters.asScala(brokers).toSeq(), partitions, factor, start, first);
            var sorted = new TreeMap<Integer, String>();
            CollectionConverters.asJava(assigned).forEach((partition, replicas) -> sorted.put((Integer) partition, CollectionConverters.asJava(replicas).toString().replace(" ", "")));
            System.out.println(sorted.toString().replace(" ", ""));
        }
    }
}
