package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.http.PercentEncoding;
import io.flotilla.http.RefusedException;
import io.flotilla.vfs.ByteNames;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;

/** Names go to URIs, headers and cursors and come back as they were, whatever their bytes. */
class FileTargetTest {
  private static boolean isName(byte[] bytes) {
    String name = ByteNames.decode(bytes);
    return !name.isEmpty() && !name.equals(".") && !name.equals("..") && name.indexOf('/') < 0 && name.indexOf('\0') < 0;
  }

  @Property
  void path_comesBackFromItsUri_andIsWhatChildMakes(@ForAll @Size(max = 4) List<@Size(min = 1, max = 12) byte[]> names)
      throws VfsException {
    Assume.that(names.stream().allMatch(FileTargetTest::isName));
    VirtualPath path = VirtualPath.ROOT;
    for (byte[] name : names) {
      path = path.child(ByteNames.decode(name));
    }
    assertEquals(new FileTarget(path, names.isEmpty()), FileTarget.of(FileTarget.uriOf(path)));
    assertEquals(new FileTarget(path, true), FileTarget.of(FileTarget.uriOf(path) + "/"));
  }

  @Property
  void anyTarget_isRefusedOrHasOneNameForEachSegment(
      @ForAll @CharRange(from = '%', to = '9') @StringLength(max = 20) String text) throws VfsException {
    try {
      FileTarget target = FileTarget.of("/files/" + text);
      long segments = text.chars().filter(c -> c == '/').count() + (text.isEmpty() || text.endsWith("/") ? 0 : 1);
      assertEquals(segments, target.path().names().size());
    } catch (RefusedException e) {
      assertEquals(400, e.toResponse().status().intValue());
    }
  }

  @Property
  void bytes_comeBackFromTheirEscapes(@ForAll byte[] bytes) {
    String text = PercentEncoding.encode(bytes);
    assertTrue(text.chars().allMatch(c -> c > ' ' && c < 0x7F));
    assertArrayEquals(bytes, PercentEncoding.decode(text));
  }

  @Property
  void contentDisposition_ofAnyName_isOneHarmlessLine(@ForAll @Size(min = 1, max = 30) byte[] name) {
    String header = new ContentDisposition(false, ByteNames.decode(name)).toString();
    assertTrue(header.chars().allMatch(c -> c >= ' ' && c < 0x7F));
    assertTrue(header.matches("attachment; filename=\"[^\"\\\\]*\"; filename\\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]*"), header);
  }

  @Property
  void cursor_comesBack(@ForAll long key, @ForAll @Size(min = 1, max = 20) byte[] bytes) {
    Assume.that(isName(bytes));
    PagePosition position = new PagePosition(1, key / 100, 7, "", ByteNames.decode(bytes));
    assertEquals(Optional.of(position),
        PagePosition.parse(position.toCursor(PagePosition.Sort.SIZE), PagePosition.Sort.SIZE));
    assertEquals(Optional.empty(), PagePosition.parse(position.toCursor(PagePosition.Sort.SIZE), PagePosition.Sort.NAME));
  }

  @Property
  void anyCursor_isReadOrNot(@ForAll @StringLength(max = 20) String text) {
    assertTrue(PagePosition.parse(text, PagePosition.Sort.NAME).isEmpty());
  }
}
