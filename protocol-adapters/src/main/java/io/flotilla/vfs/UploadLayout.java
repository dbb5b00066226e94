package io.flotilla.vfs;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Which bytes of an upload count. Immutable.
 *
 * @param epoch the claim of the last one who has taken all over; what has a smaller number was left by somebody who did not know, and
 *     doesn't count
 * @param counted in their order, with the sizes of their files, from the beginning up to where something is missing; none if it is done
 * @param hasGap whether something is missing before others that are there: it was removed, or carried here in part by a synchroniser,
 *     which is to leave such files alone
 * @param done the size of the finished file, if it has been put together
 */
record UploadLayout(long epoch, List<Sized> counted, boolean hasGap, OptionalLong done) {
  record Sized(UploadPart.Segment segment, long size) {
    /** Where its bytes end to count, unless another segment begins before. */
    long end() {
      long end = segment.start() + size;
      return segment.limit().isPresent() ? Math.min(end, segment.limit().getAsLong()) : end;
    }
  }

  /**
   * @param parts with the sizes of their files
   * @return nothing if there is no info, and so no upload
   */
  static Optional<UploadLayout> of(Map<UploadPart, Long> parts) {
    Optional<Long> epoch = parts.keySet().stream().filter(UploadPart.Info.class::isInstance).map(UploadPart::number)
        .max(Comparator.naturalOrder());
    if (epoch.isEmpty()) {
      return Optional.empty();
    }
    List<Sized> found = new ArrayList<>();
    OptionalLong done = OptionalLong.empty();
    for (Map.Entry<UploadPart, Long> part : parts.entrySet()) {
      if (part.getKey().number() >= epoch.get()) {
        switch (part.getKey()) {
          case UploadPart.Segment segment -> found.add(new Sized(segment, part.getValue()));
          case UploadPart.Done _ -> done = OptionalLong.of(part.getValue());
          case UploadPart.Info _, UploadPart.Whole _ -> { }
        }
      }
    }
    if (done.isPresent()) {
      found.clear();
    }
    found.sort(Comparator.comparingLong((Sized sized) -> sized.segment().start()).thenComparing(sized -> sized.segment().number()));
    List<Sized> counted = contiguous(found);
    return Optional.of(new UploadLayout(epoch.get(), counted, counted.size() < found.size(), done));
  }

  /** Those before the first gap. */
  private static List<Sized> contiguous(List<Sized> sorted) {
    long reached = 0;
    for (int i = 0; i < sorted.size(); i++) {
      if (sorted.get(i).segment().start() > reached) {
        return List.copyOf(sorted.subList(0, i));
      }
      reached = sorted.get(i).end();
    }
    return List.copyOf(sorted);
  }

  /** How many bytes there are from the beginning on. */
  long offset() {
    return done.orElse(counted.isEmpty() ? 0 : counted.getLast().end());
  }
}
