import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;

/** Prints every key of Apache's KafkaConfig (B) and LogConfig (T): name, type, default, validator, dynamic scope or synonym. */
public class ConfigKeys {
    static ConfigDef definitionIn(Object module) throws Exception {
        for (var field : module.getClass().getDeclaredFields()) {
            if (ConfigDef.class.isAssignableFrom(field.getType())) {
                field.setAccessible(true);
                return (ConfigDef) field.get(module);
            }
        }
        throw new IllegalStateException("no ConfigDef in " + module);
    }

    static void print(String kind, ConfigDef.ConfigKey key, Object last) {
        String fallback = !key.hasDefault() ? "<required>" : String.valueOf(ConfigDef.convertToString(key.defaultValue, key.type));
        System.out.println(String.join("\t", kind, key.name, key.type.name(), fallback, String.valueOf(key.validator), String.valueOf(last)));
    }

    @SuppressWarnings("unchecked")
    public static void main(String[] args) throws Exception {
        Object dynamic = Class.forName("kafka.server.DynamicBrokerConfig$").getField("MODULE$").get(null);
        Map<String, String> scopes = (Map<String, String>) dynamic.getClass().getMethod("dynamicConfigUpdateModes").invoke(dynamic);
        Object broker = Class.forName("kafka.server.KafkaConfig$").getField("MODULE$").get(null);
        for (var key : new TreeMap<>(definitionIn(broker).configKeys()).values()) print("B", key, scopes.get(key.name));
        Object topic = Class.forName("kafka.log.LogConfig$").getField("MODULE$").get(null);
        for (var key : new TreeMap<>(definitionIn(topic).configKeys()).values()) {
            var synonym = kafka.log.LogConfig.TopicConfigSynonyms().get(key.name);
            print("T", key, synonym.isDefined() ? synonym.get() : null);
        }
    }
}
