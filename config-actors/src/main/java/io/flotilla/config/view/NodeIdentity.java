package io.flotilla.config.view;

import java.util.Set;
import java.util.UUID;

/**
 * Who this node is.
 *
 * @param id permanent, kept in the data directory
 * @param address the node's own address, on which listeners without an address are opened
 */
public record NodeIdentity(UUID id, String name, String address, Set<String> roles) {
  public static final String GATEWAY = "gateway";
  public static final String PRIMARY = "primary";
  public static final String VOTER = "voter";
}
