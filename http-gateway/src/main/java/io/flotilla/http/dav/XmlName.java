package io.flotilla.http.dav;

import javax.xml.XMLConstants;

/**
 * The name of an element, which is also that of a property.
 *
 * @param namespace empty if it is in none
 */
record XmlName(String namespace, String local) {
  static final String DAV = "DAV:";
  /** What only the prefix xml may stand for, which needs no declaration (Namespaces in XML 1.0, 3). */
  private static final String XML = XMLConstants.XML_NS_URI;

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
    if (namespace.equals(XML)) {
      return "<xml:" + local + "/>";
    }
    return namespace.isEmpty() ? "<" + local + "/>" : "<P:" + local + " xmlns:P=\"" + XmlText.attribute(namespace) + "\"/>";
  }
}
