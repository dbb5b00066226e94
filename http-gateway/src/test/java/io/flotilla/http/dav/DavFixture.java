package io.flotilla.http.dav;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.flotilla.claim.ClaimClient;
import io.flotilla.http.files.FilesFixture;
import io.flotilla.http.server.UserRequests;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/** WebDAV on a real directory, whose answers are read by a parser that is not the server's. */
abstract class DavFixture extends FilesFixture {
  static final String NAMES = "http://example.org/ns";

  private final WebDav dav = new WebDav(new Locks(System::nanoTime), new ClaimClient(), LockNews.NONE);

  @Override
  protected UserRequests api() {
    return dav;
  }

  HttpResponse send(String method, String target, String body, String... headers) {
    return ask(request(method, target, headers).withEntity(body), target);
  }

  /** The properties told of a resource: by their status, name space and name, the text in them. */
  record Told(String href, Map<String, String> properties) {
    String value(String name) {
      return properties.get("200 " + name);
    }
  }

  List<Told> propfind(String target, String depth, String body) {
    return told(send("PROPFIND", target, body, "Depth", depth));
  }

  /** Of one resource by itself. */
  Told properties(String target, String... names) {
    StringBuilder prop = new StringBuilder();
    for (String name : names) {
      prop.append(name.startsWith("D:") ? "<" + name + "/>" : "<x:" + name + "/>");
    }
    List<Told> all = propfind(target, "0", "<D:propfind xmlns:D='DAV:' xmlns:x='" + NAMES + "'><D:prop>" + prop + "</D:prop></D:propfind>");
    assertEquals(1, all.size());
    return all.getFirst();
  }

  Told set(String target, String properties) {
    return told(send("PROPPATCH", target, "<D:propertyupdate xmlns:D='DAV:' xmlns:x='" + NAMES + "'>" + properties + "</D:propertyupdate>"))
        .getFirst();
  }

  static List<Told> told(HttpResponse response) {
    assertEquals(207, status(response), () -> body(response));
    assertEquals("application/xml", response.entity().getContentType().mediaType().toString());
    List<Told> all = new ArrayList<>();
    for (Element one : elements(document(response).getElementsByTagNameNS("DAV:", "response"))) {
      Map<String, String> properties = new TreeMap<>();
      for (Element propstat : elements(one.getElementsByTagNameNS("DAV:", "propstat"))) {
        String status = text(propstat, "status").split(" ")[1];
        for (Element property : elements(first(propstat, "prop").getChildNodes())) {
          String space = property.getNamespaceURI() == null ? "" : property.getNamespaceURI();
          String name = space.equals("DAV:") ? "D:" + property.getLocalName() : space.equals(NAMES) ? property.getLocalName()
              : "{" + space + "}" + property.getLocalName();
          properties.put(status + " " + name, property.getTextContent());
        }
      }
      all.add(new Told(text(one, "href"), properties));
    }
    return all;
  }

  static Document document(HttpResponse response) {
    try {
      DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultNSInstance();
      return factory.newDocumentBuilder().parse(new ByteArrayInputStream(body(response).getBytes(StandardCharsets.UTF_8)));
    } catch (Exception e) {
      throw new AssertionError(body(response), e);
    }
  }

  static Element first(Element in, String name) {
    return (Element) in.getElementsByTagNameNS("DAV:", name).item(0);
  }

  static String text(Element in, String name) {
    return first(in, name).getTextContent();
  }

  static List<Element> elements(NodeList list) {
    List<Element> found = new ArrayList<>();
    for (int i = 0; i < list.getLength(); i++) {
      Node node = list.item(i);
      if (node instanceof Element element) {
        found.add(element);
      }
    }
    return found;
  }
}
