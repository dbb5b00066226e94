package io.flotilla.http.dav;

import io.flotilla.vfs.VirtualPath;
import java.util.List;

/**
 * What is told of locks (RFC 4918, 15.8 and 15.10).
 *
 * @param user who is told; only their own tokens are, since only those are of use to them
 */
record LockProperties(Locks locks, UserPlaces places, String user) {
  static final XmlName SUPPORTED = XmlName.dav("supportedlock");
  static final XmlName DISCOVERY = XmlName.dav("lockdiscovery");
  static final String SUPPORTED_ELEMENT = "<D:supportedlock>" + entry("exclusive") + entry("shared") + "</D:supportedlock>";

  private static String entry(String scope) {
    return "<D:lockentry><D:lockscope><D:" + scope + "/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>";
  }

  /**
   * The element with some locks.
   *
   * @param under without links in it, and under each of them
   */
  String discovery(List<Lock> told, VirtualPath under, boolean isCollection) {
    if (told.isEmpty()) {
      return DISCOVERY.emptyElement();
    }
    StringBuilder out = new StringBuilder("<D:lockdiscovery>");
    for (Lock lock : told) {
      VirtualPath root = places.lockRoot(lock, under);
      out.append("<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope>")
          .append(lock.isExclusive() ? "<D:exclusive/>" : "<D:shared/>").append("</D:lockscope><D:depth>")
          .append(lock.isDeep() ? "infinity" : "0").append("</D:depth>").append(lock.owner())
          .append("<D:timeout>Second-").append(locks.remaining(lock).plusMillis(999).toSeconds()).append("</D:timeout>");
      if (lock.user().equals(user)) {
        out.append("<D:locktoken><D:href>").append(lock.uri()).append("</D:href></D:locktoken>");
      }
      out.append("<D:lockroot><D:href>").append(XmlText.content(Resource.href(root, isCollection || !root.equals(under))))
          .append("</D:href></D:lockroot></D:activelock>");
    }
    return out.append("</D:lockdiscovery>").toString();
  }
}
