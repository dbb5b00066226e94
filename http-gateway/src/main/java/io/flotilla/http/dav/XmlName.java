package io.flotilla.http.dav;

/**
 * The name of an element, which is also that of a property.
 *
 * @param namespace empty if it is in none
 */
record XmlName(String namespace, String local) {
  static final String DAV = "DAV:";

  static XmlName dav(String local) {
    return new XmlName(DAV, local);
  }

  boolean isDav(String name) {
    return namespace.equals(DAV) && local.equals(name);
  }

  /** An element of this name with nothing in it, as it may stand in an answer. */
  String emptyElement() {
    if (namespace.equals(DAV)) {
      return "<D:" + local + "/>";
    }
    return namespace.isEmpty() ? "<" + local + "/>" : "<P:" + local + " xmlns:P=\"" + XmlText.attribute(namespace) + "\"/>";
  }
}
