package io.flotilla.claim.event;

import com.fasterxml.jackson.annotation.JsonInclude;

/**
 * A fact that only one may hold.
 *
 * @param key what is claimed
 * @param holder who holds it
 * @param number grows with each grant of any claim, so that whoever is given the number of a later grant can tell an
 *     earlier holder from the present one
 * @param milliseconds how long it holds without being renewed
 * @param detail what the holder wants to be told with it; an earlier release loses it
 */
public record Claim(String key, String holder, long number, long milliseconds,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) String detail) {
  public Claim {
    detail = detail == null ? "" : detail;
  }

  public Claim(String key, String holder, long number, long milliseconds) {
    this(key, holder, number, milliseconds, "");
  }

  /** The same for another time. */
  public Claim lasting(long time) {
    return new Claim(key, holder, number, time, detail);
  }

  /** About the bytes it takes in an event. */
  public int size() {
    return 64 + key.length() + holder.length() + detail.length();
  }
}
