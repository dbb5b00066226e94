package io.flotilla.http.dav;

import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** All that the server computes for resources, as one user is told it. Used by one thread. */
final class LiveProperties {
  private final LockProperties locks;

  LiveProperties(LockProperties locks) {
    this.locks = locks;
  }

  /** Whether it is one of those that tell of locks. */
  private static boolean isLock(XmlName name) {
    return name.equals(LockProperties.SUPPORTED) || name.equals(LockProperties.DISCOVERY);
  }

  boolean isUsual(XmlName name) {
    return isLock(name) || LiveProperty.named(name).filter(LiveProperty::isUsual).isPresent();
  }

  /** Whether it is the server's, so that no client can set it. */
  boolean isLive(XmlName name) {
    return isLock(name) || LiveProperty.named(name).isPresent();
  }

  /** The elements that are told when all are asked for. */
  List<String> usual(Resource of) throws VfsException {
    List<String> elements = new ArrayList<>();
    for (LiveProperty property : LiveProperty.values()) {
      if (property.isUsual()) {
        property.element(of).ifPresent(elements::add);
      }
    }
    elements.add(LockProperties.SUPPORTED_ELEMENT);
    elements.add(discovery(of));
    return elements;
  }

  List<XmlName> names(Resource of) {
    List<XmlName> names = new ArrayList<>(Arrays.stream(LiveProperty.values())
        .filter(property -> property.value(of).isPresent()).map(LiveProperty::xmlName).toList());
    names.add(LockProperties.SUPPORTED);
    names.add(LockProperties.DISCOVERY);
    return names;
  }

  Optional<String> element(XmlName name, Resource of) throws VfsException {
    if (name.equals(LockProperties.SUPPORTED)) {
      return Optional.of(LockProperties.SUPPORTED_ELEMENT);
    }
    return name.equals(LockProperties.DISCOVERY)
        ? Optional.of(discovery(of)) : LiveProperty.named(name).flatMap(property -> property.element(of));
  }

  private String discovery(Resource of) throws VfsException {
    if (locks.locks().isEmpty()) {
      return LockProperties.DISCOVERY.emptyElement();
    }
    VirtualPath path = of.isPlain() ? of.canonicalParent().child(of.path().name()) : of.files().canonical(of.path());
    return locks.discovery(locks.locks().covering(locks.places().place(path)), path, of.isCollection());
  }
}
