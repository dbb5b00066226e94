package io.flotilla.claim.event;

/**
 * A fact that only one may hold.
 *
 * @param key what is claimed
 * @param holder who holds it
 * @param number grows with each grant of any claim, so that whoever is given the number of a later grant can tell an
 *     earlier holder from the present one
 * @param milliseconds how long it holds without being renewed
 */
public record Claim(String key, String holder, long number, long milliseconds) {
  /** About the bytes it takes in an event. */
  public int size() {
    return 64 + key.length() + holder.length();
  }
}
