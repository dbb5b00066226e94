package io.flotilla.http.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.Admin;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.StoredEntity;
import io.flotilla.config.model.User;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/**
 * The text of {@link ConfigDocument}: kinds and names in order, fields sorted, so that two exports of one version are equal
 * byte by byte and lines can be compared. It is made while it is sent, from the immutable version it began with.
 */
final class ConfigExport implements Iterator<ByteString> {
  private static final int CHUNK_CHARACTERS = 64 * 1024;

  private final boolean sealed;
  private final Iterator<String> kinds;
  private final Iterator<StoredEntity> entities;
  private final StringBuilder text = new StringBuilder();
  private Optional<StoredEntity> next;
  private String section = "";
  private boolean sectionEmpty;
  private boolean ended;

  private ConfigExport(ClusterConfig config, EntityCodec codec, Optional<UUID> clusterId, boolean sealed) {
    this.sealed = sealed;
    // Every kind of this release has a section, so that it can be made empty; kinds of a newer one are passed on.
    Set<String> all = new TreeSet<>(Arrays.stream(Kind.values()).map(Kind::id).toList());
    for (SortedMap<EntityKey, StoredEntity> left = config.entities(); !left.isEmpty(); ) {
      String kind = left.firstKey().kind();
      all.add(kind);
      left = left.tailMap(new EntityKey(kind + "\0", ""));
    }
    this.kinds = all.iterator();
    this.entities = config.entities().values().iterator();
    this.next = advance();
    ObjectNode about = EntityCodec.JSON.createObjectNode();
    about.put("version", config.version());
    about.put("digest", config.digest().toString());
    clusterId.ifPresent(id -> about.put("clusterId", id.toString()));
    about.put("secrets", sealed ? "sealed" : "none");
    if (sealed) {
      about.put("keyId", codec.keyId());
    }
    text.append("{\n  \"format\" : ").append(ConfigDocument.FORMAT);
    about.properties().forEach(field ->
        text.append(",\n  \"").append(field.getKey()).append("\" : ").append(field.getValue()));
    text.append(",\n  \"entities\" : {");
  }

  /** @param sealed whether secrets are in it, sealed with the cluster key */
  static Source<ByteString, NotUsed> of(ClusterConfig config, EntityCodec codec, Optional<UUID> clusterId, boolean sealed) {
    return Source.fromIterator(() -> textOf(config, codec, clusterId, sealed));
  }

  static ConfigExport textOf(ClusterConfig config, EntityCodec codec, Optional<UUID> clusterId, boolean sealed) {
    return new ConfigExport(config, codec, clusterId, sealed);
  }

  @Override
  public boolean hasNext() {
    return !ended;
  }

  @Override
  public ByteString next() {
    if (ended) {
      throw new NoSuchElementException();
    }
    while (text.length() < CHUNK_CHARACTERS && !ended) {
      step();
    }
    ByteString chunk = ByteString.fromArray(text.toString().getBytes(StandardCharsets.UTF_8));
    text.setLength(0);
    return chunk;
  }

  private Optional<StoredEntity> advance() {
    return entities.hasNext() ? Optional.of(entities.next()) : Optional.empty();
  }

  /** Writes one entity of the open section, or closes it and opens the next. */
  private void step() {
    if (!section.isEmpty() && next.isPresent() && next.get().key().kind().equals(section)) {
      StoredEntity entity = next.get();
      text.append(sectionEmpty ? "\n      " : ",\n      ").append(quoted(entity.key().name())).append(" : ")
          .append(pretty(describe(entity)).replace("\n", "\n      "));
      sectionEmpty = false;
      next = advance();
      return;
    }
    if (!section.isEmpty()) {
      text.append(sectionEmpty ? "}" : "\n    }").append(kinds.hasNext() ? "," : "\n  }\n}\n");
    }
    if (kinds.hasNext()) {
      section = kinds.next();
      sectionEmpty = true;
      text.append("\n    ").append(quoted(section)).append(" : {");
    } else {
      ended = true;
    }
  }

  private ObjectNode describe(StoredEntity entity) {
    if (sealed) {
      return EntityCodec.read(entity.document());
    }
    ObjectNode document = EntityCodec.withoutSecrets(entity.key().kind(), entity.document()).orElseThrow();
    // As in the answers to reads: whether there is a secret is none, and tells whoever imports it elsewhere what is missing.
    if (entity.entity() instanceof User user && user.passwordHash().isPresent()) {
      document.put("hasPassword", true);
    } else if (entity.entity() instanceof Admin admin && admin.tokenHash().isPresent()) {
      document.put("hasToken", true);
    }
    return document;
  }

  private static String quoted(String name) {
    return EntityCodec.JSON.getNodeFactory().textNode(name).toString();
  }

  private static String pretty(ObjectNode document) {
    try {
      return EntityCodec.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(document);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON tree can always be written", e);
    }
  }
}
