package io.flotilla.http.dav;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.VirtualFileSystem;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

/** PROPPATCH and what becomes of properties: RFC 4918, 4 and 9.2. */
class PropPatchTest extends DavFixture {
  private static String put(String properties) {
    return "<D:set><D:prop>" + properties + "</D:prop></D:set>";
  }

  @Test
  void setAndRemove_inTheirOrder() {
    write("a", "x");
    assertEquals("{200 color=, 200 shape=}",
        set("/files/a", put("<x:color>red</x:color>") + put("<x:shape>round</x:shape>")).properties().toString());
    set("/files/a", put("<x:color>blue</x:color>") + "<D:remove><D:prop><x:shape/><x:none/></D:prop></D:remove>");
    assertEquals("{200 color=blue, 404 shape=}", properties("/files/a", "color", "shape").properties().toString());
    set("/files/a", "<D:remove><D:prop><x:color/></D:prop></D:remove>" + put("<x:color>last</x:color>"));
    assertEquals("last", properties("/files/a", "color").value("color"));
  }

  @Test
  void twoAtOnce_bothCount() throws Exception {
    write("a", "x");
    AtomicReference<Thread> second = new AtomicReference<>();
    UnaryOperator<VirtualFileSystem> real = storage;
    storage = files -> (VirtualFileSystem) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {VirtualFileSystem.class},
        (_, method, arguments) -> {
          Object result = method.invoke(files, arguments);
          if (method.getName().equals("extraData") && second.get() == null) {
            storage = real;
            second.set(Thread.ofPlatform().start(() -> set("/files/a", put("<x:shape>round</x:shape>"))));
            // It has gone as far as it can get.
            await().atMost(Duration.ofSeconds(20)).until(() ->
                EnumSet.of(Thread.State.TIMED_WAITING, Thread.State.WAITING, Thread.State.TERMINATED).contains(second.get().getState()));
          }
          return result;
        });
    set("/files/a", put("<x:color>red</x:color>"));
    second.get().join();
    assertEquals("{200 color=red, 200 shape=round}", properties("/files/a", "color", "shape").properties().toString());
  }

  @Test
  void value_meansTheSame_whereverItIsTold() {
    write("a", "x");
    send("PROPPATCH", "/files/a", "<D:propertyupdate xmlns:D='DAV:' xmlns:x='" + NAMES + "' xmlns:q='urn:q' xmlns:unused='urn:unused'"
        + " xml:lang='de'><D:set><D:prop><x:v k='1 &lt;&#9;' q:k='2'>t &amp; &#65536;<![CDATA[<]]><i xmlns='urn:i'><j/></i>"
        + "<x:type>q:name</x:type><!-- no --></x:v></D:prop></D:set></D:propertyupdate>");
    HttpResponse answer = send("PROPFIND", "/files/a",
        "<propfind xmlns='DAV:'><prop><v xmlns='" + NAMES + "'/></prop></propfind>", "Depth", "0");
    Element value = first(document(answer).getDocumentElement(), "prop");
    Element v = (Element) value.getElementsByTagNameNS(NAMES, "v").item(0);
    assertEquals("de", v.getAttribute("xml:lang"));
    assertEquals("1 <\t", v.getAttribute("k"));
    assertEquals("2", v.getAttributeNS("urn:q", "k"));
    assertEquals("t & \uD800\uDC00<q:name", v.getTextContent());
    assertEquals("urn:q", v.lookupNamespaceURI("q"));
    assertEquals(1, v.getElementsByTagNameNS("urn:i", "j").getLength());
    assertFalse(body(answer).contains("urn:unused"), body(answer));
  }

  @Test
  void names_thatOnlyXmlMayHave_breakNoAnswer() {
    write("a", "x");
    set("/files/a", put("<xml:id>1</xml:id><none xmlns=''>2</none>"));
    for (String body : new String[] {"", "<propfind xmlns='DAV:'><propname/></propfind>"}) {
      assertTrue(propfind("/files/a", "0", body).getFirst().properties().keySet()
          .containsAll(Set.of("200 {http://www.w3.org/XML/1998/namespace}id", "200 {}none")));
    }
    assertEquals("{404 {http://www.w3.org/XML/1998/namespace}no=}", propfind("/files/a", "0",
        "<propfind xmlns='DAV:'><prop><xml:no/></prop></propfind>").getFirst().properties().toString());
  }

  @Test
  void protectedOne_refusesAll() {
    write("a", "x");
    Told told = set("/files/a", put("<x:color>red</x:color><D:getetag>mine</D:getetag>"));
    assertEquals("{403 D:getetag=, 424 color=}", told.properties().toString());
    assertEquals(null, properties("/files/a", "color").value("color"));
    assertTrue(body(send("PROPPATCH", "/files/a", "<propertyupdate xmlns='DAV:'><set><prop><resourcetype/></prop></set></propertyupdate>"))
        .contains("<D:cannot-modify-protected-property/>"));
  }

  @Test
  void time_isSet() throws IOException {
    write("a", "x");
    set("/files/a", put("<D:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified>"));
    assertEquals(Instant.parse("1994-11-06T08:49:37Z"), Files.getLastModifiedTime(root.resolve("a")).toInstant());
    assertEquals("{409 D:getlastmodified=, 424 color=}",
        set("/files/a", put("<D:getlastmodified>yesterday</D:getlastmodified><x:color/>")).properties().toString());
    set("/files/a", put("<w:Win32LastModifiedTime xmlns:w='urn:schemas-microsoft-com:'>Mon, 07 Nov 1994 08:49:37 GMT"
        + "</w:Win32LastModifiedTime>"));
    assertEquals(Instant.parse("1994-11-07T08:49:37Z"), Files.getLastModifiedTime(root.resolve("a")).toInstant());
    assertEquals("Mon, 07 Nov 1994 08:49:37 GMT", propfind("/files/a", "0", "").getFirst()
        .value("{urn:schemas-microsoft-com:}Win32LastModifiedTime"));
  }

  @Test
  void properties_goWithTheirFile() {
    write("a", "x");
    write("d/b", "x");
    set("/files/a", put("<x:color>red</x:color>"));
    set("/files/d", put("<x:color>blue</x:color>"));
    put("/files/a", "new contents");
    assertEquals("red", properties("/files/a", "color").value("color"));
    ask("MOVE", "/files/a", "Destination", "/files/d/a");
    ask("COPY", "/files/d", "Destination", "/files/e");
    assertEquals("blue", properties("/files/e", "color").value("color"));
    assertEquals("red", properties("/files/e/a", "color").value("color"));
    ask("COPY", "/files/d/b", "Destination", "/files/e/a");
    assertEquals(null, properties("/files/e/a", "color").value("color"));
    ask("COPY", "/files/d", "Destination", "/files/f", "Depth", "0");
    assertEquals("blue", properties("/files/f", "color").value("color"));
  }

  @Test
  void noRoom_is507_andKeepsWhatThereIs() {
    write("a", "x");
    set("/files/a", put("<x:color>red</x:color>"));
    Told told = set("/files/a", put("<x:big>" + "x".repeat(60_000) + "</x:big>") + "<D:remove><D:prop><x:color/></D:prop></D:remove>");
    // A file system that has room for it takes it.
    if (told.properties().containsKey("507 big")) {
      assertEquals("{424 color=, 507 big=}", told.properties().toString());
      assertEquals("red", properties("/files/a", "color").value("color"));
    }
    set("/files/a", put("<x:color>" + "x".repeat(33_000) + "</x:color>"));
    Told more = set("/files/a", put("<x:second>" + "x".repeat(60_000) + "</x:second><x:third>" + "x".repeat(5_000) + "</x:third>"));
    assertEquals("{507 second=, 507 third=}", more.properties().toString());
  }

  @Test
  void malformed_is400() {
    write("a", "x");
    for (String body : new String[] {"", "<propertyupdate xmlns='DAV:'/>", "<propfind xmlns='DAV:'/>", "<x",
        "<propertyupdate xmlns='DAV:'><set><prop/></set></propertyupdate>"}) {
      assertProblem(400, send("PROPPATCH", "/files/a", body));
    }
    assertProblem(404, send("PROPPATCH", "/files/none", "<propertyupdate xmlns='DAV:'><set><prop><a/></prop></set></propertyupdate>"));
  }

  @Test
  void stored_isReadBack_andDamageIsTold() throws IOException {
    DeadProperties properties = new DeadProperties(
        Map.of(new XmlName("", "a"), "<a/>", new XmlName("urn:ü", "b"), "<b xmlns='urn:ü'>\uD83D\uDE00</b>"));
    byte[] bytes = properties.encode();
    assertEquals(properties, DeadProperties.decode(ByteBuffer.wrap(bytes)));
    write("a", "x");
    Files.setAttribute(root.resolve("a"), "user:flotilla.properties", ByteBuffer.wrap(bytes, 0, bytes.length - 1));
    assertProblem(500, send("PROPPATCH", "/files/a", "<propertyupdate xmlns='DAV:'><set><prop><a/></prop></set></propertyupdate>"));
    assertEquals(2, propfind("/files/", "1", "").size());
  }
}
