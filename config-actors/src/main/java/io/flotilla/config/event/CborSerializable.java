package io.flotilla.config.event;

/** Marks what is stored or sent between nodes; {@code reference.conf} binds it to Jackson CBOR. */
public interface CborSerializable {}
