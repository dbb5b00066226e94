package io.flotilla.http.dav;

import io.flotilla.vfs.VirtualPath;
import java.util.Comparator;
import java.util.List;

/**
 * What one answer tells of locks (RFC 4918, 15.8 and 15.10). Hundreds of shared locks of a directory are told again for each file in it, so
 * there are bounds to what is told, and it is the client's own that come first. Used by one thread.
 */
final class LockProperties {
  /** Of one resource. */
  static final int MAX_TOLD = 20;
  /** Of the owners in one answer together, in characters; the locks after them are told without. */
  static final int MAX_OWNERS_LENGTH = 64 * 1024;
  static final XmlName SUPPORTED = XmlName.dav("supportedlock");
  static final XmlName DISCOVERY = XmlName.dav("lockdiscovery");
  static final String SUPPORTED_ELEMENT = "<D:supportedlock>" + entry("exclusive") + entry("shared") + "</D:supportedlock>";

  private final Locks locks;
  private final UserPlaces places;
  private final String user;
  private int ownersLength;

  /** @param user who is told; only their own tokens are, since only those are of use to them */
  LockProperties(Locks locks, UserPlaces places, String user) {
    this.locks = locks;
    this.places = places;
    this.user = user;
  }

  Locks locks() {
    return locks;
  }

  UserPlaces places() {
    return places;
  }

  private static String entry(String scope) {
    return "<D:lockentry><D:lockscope><D:" + scope + "/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>";
  }

  /**
   * The element with some locks, as many as are told.
   *
   * @param under without links in it, and under each of them
   */
  String discovery(List<Lock> told, VirtualPath under, boolean isCollection) {
    if (told.isEmpty()) {
      return DISCOVERY.emptyElement();
    }
    StringBuilder out = new StringBuilder("<D:lockdiscovery>");
    List<Lock> some = told.size() <= MAX_TOLD ? told
        : told.stream().sorted(Comparator.comparing(lock -> !lock.user().equals(user))).limit(MAX_TOLD).toList();
    for (Lock lock : some) {
      VirtualPath root = places.lockRoot(lock, under);
      out.append("<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope>")
          .append(lock.isExclusive() ? "<D:exclusive/>" : "<D:shared/>").append("</D:lockscope><D:depth>")
          .append(lock.isDeep() ? "infinity" : "0").append("</D:depth>").append(owner(lock))
          .append("<D:timeout>Second-").append(locks.remaining(lock).plusMillis(999).toSeconds()).append("</D:timeout>");
      if (lock.user().equals(user)) {
        out.append("<D:locktoken><D:href>").append(lock.uri()).append("</D:href></D:locktoken>");
      }
      out.append("<D:lockroot><D:href>").append(XmlText.content(Resource.href(root, isCollection || !root.equals(under))))
          .append("</D:href></D:lockroot></D:activelock>");
    }
    return out.append("</D:lockdiscovery>").toString();
  }

  private String owner(Lock lock) {
    boolean isTold = ownersLength + lock.owner().length() <= MAX_OWNERS_LENGTH;
    ownersLength += isTold ? lock.owner().length() : 0;
    return isTold ? lock.owner() : "";
  }
}
