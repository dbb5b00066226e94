package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The algorithms that an SFTP listener offers, by their names in SSH (IANA's and OpenSSH's), the preferred first. Beside the
 * modern ones some can be chosen that old clients need; whatever is broken can't.
 *
 * @param chosen what is not chosen is the modern default
 */
public record SshAlgorithms(Map<Use, List<String>> chosen) {
  public static final SshAlgorithms DEFAULT = new SshAlgorithms(Map.of());

  /** What algorithms are for, with those to choose from. */
  public enum Use {
    KEY_EXCHANGE("keyExchange",
        List.of("sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com", "mlkem768x25519-sha256",
            "mlkem768nistp256-sha256", "mlkem1024nistp384-sha384", "curve25519-sha256", "curve25519-sha256@libssh.org",
            "curve448-sha512", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
            "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256"),
        List.of("diffie-hellman-group14-sha1")),
    CIPHERS("ciphers",
        List.of("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"),
        List.of("chacha20-poly1305@openssh.com", "aes128-cbc", "aes256-cbc")),
    MACS("macs",
        List.of("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"),
        List.of("hmac-sha1-etm@openssh.com", "hmac-sha1")),
    /** Signatures of the server, as far as it has such keys. */
    HOST_KEYS("hostKeys",
        List.of("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
            "rsa-sha2-512", "rsa-sha2-256"),
        List.of("ssh-rsa")),
    /** Signatures of users; certificates of these keys are taken with them. */
    PUBLIC_KEYS("publicKeys",
        List.of("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
            "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256"),
        List.of("ssh-rsa"));

    private final String field;
    private final List<String> modern;
    private final List<String> allowed;

    Use(String field, List<String> modern, List<String> compatible) {
      this.field = field;
      this.modern = modern;
      this.allowed = Stream.concat(modern.stream(), compatible.stream()).toList();
    }

    /** The name of the list in the configuration. */
    public String field() {
      return field;
    }

    /** All that can be chosen. */
    public List<String> allowed() {
      return allowed;
    }

    private Optional<String> problemWith(String name) {
      return allowed.contains(name) ? Optional.empty()
          : Optional.of("is not an algorithm to choose here; there are " + String.join(", ", allowed));
    }
  }

  /** Those to offer; one of a newer release may be among them. */
  public List<String> of(Use use) {
    return chosen.getOrDefault(use, use.modern);
  }

  static SshAlgorithms read(Fields fields) {
    Map<Use, List<String>> chosen = new EnumMap<>(Use.class);
    for (Use use : Use.values()) {
      if (fields.has(use.field)) {
        List<String> names = fields.texts(use.field, use.allowed.size(), use::problemWith);
        if (names.isEmpty()) {
          fields.error(use.field, "has to name an algorithm; leave it out for the default");
        } else if (new HashSet<>(names).size() < names.size()) {
          fields.error(use.field, "names an algorithm twice");
        }
        chosen.put(use, names);
      }
    }
    return new SshAlgorithms(Map.copyOf(chosen));
  }

  void describe(ObjectNode json) {
    for (Use use : Use.values()) {
      List<String> names = chosen.get(use);
      if (names == null) {
        json.putNull(use.field);
      } else {
        names.forEach(json.putArray(use.field)::add);
      }
    }
  }
}
