package io.flotilla.config.event;

/** One entity as it is committed: its canonical JSON and the version of its last change. */
public record StoredDocument(String kind, String name, long version, byte[] document) {
  public int size() {
    return 64 + kind.length() + name.length() + document.length;
  }
}
