package io.flotilla.http.files;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.Year;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/** A time as headers have it (RFC 9110, 5.6.7). Stateless. */
public final class HttpDate {
  private static final DateTimeFormatter FIXED =
      DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.ENGLISH);
  private static final DateTimeFormatter ASCTIME = DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss uuuu", Locale.ENGLISH);
  /** Two digits of a year are of one that is at most 50 years ahead, so what they mean depends on today. */
  private static final int YEARS_BACK = 49;
  private static final List<Supplier<DateTimeFormatter>> FORMATS = List.of(() -> FIXED, HttpDate::rfc850, () -> ASCTIME);

  private HttpDate() {}

  private static DateTimeFormatter rfc850() {
    return new DateTimeFormatterBuilder().appendPattern("EEEE, dd-MMM-")
        .appendValueReduced(ChronoField.YEAR, 2, 2, Year.now(ZoneOffset.UTC).getValue() - YEARS_BACK)
        .appendPattern(" HH:mm:ss 'GMT'").toFormatter(Locale.ENGLISH);
  }

  public static String format(Instant time) {
    return FIXED.format(time.atOffset(ZoneOffset.UTC));
  }

  /** Reads any of the three forms. */
  static Optional<Instant> parse(String text) {
    for (Supplier<DateTimeFormatter> format : FORMATS) {
      try {
        return Optional.of(LocalDateTime.parse(text.strip(), format.get()).toInstant(ZoneOffset.UTC));
      } catch (DateTimeException e) {
        // it may be another form
      }
    }
    return Optional.empty();
  }
}
