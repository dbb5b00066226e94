package io.flotilla.claim;

import io.flotilla.claim.event.Claim;
import io.flotilla.claim.event.ClaimEvent;
import io.flotilla.claim.event.ClaimSnapshot;
import io.flotilla.persistence.JournalRetention;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.Predicate;
import org.pcollections.TreePMap;

/**
 * The claims that hold, as the events say; immutable. When they run out is not here: that is the keeper's clock.
 *
 * @param detailLength of all details together, in characters
 */
record ClaimTable(long lastNumber, TreePMap<String, Claim> claims, long detailLength, JournalRetention.Applied applied) {
  static final ClaimTable EMPTY = new ClaimTable(0, TreePMap.empty(), 0, JournalRetention.Applied.NONE);

  static ClaimTable of(ClaimSnapshot snapshot) {
    TreePMap<String, Claim> claims = TreePMap.empty();
    long detailLength = 0;
    for (Claim claim : snapshot.claims()) {
      claims = claims.plus(claim.key(), claim);
      detailLength += claim.detail().length();
    }
    return new ClaimTable(snapshot.lastNumber(), claims, detailLength, JournalRetention.Applied.NONE);
  }

  ClaimSnapshot toSnapshot() {
    return new ClaimSnapshot(lastNumber, List.copyOf(claims.values()));
  }

  ClaimTable apply(ClaimEvent event) {
    ClaimTable next = new ClaimTable(lastNumber, claims, detailLength, applied.plus(event.size()));
    return switch (event) {
      case ClaimEvent.ClaimGranted granted -> next.with(granted.claim().number(), granted.claim());
      case ClaimEvent.ClaimRenewed renewed -> find(renewed.key(), renewed.number())
          .map(claim -> next.with(lastNumber, claim.lasting(renewed.milliseconds())))
          .orElse(next);
      case ClaimEvent.ClaimReleased released -> next.without(released.key(), released.number());
      case ClaimEvent.ClaimsExpired expired -> {
        ClaimTable left = next;
        for (Claim claim : expired.claims()) {
          left = left.without(claim.key(), claim.number());
        }
        yield left;
      }
    };
  }

  Optional<Claim> find(String key) {
    return Optional.ofNullable(claims.get(key));
  }

  /** The claim of a key, if it is still that grant. */
  Optional<Claim> find(String key, long number) {
    return find(key).filter(claim -> claim.number() == number);
  }

  /** The claims whose keys begin with a text, after a key, in order. */
  List<Claim> list(String prefix, String after, int limit) {
    String from = after.compareTo(prefix) < 0 ? prefix : after + "\0";
    SortedMap<String, Claim> rest = claims.tailMap(from);
    return rest.values().stream().takeWhile(claim -> claim.key().startsWith(prefix)).limit(limit).toList();
  }

  /** The first claim whose key begins with a text and that counts. */
  Optional<Claim> first(String prefix, Predicate<Claim> counts) {
    return claims.tailMap(prefix).values().stream().takeWhile(claim -> claim.key().startsWith(prefix)).filter(counts).findFirst();
  }

  private ClaimTable with(long number, Claim claim) {
    long replaced = find(claim.key()).map(old -> old.detail().length()).orElse(0);
    return new ClaimTable(number, claims.plus(claim.key(), claim), detailLength - replaced + claim.detail().length(), applied);
  }

  private ClaimTable without(String key, long number) {
    return find(key, number)
        .map(gone -> new ClaimTable(lastNumber, claims.minus(key), detailLength - gone.detail().length(), applied)).orElse(this);
  }
}
