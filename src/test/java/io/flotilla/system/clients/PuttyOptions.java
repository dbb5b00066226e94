package io.flotilla.system.clients;

import java.util.List;

/** What PuTTY's programs are told of a site. */
record PuttyOptions(Site site) {
  List<String> arguments() {
    return switch (site.credential()) {
      case Site.Key key -> arguments("-i", key.putty().toString());
      case Site.Password password -> arguments("-pw", password.text());
    };
  }

  private List<String> arguments(String option, String value) {
    return List.of("-batch", "-P", Integer.toString(site.sftpPort()), "-hostkey", "SHA256:" + site.trust().fingerprint(), option,
        value);
  }
}
