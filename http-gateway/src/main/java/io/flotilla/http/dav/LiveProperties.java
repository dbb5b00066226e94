package io.flotilla.http.dav;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** All that the server computes for resources. */
final class LiveProperties {
  boolean isLock(XmlName name) {
    return false;
  }

  boolean isUsual(XmlName name) {
    return LiveProperty.named(name).filter(LiveProperty::isUsual).isPresent();
  }

  /** Whether no client can set it. */
  boolean isProtected(XmlName name) {
    return LiveProperty.named(name).isPresent();
  }

  /** The elements that are told when all are asked for. */
  List<String> usual(Resource of) {
    return Arrays.stream(LiveProperty.values()).filter(LiveProperty::isUsual)
        .flatMap(property -> property.element(of).stream()).toList();
  }

  List<XmlName> names(Resource of) {
    return Arrays.stream(LiveProperty.values()).filter(property -> property.value(of).isPresent())
        .map(LiveProperty::xmlName).toList();
  }

  Optional<String> element(XmlName name, Resource of) {
    return LiveProperty.named(name).flatMap(property -> property.element(of));
  }
}
