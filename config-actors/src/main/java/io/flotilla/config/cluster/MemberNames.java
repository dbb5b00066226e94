package io.flotilla.config.cluster;

import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import org.apache.pekko.cluster.Member;

/**
 * How a node's name travels with its membership: as one more Pekko role, so that every node can name every member, also
 * one it has never exchanged a message with.
 */
public final class MemberNames {
  private static final String NAME_ROLE = "name:";

  private MemberNames() {}

  public static String nameRole(String name) {
    return NAME_ROLE + name;
  }

  public static String name(Member member) {
    return member.getRoles().stream().filter(role -> role.startsWith(NAME_ROLE)).findFirst()
        .map(role -> role.substring(NAME_ROLE.length())).orElseGet(() -> address(member));
  }

  /** The roles of design, without the name and Pekko's own. */
  public static List<String> roles(Member member) {
    return List.copyOf(new TreeSet<>(member.getRoles().stream()
        .filter(role -> !role.startsWith(NAME_ROLE) && !role.startsWith("dc-")).toList()));
  }

  /** Host and port of the member's remoting. */
  public static String address(Member member) {
    return member.address().getHost().orElse("") + ":" + member.address().getPort().orElse(0);
  }

  public static String status(Member member) {
    return member.status().toString().toLowerCase(Locale.ROOT);
  }
}
