package io.flotilla.vfs;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A file that an upload by segments consists of, as its name tells it. Each name ends with the number of the claim under which it was
 * made or taken over last.
 */
sealed interface UploadPart {
  /** Of the claim. */
  long number();

  /** The end of the file's name, after the upload's own. */
  String suffix();

  /** The same under another claim. */
  UploadPart takenBy(long claim);

  /** What the upload is to become. There is one of it; the others count only if their numbers are not less. */
  record Info(long number) implements UploadPart {
    @Override
    public String suffix() {
      return "info." + number;
    }

    @Override
    public Info takenBy(long claim) {
      return new Info(claim);
    }
  }

  /** The finished file, put together of several segments, that has not got its name yet. With it the segments don't count any more. */
  record Done(long number) implements UploadPart {
    @Override
    public String suffix() {
      return "done." + number;
    }

    @Override
    public Done takenBy(long claim) {
      return new Done(claim);
    }
  }

  /** The finished file, while it is being put together. */
  record Whole(long number) implements UploadPart {
    @Override
    public String suffix() {
      return "whole." + number;
    }

    @Override
    public Whole takenBy(long claim) {
      return new Whole(claim);
    }
  }

  /**
   * Some of the contents.
   *
   * @param start its place in the whole
   * @param limit where in the whole its bytes end to count, if not with the file
   * @param isFree whether nobody has it open to write, so that the next one may go on in it
   */
  record Segment(long start, OptionalLong limit, boolean isFree, long number) implements UploadPart {
    Segment limitedTo(OptionalLong end) {
      return new Segment(start, end, isFree, number);
    }

    Segment free(boolean free) {
      return new Segment(start, limit, free, number);
    }

    @Override
    public String suffix() {
      return "%016x.%s.%s.%d".formatted(start, limit.isPresent() ? "%016x".formatted(limit.getAsLong()) : "all",
          isFree ? "free" : "held", number);
    }

    @Override
    public Segment takenBy(long claim) {
      return new Segment(start, limit, isFree, claim);
    }
  }

  Pattern SUFFIX = Pattern.compile("(?:(info|whole|done)|([0-7][0-9a-f]{15})\\.([0-7][0-9a-f]{15}|all)\\.(free|held))\\.([0-9]{1,18})");

  /** Nothing for what is no part of an upload, such as an info that was not finished. */
  static Optional<UploadPart> parse(String suffix) {
    Matcher matcher = SUFFIX.matcher(suffix);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    long number = Long.parseLong(matcher.group(5));
    if (matcher.group(1) != null) {
      return Optional.of(switch (matcher.group(1)) {
        case "info" -> new Info(number);
        case "whole" -> new Whole(number);
        default -> new Done(number);
      });
    }
    OptionalLong limit = matcher.group(3).equals("all") ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(matcher.group(3), 16));
    return Optional.of(new Segment(Long.parseLong(matcher.group(2), 16), limit, matcher.group(4).equals("free"), number));
  }
}
