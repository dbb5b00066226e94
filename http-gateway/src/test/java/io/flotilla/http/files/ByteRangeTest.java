package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a Range header selects (RFC 9110, 14.1.2). */
class ByteRangeTest {
  private static String select(String header, long size) {
    return switch (ByteRange.select(header, size)) {
      case ByteRange.Selection.Whole _ -> "whole";
      case ByteRange.Selection.Unsatisfiable _ -> "none";
      case ByteRange.Selection.Part(var range) -> range.first() + "-" + range.last();
    };
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "bytes=0-9|10|0-9", "bytes=0-99|10|0-9", "bytes=9-|10|9-9", "bytes=10-|10|none", "bytes=-3|10|7-9", "bytes=-30|10|0-9",
      "bytes=-0|10|none", "bytes=-0|0|none", "bytes=-1|0|whole", "bytes=0-|0|none", "BYTES=1-2|10|1-2", "bytes= 1-2 , |10|1-2",
      "bytes=1-2,3-4|10|1-4", "bytes=3-4,1-5|10|1-5", "bytes=1-2,4-5|10|whole", "bytes=1-2,20-30|10|1-2",
      "bytes=20-30,40-|10|none", "bytes=2-1|10|whole", "bytes=1-2,x|10|whole", "bytes=|10|whole", "bytes=-|10|whole",
      "bytes=1|10|whole", "bytes=--1|10|whole", "bytes=+1-2|10|whole", "items=1-2|10|whole", "bytes 1-2|10|whole",
      "bytes=1-99999999999999999999999|10|1-9", "bytes=99999999999999999999999-|10|none", "bytes=-99999999999999999999|10|0-9"})
  void select_asTheRfcSays(String header, long size, String expected) {
    assertEquals(expected, select(header, size));
  }

  @Property
  void select_anyText_isWithinTheFile(
      @ForAll @CharRange(from = '+', to = '=') @StringLength(max = 30) String text,
      @ForAll @LongRange(min = 0, max = 50) long size) {
    if (ByteRange.select("bytes=" + text, size) instanceof ByteRange.Selection.Part(var range)) {
      assertTrue(range.last() < size);
    }
  }

  @Property
  void select_onePart_hasJustTheBytesOfAllRanges(
      @ForAll @Size(min = 1, max = 6) List<@IntRange(max = 1200) Integer> ranges, @ForAll @IntRange(min = 1, max = 40) int size) {
    boolean[] isWanted = new boolean[size];
    String header = "bytes=" + ranges.stream().map(number -> {
      int first = number / 30;
      int last = first + number % 30;
      for (int i = first; i <= Math.min(last, size - 1); i++) {
        isWanted[i] = true;
      }
      return first + "-" + last;
    }).collect(Collectors.joining(","));
    String selected = select(header, size);
    int blocks = 0;
    int first = -1;
    int last = -1;
    for (int i = 0; i < size; i++) {
      blocks += isWanted[i] && (i == 0 || !isWanted[i - 1]) ? 1 : 0;
      first = isWanted[i] && first < 0 ? i : first;
      last = isWanted[i] ? i : last;
    }
    assertEquals(blocks == 0 ? "none" : blocks == 1 ? first + "-" + last : "whole", selected);
  }
}
