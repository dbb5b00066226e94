package io.flotilla.http.dav;

import io.flotilla.claim.event.Claim;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A write lock (RFC 4918, 6 and 7), which is a claim of the cluster.
 *
 * @param token without the scheme; never used for two locks
 * @param isDeep whether it is for all that is in the place as well
 * @param user who may use its token
 * @param owner the element by which the client said whose it is, as XML; empty if it didn't
 * @param number of the claim
 * @param milliseconds how long it holds without being refreshed
 */
public record Lock(String token, LockPlace place, boolean isExclusive, boolean isDeep, String user, String owner, long number,
    long milliseconds) {
  /** With this the key of every lock's claim begins. */
  public static final String KEYS = "lock/";
  static final String SCHEME = "urn:uuid:";
  /** Of names from the storage's root: a claim names those that it gives way to at each of them. */
  static final int MAX_DEPTH = 76;
  private static final String DETAIL = "owner:";
  private static final String EXCLUSIVE = "x/";
  private static final String SHARED = "s/";
  /** Scope, place, depth and token. */
  private static final Pattern KEY = Pattern.compile("lock/([xs])/([A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*)//([0i])/([0-9a-f-]{36})");

  /** The lock that a claim is; nothing if it is none that this release knows. */
  public static Optional<Lock> of(Claim claim) {
    Matcher key = KEY.matcher(claim.key());
    if (!key.matches() || !claim.detail().startsWith(DETAIL)) {
      return Optional.empty();
    }
    return Optional.of(new Lock(key.group(4), LockPlace.ofKey(key.group(2)), key.group(1).equals("x"), key.group(3).equals("i"),
        claim.holder(), claim.detail().substring(DETAIL.length()), claim.number(), claim.milliseconds()));
  }

  /** The same as a claim, with which it can be told to others. */
  public Claim toClaim() {
    return new Claim(key(), user, number, milliseconds, detail());
  }

  Lock granted(Claim claim) {
    return new Lock(token, place, isExclusive, isDeep, user, owner, claim.number(), claim.milliseconds());
  }

  String uri() {
    return SCHEME + token;
  }

  String detail() {
    return DETAIL + owner;
  }

  /**
   * Scope before place, so that one can ask for the locks of one scope beneath a place. Two slashes end a place, so that the locks of a
   * place are told from those beneath it.
   */
  String key() {
    return KEYS + (isExclusive ? EXCLUSIVE : SHARED) + place.key() + "//" + (isDeep ? "i/" : "0/") + token;
  }

  /** With what the keys of the locks begin that it can't be beside: an exclusive one is beside none, a shared one beside shared ones. */
  List<String> conflicts() {
    List<String> prefixes = new ArrayList<>();
    for (String scope : isExclusive ? List.of(EXCLUSIVE, SHARED) : List.of(EXCLUSIVE)) {
      for (LockPlace above : place.way().subList(0, place.depth())) {
        prefixes.add(KEYS + scope + above.key() + "//i/");
      }
      prefixes.add(KEYS + scope + place.key() + (isDeep ? "/" : "//"));
    }
    return prefixes;
  }
}
