package io.flotilla.http.dav;

import io.flotilla.http.files.EntityTag;
import io.flotilla.http.files.FileType;
import io.flotilla.http.files.HttpDate;
import io.flotilla.vfs.SpaceInfo;
import io.flotilla.vfs.VfsException;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The properties that the server computes (RFC 4918, 15, and RFC 4331). */
enum LiveProperty {
  /** No file system used here tells it for sure: it has no value, and nobody can give it one. */
  CREATION_DATE("creationdate", false) {
    @Override
    Optional<String> value(Resource of) {
      return Optional.empty();
    }
  },
  DISPLAY_NAME("displayname", true) {
    @Override
    Optional<String> value(Resource of) {
      return Optional.of(XmlText.content(of.path().name()));
    }
  },
  CONTENT_LENGTH("getcontentlength", true) {
    @Override
    Optional<String> value(Resource of) {
      return of.isCollection() ? Optional.empty() : Optional.of(Long.toString(of.attributes().size()));
    }
  },
  CONTENT_TYPE("getcontenttype", true) {
    @Override
    Optional<String> value(Resource of) {
      return of.isCollection() ? Optional.empty()
          : Optional.of(XmlText.content(FileType.of(of.path().name()).contentType().toString()));
    }
  },
  ENTITY_TAG("getetag", true) {
    @Override
    Optional<String> value(Resource of) {
      return of.isCollection() ? Optional.empty() : Optional.of(XmlText.content(EntityTag.of(of.attributes()).toString()));
    }
  },
  LAST_MODIFIED("getlastmodified", true) {
    @Override
    Optional<String> value(Resource of) {
      return Optional.of(HttpDate.format(of.attributes().modified()));
    }
  },
  RESOURCE_TYPE("resourcetype", true) {
    @Override
    Optional<String> value(Resource of) {
      return Optional.of(of.isCollection() ? "<D:collection/>" : "");
    }
  },
  /** What is free for the user; not told unless it is asked for (RFC 4331, 3). */
  QUOTA_AVAILABLE("quota-available-bytes", false) {
    @Override
    Optional<String> value(Resource of) {
      return space(of).map(space -> Long.toString(space.availableBlocks() * space.fragmentSize()));
    }
  },
  QUOTA_USED("quota-used-bytes", false) {
    @Override
    Optional<String> value(Resource of) {
      return space(of).map(space -> Long.toString((space.blocks() - space.freeBlocks()) * space.fragmentSize()));
    }
  };

  private static final Map<XmlName, LiveProperty> BY_NAME =
      Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(LiveProperty::xmlName, Function.identity()));

  private final XmlName xmlName;
  /** Whether it is one of those that are told when all are asked for. */
  private final boolean isUsual;

  LiveProperty(String local, boolean isUsual) {
    this.xmlName = XmlName.dav(local);
    this.isUsual = isUsual;
  }

  static Optional<LiveProperty> named(XmlName name) {
    return Optional.ofNullable(BY_NAME.get(name));
  }

  XmlName xmlName() {
    return xmlName;
  }

  boolean isUsual() {
    return isUsual;
  }

  /** Its value as XML; nothing if this resource has none. */
  abstract Optional<String> value(Resource of);

  /** The element with its value. */
  Optional<String> element(Resource of) {
    return value(of).map(value -> value.isEmpty() ? xmlName.emptyElement()
        : "<D:" + xmlName.local() + ">" + value + "</D:" + xmlName.local() + ">");
  }

  private static Optional<SpaceInfo> space(Resource of) {
    if (!of.isCollection()) {
      return Optional.empty();
    }
    try {
      return Optional.of(of.files().space(of.path()));
    } catch (VfsException e) {
      return Optional.empty(); // a mounted folder that doesn't answer takes nothing else away
    }
  }
}
