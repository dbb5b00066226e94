package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;

/**
 * What one node does otherwise than the rest: addresses and ports of listeners, paths of storages.
 *
 * @param labels what operators note of it, such as a site or a rack; nothing depends on them
 */
public record NodeOverride(String name, Map<String, ListenerAt> listeners, Map<String, String> storagePaths, SortedMap<String, String> labels)
    implements Entity {
  private static final int MAX_LABELS = 32;
  private static final int MAX_LABEL = 100;

  /** Where a listener is on this node; what is absent stays as the listener says. */
  public record ListenerAt(Optional<String> address, OptionalInt port, Optional<PortRange> passivePorts,
      PassiveAddress passiveAddress) {
    static ListenerAt read(String listener, Fields fields) {
      return new ListenerAt(
          fields.parsed("address", Listener::parseAddress),
          fields.optionalInteger("port", 1, 65535),
          fields.parsed("passivePorts", PortRange::parse),
          PassiveAddress.read(fields));
    }

    /** Whether it says something that only an FTP listener has. */
    boolean isAboutPassiveMode() {
      return passivePorts.isPresent() || !passiveAddress.isEmpty();
    }
  }

  private static Optional<String> problemWithLabel(String text) {
    return text.isEmpty() || text.length() > MAX_LABEL || text.codePoints().anyMatch(Character::isISOControl)
        ? Optional.of("must have 1 to " + MAX_LABEL + " characters, none of them a control character") : Optional.empty();
  }

  static NodeOverride read(Fields fields) {
    return new NodeOverride(
        fields.name(),
        fields.map("listeners", ListenerAt::read),
        fields.map("storages", (storage, entry) -> {
          String path = entry.requiredText("path");
          Storage.problemWithPath(path).ifPresent(problem -> entry.error("path", problem));
          return path;
        }),
        fields.labels("labels", MAX_LABELS, NodeOverride::problemWithLabel));
  }

  @Override
  public void describe(ObjectNode json) {
    ObjectNode listenersJson = json.putObject("listeners");
    listeners.forEach((listener, at) -> {
      ObjectNode entry = listenersJson.putObject(listener);
      at.address().ifPresent(address -> entry.put("address", address));
      at.port().ifPresent(port -> entry.put("port", port));
      at.passivePorts().ifPresent(ports -> entry.put("passivePorts", ports.toString()));
      at.passiveAddress().address().ifPresent(address -> entry.put("passiveAddress", address));
      if (!at.passiveAddress().networks().isEmpty()) {
        at.passiveAddress().describeNetworks(entry);
      }
    });
    ObjectNode storagesJson = json.putObject("storages");
    storagePaths.forEach((storage, path) -> storagesJson.putObject(storage).put("path", path));
    ObjectNode labelsJson = json.putObject("labels");
    labels.forEach(labelsJson::put);
  }
}
