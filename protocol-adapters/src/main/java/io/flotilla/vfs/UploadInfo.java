package io.flotilla.vfs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
import java.io.IOException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What an upload by segments is to become.
 *
 * @param length in bytes
 * @param name of the file
 * @param overwrites whether it may replace a file that has its name by then
 * @param metadata of the client, as it was sent
 */
public record UploadInfo(long length, String name, boolean overwrites, String user, String metadata, Instant created) {
  byte[] toBytes() {
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    json.put("length", length);
    json.put("name", HexFormat.of().formatHex(ByteNames.encode(name))); // JSON can't hold every name
    json.put("overwrites", overwrites);
    json.put("user", user);
    json.put("metadata", metadata);
    json.put("created", created.toString());
    try {
      return EntityCodec.JSON.writeValueAsBytes(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of JSON can be written", e);
    }
  }

  /** Nothing if it is none: others may write to a shared storage too. */
  static Optional<UploadInfo> parse(byte[] bytes) {
    try {
      JsonNode json = EntityCodec.JSON.readTree(bytes);
      long length = json.required("length").asLong(-1);
      boolean isHeader = json.required("metadata").asText().chars().allMatch(c -> c >= ' ' && c < 0x7F);
      return length < 0 || !isHeader ? Optional.empty() : Optional.of(new UploadInfo(length,
          ByteNames.decode(HexFormat.of().parseHex(json.required("name").asText())), json.required("overwrites").asBoolean(),
          json.required("user").asText(), json.required("metadata").asText(), Instant.parse(json.required("created").asText())));
    } catch (IOException | IllegalArgumentException | DateTimeParseException e) {
      return Optional.empty();
    }
  }
}
