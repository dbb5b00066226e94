package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.StoredEntity;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** What differs between two versions, as the admin API tells it: secrets by the names of their fields only. */
final class VersionDiff {
  /** A page ends early at this many bytes of documents. */
  private static final int MAX_PAGE_BYTES = 4 << 20;

  private VersionDiff() {}

  static ObjectNode describe(ClusterConfig from, ClusterConfig to, ConfigReads.Page page) {
    List<EntityKey> changed = new TreeSet<>(ConfigDelta.between(from, to).changed()).stream()
        .filter(key -> !Arrays.equals(document(from, key), document(to, key))).toList();
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    json.put("from", from.version());
    json.put("to", to.version());
    json.put("count", changed.size());
    json.putNull("next");
    ArrayNode changes = json.putArray("changes");
    String last = "";
    int bytes = 0;
    for (EntityKey key : changed) {
      if (!isAfter(key, page.after()) || !key.name().toLowerCase(Locale.ROOT).contains(page.query())) {
        continue;
      }
      if (changes.size() == page.limit() || bytes > MAX_PAGE_BYTES) {
        json.put("next", last);
        break;
      }
      byte[] before = document(from, key);
      byte[] after = document(to, key);
      changes.add(describe(key, before, after));
      bytes += (before == null ? 0 : before.length) + (after == null ? 0 : after.length);
      last = key.toString();
    }
    return json;
  }

  private static boolean isAfter(EntityKey key, String after) {
    int slash = after.indexOf('/');
    return slash < 0
        ? key.kind().compareTo(after) > 0
        : key.compareTo(new EntityKey(after.substring(0, slash), after.substring(slash + 1))) > 0;
  }

  static ObjectNode describe(EntityKey key, byte[] before, byte[] after) {
    ObjectNode change = EntityCodec.JSON.createObjectNode();
    change.put("op", before == null ? "create" : after == null ? "delete" : "change");
    change.put("kind", key.kind()).put("name", key.name());
    change.set("before", EntityCodec.withoutSecrets(key.kind(), before).orElse(null));
    change.set("after", EntityCodec.withoutSecrets(key.kind(), after).orElse(null));
    ArrayNode fields = change.putArray("changed");
    ArrayNode secrets = change.putArray("changedSecrets");
    JsonNode old = EntityCodec.read(before);
    JsonNode now = EntityCodec.read(after);
    Set<String> names = new TreeSet<>();
    old.fieldNames().forEachRemaining(names::add);
    now.fieldNames().forEachRemaining(names::add);
    names.stream().filter(name -> !old.path(name).equals(now.path(name))).forEach(name ->
        (EntityCodec.secretFields(key.kind()).contains(name) ? secrets : fields).add(name));
    return change;
  }

  private static byte[] document(ClusterConfig config, EntityKey key) {
    return config.stored(key).map(StoredEntity::document).orElse(null);
  }
}
