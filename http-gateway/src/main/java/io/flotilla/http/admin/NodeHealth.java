package io.flotilla.http.admin;

import java.util.List;

/** What keeps this node from serving clients well, in words for the operator. */
public interface NodeHealth {
  /** Empty if the node is ready. */
  List<String> notReady();
}
