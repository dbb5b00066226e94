package io.flotilla.claim;

import io.flotilla.claim.event.Claim;
import io.flotilla.claim.event.ClaimEvent;
import io.flotilla.claim.event.ClaimSnapshot;
import io.flotilla.persistence.JournalRetention;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import org.pcollections.TreePMap;

/** The claims that hold, as the events say; immutable. When they run out is not here: that is the keeper's clock. */
record ClaimTable(long lastNumber, TreePMap<String, Claim> claims, JournalRetention.Applied applied) {
  static final ClaimTable EMPTY = new ClaimTable(0, TreePMap.empty(), JournalRetention.Applied.NONE);

  static ClaimTable of(ClaimSnapshot snapshot) {
    TreePMap<String, Claim> claims = TreePMap.empty();
    for (Claim claim : snapshot.claims()) {
      claims = claims.plus(claim.key(), claim);
    }
    return new ClaimTable(snapshot.lastNumber(), claims, JournalRetention.Applied.NONE);
  }

  ClaimSnapshot toSnapshot() {
    return new ClaimSnapshot(lastNumber, List.copyOf(claims.values()));
  }

  ClaimTable apply(ClaimEvent event) {
    ClaimTable next = new ClaimTable(lastNumber, claims, applied.plus(event.size()));
    return switch (event) {
      case ClaimEvent.ClaimGranted granted -> next.with(granted.claim().number(), granted.claim());
      case ClaimEvent.ClaimRenewed renewed -> find(renewed.key(), renewed.number())
          .map(claim -> next.with(lastNumber,
              new Claim(claim.key(), claim.holder(), claim.number(), renewed.milliseconds())))
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

  private ClaimTable with(long number, Claim claim) {
    return new ClaimTable(number, claims.plus(claim.key(), claim), applied);
  }

  private ClaimTable without(String key, long number) {
    return find(key, number).isPresent() ? new ClaimTable(lastNumber, claims.minus(key), applied) : this;
  }
}
