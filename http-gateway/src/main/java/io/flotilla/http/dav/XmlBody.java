package io.flotilla.http.dav;

import io.flotilla.http.RefusedException;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * Reads the XML of a request. A document type is refused, whatever it declares, so there are no entities to be expanded and nothing is
 * fetched (RFC 4918, 20.6). Stateless.
 */
final class XmlBody {
  /** Of a body, in bytes. */
  static final int MAX_BYTES = 64 * 1024;
  /** Of elements in each other. */
  private static final int MAX_DEPTH = 64;
  /** In one element, so that what is asked for in a small body is not told in a large answer. */
  private static final int MAX_CHILDREN = 500;
  private static final XMLInputFactory FACTORY = factory();

  private XmlBody() {}

  private static XMLInputFactory factory() {
    XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
    factory.setProperty(XMLInputFactory.IS_NAMESPACE_AWARE, true);
    factory.setProperty(XMLInputFactory.IS_COALESCING, true);
    factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
    factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
    factory.setXMLResolver((_, _, _, _) -> {
      throw new XMLStreamException("nothing is fetched");
    });
    factory.setXMLReporter((_, _, _, _) -> { }); // else some faults are printed
    return factory;
  }

  /**
   * The root element; nothing if there is no body.
   *
   * @throws RefusedException if it is no XML, or more than is read
   */
  static Optional<XmlElement> parse(byte[] body) {
    if (body.length == 0) {
      return Optional.empty();
    }
    try {
      XMLStreamReader reader;
      synchronized (FACTORY) { // not promised to be safe for all threads
        reader = FACTORY.createXMLStreamReader(new ByteArrayInputStream(body));
      }
      if (reader.getVersion() != null && !reader.getVersion().equals("1.0")) {
        throw RefusedException.malformed("only XML 1.0 is known here"); // the names of another would make answers of 1.0 malformed
      }
      XmlElement root = null;
      while (reader.hasNext()) {
        switch (reader.next()) {
          case XMLStreamConstants.DTD -> throw RefusedException.malformed("a document type is not allowed in the body");
          case XMLStreamConstants.START_ELEMENT -> root = element(reader, XmlElement.Scope.ROOT, "", 1);
          default -> { } // what stands beside the root
        }
      }
      return Optional.ofNullable(root);
    } catch (XMLStreamException e) {
      throw RefusedException.malformed("the body is not well-formed XML (line " + e.getLocation().getLineNumber() + ")");
    }
  }

  private static XmlElement element(XMLStreamReader reader, XmlElement.Scope outer, String outerLanguage, int depth)
      throws XMLStreamException {
    if (depth > MAX_DEPTH) {
      throw RefusedException.malformed("the body has more than " + MAX_DEPTH + " elements in each other");
    }
    XmlName name = new XmlName(orEmpty(reader.getNamespaceURI()), reader.getLocalName());
    String prefix = orEmpty(reader.getPrefix());
    XmlElement.Scope scope = new XmlElement.Scope(outer, declared(reader));
    List<XmlElement.Attribute> attributes = new ArrayList<>();
    String language = outerLanguage;
    for (int i = 0; i < reader.getAttributeCount(); i++) {
      XmlElement.Attribute attribute = new XmlElement.Attribute(
          orEmpty(reader.getAttributePrefix(i)), reader.getAttributeLocalName(i), reader.getAttributeValue(i));
      attributes.add(attribute);
      language = attribute.isLanguage() ? attribute.value() : language;
    }
    List<XmlNode> content = new ArrayList<>();
    for (int event = reader.next(); event != XMLStreamConstants.END_ELEMENT; event = reader.next()) {
      switch (event) {
        case XMLStreamConstants.START_ELEMENT -> content.add(element(reader, scope, language, depth + 1));
        case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA, XMLStreamConstants.SPACE ->
            content.add(new XmlNode.Text(reader.getText()));
        case XMLStreamConstants.ENTITY_REFERENCE -> throw RefusedException.malformed("the body names an entity that there is not");
        default -> { }
      }
      if (content.size() > MAX_CHILDREN) {
        throw RefusedException.malformed("the body has an element with more than " + MAX_CHILDREN + " others in it");
      }
    }
    return new XmlElement(name, prefix, scope, language, attributes, content);
  }

  private static Map<String, String> declared(XMLStreamReader reader) {
    if (reader.getNamespaceCount() == 0) {
      return Map.of();
    }
    Map<String, String> declared = new TreeMap<>();
    for (int i = 0; i < reader.getNamespaceCount(); i++) {
      declared.put(orEmpty(reader.getNamespacePrefix(i)), orEmpty(reader.getNamespaceURI(i)));
    }
    return declared;
  }

  private static String orEmpty(String text) {
    return Objects.requireNonNullElse(text, "");
  }
}
