package io.flotilla.adapter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.view.ConfigListener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.config.view.NodeIdentity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Consumer;

/** A configuration that a test changes entity by entity, and the view of the only node. */
public final class TestConfiguration {
  private final EntityCodec codec = new EntityCodec(new SecretSealer(ClusterKey.generate()));
  private final NodeIdentity node =
      new NodeIdentity(UUID.randomUUID(), "n1", "127.0.0.1", Set.of(NodeIdentity.GATEWAY));
  private final Map<EntityKey, StoredDocument> documents = new TreeMap<>();
  private long version;
  private volatile ConfigView view = new ConfigView(ClusterConfig.EMPTY, node);

  public ConfigView view() {
    return view;
  }

  public TestConfiguration put(Kind kind, String name, Consumer<ObjectNode> fields) {
    EntityKey key = EntityKey.of(kind, name);
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    fields.accept(json);
    return store(key, json);
  }

  public TestConfiguration secret(Kind kind, String name, String field, String clear, Consumer<ObjectNode> fields) {
    EntityKey key = EntityKey.of(kind, name);
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    fields.accept(json);
    codec.putSecret(json, key, field, clear);
    return store(key, json);
  }

  public TestConfiguration change(Kind kind, String name, Consumer<ObjectNode> change) {
    EntityKey key = EntityKey.of(kind, name);
    try {
      ObjectNode json = (ObjectNode) EntityCodec.JSON.readTree(documents.get(key).document());
      change.accept(json);
      return store(key, json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public TestConfiguration remove(Kind kind, String name) {
    documents.remove(EntityKey.of(kind, name));
    return this;
  }

  private TestConfiguration store(EntityKey key, ObjectNode json) {
    try {
      documents.put(key, new StoredDocument(
          key.kind(), key.name(), version + 1, EntityCodec.JSON.writeValueAsBytes(json)));
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What the listener has against what would be committed now. */
  public List<String> check(ConfigListener listener) {
    ClusterConfig after = ClusterConfig.of(version + 1, List.copyOf(documents.values()), codec);
    return listener.check(ConfigDelta.between(view.config(), after), new ConfigView(after, node));
  }

  /** Swaps the view and tells the listener, as a replica does; returns its problems. */
  public List<String> commit(ConfigListener listener) {
    return listener.apply(commit(), view);
  }

  /** Swaps the view and returns what has changed. */
  public ConfigDelta commit() {
    ClusterConfig before = view.config();
    ClusterConfig after = ClusterConfig.of(++version, List.copyOf(documents.values()), codec);
    view = new ConfigView(after, node);
    return ConfigDelta.between(before, after);
  }
}
