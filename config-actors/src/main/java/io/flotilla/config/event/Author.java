package io.flotilla.config.event;

/** Who made a change, from which address, through which node. */
public record Author(String who, String address, String node) {}
