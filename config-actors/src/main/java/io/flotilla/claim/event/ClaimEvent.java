package io.flotilla.claim.event;

import io.flotilla.config.event.CborSerializable;
import java.util.List;

/** What the journal of the claims holds. */
public sealed interface ClaimEvent extends CborSerializable {

  record ClaimGranted(Claim claim) implements ClaimEvent {}

  /** The present holder keeps it for another time. Nothing changes but the time, and that the keeper still is the keeper. */
  record ClaimRenewed(String key, long number, long milliseconds) implements ClaimEvent {}

  record ClaimReleased(String key, long number) implements ClaimEvent {}

  /** Their time ran out. */
  record ClaimsExpired(List<Claim> claims) implements ClaimEvent {}
}
