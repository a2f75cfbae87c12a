import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.*;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/** Runs one script of operations with Apache's Java client and prints every outcome. Two servers that behave alike give the same text. Argument: host:port. */
public class ClientDriver {
    static final BlockingQueue<String> events = new LinkedBlockingQueue<>();

    interface Step { Object run() throws Exception; }

    static void step(String name, Step step) {
        try {
            System.out.println(name + ": " + step.run());
        } catch (KeeperException e) {
            System.out.println(name + ": " + e.code() + " " + e.getPath() + " " + (e.getResults() == null ? "" : results(e.getResults())));
        } catch (Exception e) {
            System.out.println(name + ": unexpected " + e);
        }
    }

    static String text(byte[] bytes) { return bytes == null ? "null" : "'" + new String(bytes, StandardCharsets.UTF_8) + "'"; }

    static String stat(Stat s) {
        if (s == null) return "none";
        return "v" + s.getVersion() + " c" + s.getCversion() + " a" + s.getAversion() + " len" + s.getDataLength() + " kids" + s.getNumChildren()
            + " eph" + (s.getEphemeralOwner() != 0) + " fresh" + (s.getCzxid() == s.getMzxid()) + " kidless" + (s.getPzxid() == s.getCzxid())
            + " time" + (s.getMtime() >= s.getCtime());
    }

    static String results(List<OpResult> all) {
        List<String> texts = new ArrayList<>();
        for (OpResult one : all) {
            if (one instanceof OpResult.ErrorResult) texts.add("error" + ((OpResult.ErrorResult) one).getErr());
            else if (one instanceof OpResult.CreateResult) texts.add("create " + ((OpResult.CreateResult) one).getPath() + " " + stat(((OpResult.CreateResult) one).getStat()));
            else if (one instanceof OpResult.SetDataResult) texts.add("set " + stat(((OpResult.SetDataResult) one).getStat()));
            else if (one instanceof OpResult.GetChildrenResult) texts.add("children");
            else texts.add(one.getClass().getSimpleName());
        }
        return texts.toString();
    }

    static String sorted(List<String> names) { List<String> copy = new ArrayList<>(names); Collections.sort(copy); return copy.toString(); }

    static String event() throws InterruptedException { return String.valueOf(events.poll(5, TimeUnit.SECONDS)); }

    static ZooKeeper open(String address, int timeoutMs) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper zk = new ZooKeeper(address, timeoutMs, (event) -> {
            if (event.getType() == Watcher.Event.EventType.None) {
                if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
                else if (event.getState() == Watcher.Event.KeeperState.SaslAuthenticated) events.add("sasl");
            } else events.add(event.getType() + " " + event.getPath());
        });
        connected.await(10, TimeUnit.SECONDS);
        return zk;
    }

    public static void main(String[] args) throws Exception {
        ZooKeeper zk = open(args[0], 4000);
        List<ACL> all = ZooDefs.Ids.OPEN_ACL_UNSAFE;
        byte[] x = "x".getBytes(StandardCharsets.UTF_8);
        step("login", ClientDriver::event);
        step("timeout", zk::getSessionTimeout);
        step("root", () -> sorted(zk.getChildren("/", false)) + " " + stat(zk.exists("/", false)));
        step("create", () -> zk.create("/d", x, all, CreateMode.PERSISTENT));
        step("create again", () -> zk.create("/d", x, all, CreateMode.PERSISTENT));
        step("create below nothing", () -> zk.create("/no/d", x, all, CreateMode.PERSISTENT));
        Stat made = new Stat();
        step("create2", () -> zk.create("/d/s-", null, all, CreateMode.PERSISTENT_SEQUENTIAL, made) + " " + stat(made));
        step("ephemeral", () -> zk.create("/d/e", x, all, CreateMode.EPHEMERAL) + " " + stat(zk.exists("/d/e", false)));
        step("below ephemeral", () -> zk.create("/d/e/x", x, all, CreateMode.PERSISTENT));
        step("ephemeral sequential", () -> zk.create("/d/", x, all, CreateMode.EPHEMERAL_SEQUENTIAL));
        step("ephemerals", () -> sorted(zk.getEphemerals()));
        step("count", () -> zk.getAllChildrenNumber("/d"));
        step("data", () -> { Stat s = new Stat(); return text(zk.getData("/d", false, s)) + " " + stat(s); });
        step("null data", () -> text(zk.getData("/d/s-0000000000", false, null)));
        step("no data", () -> text(zk.getData("/nope", false, null)));
        step("set", () -> stat(zk.setData("/d", null, 0)));
        step("set stale", () -> stat(zk.setData("/d", x, 0)));
        step("set any", () -> stat(zk.setData("/d", x, -1)));
        step("delete full", () -> { zk.delete("/d", -1); return "done"; });
        step("delete stale", () -> { zk.delete("/d/e", 3); return "done"; });
        step("delete reserved", () -> { zk.delete("/zookeeper/quota", -1); return "done"; });
        step("children", () -> { Stat s = new Stat(); return sorted(zk.getChildren("/d", false, s)) + " " + stat(s); });

        zk.exists("/w", true);
        step("exists watch", () -> zk.create("/w", x, all, CreateMode.PERSISTENT) + " " + event());
        zk.getData("/w", true, null);
        step("data watch", () -> stat(zk.setData("/w", x, -1)) + " " + event());
        zk.getChildren("/w", true);
        step("child watch", () -> zk.create("/w/a", x, all, CreateMode.PERSISTENT) + " " + event());
        zk.getData("/w/a", true, null);
        zk.getChildren("/w/a", true);
        step("delete watch", () -> { zk.delete("/w/a", -1); return event() + " " + events.size(); });
        zk.getData("/w", true, null);
        step("multi watch", () -> results(zk.multi(List.of(
            Op.setData("/w", null, -1), Op.create("/w/b", x, all, CreateMode.PERSISTENT), Op.delete("/w/b", 0)))) + " " + event());
        zk.getData("/w", true, null);
        step("remove watch", () -> { zk.removeAllWatches("/w", Watcher.WatcherType.Data, false); return event() + " " + events.size(); });
        step("remove no watch", () -> { zk.removeAllWatches("/w", Watcher.WatcherType.Data, false); return "done"; });

        step("multi", () -> results(zk.multi(List.of(
            Op.check("/d", 2), Op.create("/d/m", x, all, CreateMode.PERSISTENT), Op.setData("/d/m", null, 0),
            Op.create("/d/q-", null, all, CreateMode.EPHEMERAL_SEQUENTIAL), Op.delete("/d/m", 1)))));
        step("multi refused", () -> results(zk.multi(List.of(
            Op.create("/d/n", x, all, CreateMode.PERSISTENT), Op.check("/d/n", 1), Op.delete("/d/n", -1)))));
        step("multi nothing left", () -> zk.exists("/d/n", false));
        step("multi empty", () -> results(zk.multi(List.of())));
        step("transaction", () -> results(zk.transaction().create("/d/t", x, all, CreateMode.PERSISTENT).setData("/d/t", x, 0).commit()));

        step("acl", () -> zk.getACL("/d", new Stat()));
        step("set acl", () -> stat(zk.setACL("/d/t", Arrays.asList(new ACL(ZooDefs.Perms.READ, ZooDefs.Ids.ANYONE_ID_UNSAFE), new ACL(31, new Id("digest", "u:h"))), 0)));
        step("masked acl", () -> zk.getACL("/d/t", new Stat()));
        step("no write", () -> stat(zk.setData("/d/t", x, -1)));
        step("no create", () -> zk.create("/d/t/x", x, all, CreateMode.PERSISTENT));
        step("no admin", () -> stat(zk.setACL("/d/t", all, -1)));
        step("bad acl", () -> zk.create("/bad", x, Arrays.asList(new ACL(31, new Id("ip", "300.1.1.1"))), CreateMode.PERSISTENT));
        step("no acl", () -> zk.create("/bad", x, List.of(), CreateMode.PERSISTENT));
        zk.addAuthInfo("digest", "u:p".getBytes(StandardCharsets.UTF_8));
        step("creator", () -> zk.create("/mine", x, ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT) + " " + zk.getACL("/mine", new Stat()));
        step("who am I", () -> { List<String> who = new ArrayList<>(); zk.whoAmI().forEach((info) -> who.add(info.getAuthScheme() + "=" + info.getUser())); return sorted(who); });
        step("sync", () -> { CountDownLatch done = new CountDownLatch(1); int[] code = {-1}; zk.sync("/d", (rc, path, ctx) -> { code[0] = rc; done.countDown(); }, null); done.await(); return code[0]; });
        step("unicode", () -> zk.create("/grün-é中", "ä".getBytes(StandardCharsets.UTF_8), all, CreateMode.PERSISTENT) + text(zk.getData("/grün-é中", false, null)));

        ZooKeeper second = new ZooKeeper(args[0], 4000, (event) -> { }, zk.getSessionId(), zk.getSessionPasswd());
        step("taken over", () -> text(second.getData("/d/e", false, null)) + (second.getSessionId() == zk.getSessionId()));
        ZooKeeper stranger = new ZooKeeper(args[0], 4000, (event) -> events.add("stranger " + event.getState()), 4711L, new byte[16]);
        step("unknown session", () -> { String seen = event(); while (seen.startsWith("stranger") == false || seen.contains("Sasl")) seen = event(); return seen; });
        second.close();
        ZooKeeper last = open(args[0], 4000);
        step("gone", () -> sorted(last.getChildren("/d", false)));
        last.close();
        stranger.close();
        System.exit(0);
    }
}
