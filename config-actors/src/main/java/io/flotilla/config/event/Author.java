package io.flotilla.config.event;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Who made a change, from which address, through which node.
 *
 * @param others fields of a newer release, by name: kept and passed on, as in {@link ConfigChanged}
 */
public record Author(String who, String address, String node,
    @JsonAnySetter @JsonAnyGetter @JsonInclude(JsonInclude.Include.NON_EMPTY) Map<String, Object> others) {
  public Author {
    others = others == null ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(others));
  }

  public Author(String who, String address, String node) {
    this(who, address, node, Map.of());
  }
}
