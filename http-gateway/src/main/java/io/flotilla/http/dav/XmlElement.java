package io.flotilla.http.dav;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * An element that a client has sent, with all that is in it. Comments and processing instructions are left out.
 *
 * @param prefix with which the client wrote it; empty if none
 * @param language what xml:lang says that applies to it; empty if nothing does
 */
record XmlElement(XmlName name, String prefix, Scope scope, String language, List<Attribute> attributes, List<XmlNode> content)
    implements XmlNode {

  record Attribute(String prefix, String local, String value) {
    boolean isLanguage() {
      return prefix.equals("xml") && local.equals("lang");
    }
  }

  /**
   * The prefixes that stand for name spaces somewhere in a document.
   *
   * @param outer null at the root
   * @param own declared by the element itself
   */
  record Scope(Scope outer, Map<String, String> own) {
    static final Scope ROOT = new Scope(null, Map.of());

    /** All that apply, the inner ones before the outer ones of the same prefix. */
    Map<String, String> all() {
      Map<String, String> found = new TreeMap<>();
      for (Scope at = this; at != null; at = at.outer()) {
        at.own().forEach(found::putIfAbsent);
      }
      return found;
    }
  }

  Stream<XmlElement> children() {
    return content.stream().filter(XmlElement.class::isInstance).map(XmlElement.class::cast);
  }

  /** The first child of the name space DAV: with a name. */
  Optional<XmlElement> child(String local) {
    return children().filter(child -> child.name().isDav(local)).findFirst();
  }

  /** The text in it without what is in elements. */
  String text() {
    StringBuilder out = new StringBuilder();
    content.forEach(node -> {
      if (node instanceof XmlNode.Text(String text)) {
        out.append(text);
      }
    });
    return out.toString();
  }

  /**
   * The element as XML that means the same wherever it stands: it declares the prefixes that it needs, also those in text, which may
   * be names too, and tells its language (RFC 4918, 4.3).
   */
  String toXml() {
    StringBuilder inner = new StringBuilder();
    StringBuilder given = new StringBuilder();
    attributes.forEach(attribute -> append(attribute, given));
    content.forEach(node -> append(node, inner));
    StringBuilder out = new StringBuilder(inner.length() + 128).append('<').append(tag());
    scope.all().forEach((declared, namespace) -> {
      boolean isNeeded = declared.isEmpty() ? !namespace.isEmpty()
          : declared.equals(prefix) || given.indexOf(declared + ":") >= 0 || inner.indexOf(declared + ":") >= 0;
      if (isNeeded) {
        declare(declared, namespace, out);
      }
    });
    if (!language.isEmpty() && attributes.stream().noneMatch(Attribute::isLanguage)) {
      append(new Attribute("xml", "lang", language), out);
    }
    return close(out.append(given), inner);
  }

  private String tag() {
    return prefix.isEmpty() ? name.local() : prefix + ":" + name.local();
  }

  private String close(StringBuilder out, StringBuilder inner) {
    return inner.isEmpty() ? out.append("/>").toString()
        : out.append('>').append(inner).append("</").append(tag()).append('>').toString();
  }

  private static void append(XmlNode node, StringBuilder out) {
    switch (node) {
      case XmlNode.Text(String text) -> out.append(XmlText.content(text));
      case XmlElement element -> {
        StringBuilder inner = new StringBuilder();
        element.content.forEach(child -> append(child, inner));
        StringBuilder tag = new StringBuilder("<").append(element.tag());
        element.scope.own().forEach((prefix, namespace) -> declare(prefix, namespace, tag));
        element.attributes.forEach(attribute -> append(attribute, tag));
        out.append(element.close(tag, inner));
      }
    }
  }

  private static void append(Attribute attribute, StringBuilder out) {
    out.append(' ').append(attribute.prefix().isEmpty() ? "" : attribute.prefix() + ":").append(attribute.local())
        .append("=\"").append(XmlText.attribute(attribute.value())).append('"');
  }

  private static void declare(String prefix, String namespace, StringBuilder out) {
    out.append(prefix.isEmpty() ? " xmlns" : " xmlns:" + prefix).append("=\"").append(XmlText.attribute(namespace)).append('"');
  }
}
