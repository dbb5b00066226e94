package io.flotilla.claim.event;

import io.flotilla.config.event.CborSerializable;
import java.util.List;

/** What the journal of the claims holds. */
public sealed interface ClaimEvent extends CborSerializable {

  /** About the bytes it takes in the journal. */
  int size();

  record ClaimGranted(Claim claim) implements ClaimEvent {
    @Override
    public int size() {
      return claim.size();
    }
  }

  /** The present holder keeps it for another time. Nothing changes but the time, and that the keeper still is the keeper. */
  record ClaimRenewed(String key, long number, long milliseconds) implements ClaimEvent {
    @Override
    public int size() {
      return 64 + key.length();
    }
  }

  record ClaimReleased(String key, long number) implements ClaimEvent {
    @Override
    public int size() {
      return 64 + key.length();
    }
  }

  /** Their time ran out. */
  record ClaimsExpired(List<Claim> claims) implements ClaimEvent {
    @Override
    public int size() {
      return claims.stream().mapToInt(Claim::size).sum();
    }
  }
}
