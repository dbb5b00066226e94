package io.flotilla.claim.event;

import io.flotilla.config.event.CborSerializable;
import java.util.List;

/** All claims, as the snapshot store holds them. */
public record ClaimSnapshot(long lastNumber, List<Claim> claims) implements CborSerializable {}
