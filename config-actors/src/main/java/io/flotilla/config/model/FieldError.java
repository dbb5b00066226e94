package io.flotilla.config.model;

/** One fault of a document: a JSON pointer (RFC 6901) to where it is, and what is wrong there. */
public record FieldError(String pointer, String detail) {}
