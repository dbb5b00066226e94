package io.flotilla.system.clients;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What all programs that begin with OpenSSH's ssh are told of a site. */
record OpenSshOptions(Site site) {

  /** Options of ssh, without {@code -o} before each. */
  List<String> options() {
    List<String> options = new ArrayList<>(List.of("UserKnownHostsFile=" + site.trust().knownHosts(), "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=/dev/null", "NumberOfPasswordPrompts=1"));
    options.addAll(switch (site.credential()) {
      case Site.Key key -> List.of("IdentityFile=" + key.file(), "IdentitiesOnly=yes", "PreferredAuthentications=publickey");
      case Site.Password password -> List.of("PreferredAuthentications=password", "PubkeyAuthentication=no");
    });
    return options;
  }

  List<String> arguments() {
    return options().stream().flatMap(option -> java.util.stream.Stream.of("-o", option)).toList();
  }

  /** What lets ssh ask for the password without a terminal. */
  Map<String, String> environment() {
    return switch (site.credential()) {
      case Site.Key key -> Map.of();
      case Site.Password password -> Map.of("SSH_ASKPASS", password.askPass().toString(), "SSH_ASKPASS_REQUIRE", "force",
          Site.Password.VARIABLE, password.text());
    };
  }
}
