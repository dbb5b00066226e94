package io.flotilla.config.event;

/**
 * What became of a change whose id may still be asked for.
 *
 * @param id names the change
 * @param version it was committed as
 * @param at when, in milliseconds since 1970
 */
public record ChangeLookup(String id, long version, long at) {}
