package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.http.RefusedException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Entity tags, dates, and what conditions make of them (RFC 9110, 8.8 and 13). */
class PreconditionsTest {
  private static final String DATE = "Sun, 06 Nov 1994 08:49:37 GMT";
  private static final String BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT";
  private static final Optional<Representation> CURRENT = Optional.of(new Representation(
      Optional.of(new EntityTag(false, "a")), Optional.of(Instant.parse("1994-11-06T08:49:37Z"))));

  private static Preconditions.Verdict judge(Optional<Representation> current, boolean isRead, Map<String, String> headers) {
    return Preconditions.of(name -> Optional.ofNullable(headers.get(name))).judge(current, isRead);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "If-Match|*|PROCEED|PROCEED|FAILED", "If-Match|\"a\"|PROCEED|PROCEED|FAILED", "If-Match|W/\"a\"|FAILED|FAILED|FAILED",
      "If-Match|\"b\"|FAILED|FAILED|FAILED", "If-None-Match|*|NOT_MODIFIED|FAILED|PROCEED",
      "If-None-Match|\"b\" , W/\"a\"|NOT_MODIFIED|FAILED|PROCEED", "If-None-Match|\"b\"|PROCEED|PROCEED|PROCEED",
      "If-Modified-Since|" + DATE + "|NOT_MODIFIED|PROCEED|PROCEED", "If-Modified-Since|" + BEFORE + "|PROCEED|PROCEED|PROCEED",
      "If-Modified-Since|x|PROCEED|PROCEED|PROCEED", "If-Unmodified-Since|" + DATE + "|PROCEED|PROCEED|PROCEED",
      "If-Unmodified-Since|" + BEFORE + "|FAILED|FAILED|PROCEED", "If-Unmodified-Since|x|PROCEED|PROCEED|PROCEED"})
  void judge_oneCondition(String header, String value, Preconditions.Verdict read, Preconditions.Verdict written,
      Preconditions.Verdict absent) {
    assertEquals(read, judge(CURRENT, true, Map.of(header, value)));
    assertEquals(written, judge(CURRENT, false, Map.of(header, value)));
    assertEquals(absent, judge(Optional.empty(), false, Map.of(header, value)));
  }

  @Test
  void judge_tagsGoBeforeDates() {
    assertEquals(Preconditions.Verdict.PROCEED, judge(CURRENT, true, Map.of("If-Match", "\"a\"", "If-Unmodified-Since", BEFORE)));
    assertEquals(Preconditions.Verdict.PROCEED, judge(CURRENT, true, Map.of("If-None-Match", "\"b\"", "If-Modified-Since", DATE)));
    assertEquals(Preconditions.Verdict.FAILED, judge(CURRENT, true, Map.of("If-Match", "\"b\"", "If-None-Match", "\"a\"")));
    assertEquals(Preconditions.Verdict.NOT_MODIFIED, judge(CURRENT, true, Map.of("If-Match", "\"a\"", "If-None-Match", "\"a\"")));
  }

  @Test
  void directory_existsWithoutTagAndDate() {
    Optional<Representation> directory = Optional.of(new Representation(Optional.empty(), Optional.empty()));
    assertEquals(Preconditions.Verdict.PROCEED, judge(directory, false, Map.of("If-Match", "*")));
    assertEquals(Preconditions.Verdict.FAILED, judge(directory, false, Map.of("If-Match", "\"a\"")));
    assertEquals(Preconditions.Verdict.PROCEED, judge(directory, true, Map.of("If-Modified-Since", DATE)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "\"a", "\"a\" \"b\"", "*, \"a\"", "", ",", "w/\"a\"", "W/", "\"a b\"", "W/ \"a\"", "\"a\"x"})
  void tagsThatAreMalformed_areRefused(String text) {
    assertThrows(RefusedException.class, () -> judge(CURRENT, true, Map.of("If-Match", text)));
  }

  @Property
  void tags_areReadAsTheyWereWritten(@ForAll @Size(min = 1, max = 5) List<
      @CharRange(from = '#', to = '~') @StringLength(max = 8) String> opaque, @ForAll boolean isWeak) {
    List<EntityTag> tags = opaque.stream().map(text -> new EntityTag(isWeak, text)).toList();
    String header = tags.stream().map(EntityTag::toString).collect(Collectors.joining(" ,,\t"));
    assertEquals(Optional.of(tags), EntityTag.parseList(header));
  }

  @Property
  void tags_ofAnyText_areReadOrNot(@ForAll @StringLength(max = 20) @CharRange(from = ' ', to = 'z') String text) {
    EntityTag.parseList(text).ifPresent(tags -> assertFalse(tags.isEmpty()));
  }

  @ParameterizedTest
  @ValueSource(strings = {DATE, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
  void date_isReadInEachOfItsForms(String text) {
    assertEquals(Optional.of(Instant.parse("1994-11-06T08:49:37Z")), HttpDate.parse(text));
    assertEquals(DATE, HttpDate.format(HttpDate.parse(text).orElseThrow()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
      "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 25:49:37 GMT"})
  void dateThatIsMalformed_isNone(String text) {
    assertTrue(HttpDate.parse(text).isEmpty());
  }
}
