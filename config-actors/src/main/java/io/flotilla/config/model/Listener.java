package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Protocol, address and port that the matching nodes open. Without an address each node binds its own one. A selector
 * is {@code *}, a node's name, or {@code role:} and a role.
 */
public record Listener(
    String name,
    Protocol protocol,
    Optional<String> address,
    int port,
    List<String> nodes,
    boolean enabled,
    int maxConnections,
    OptionalInt maxConnectionsPerAddress,
    Duration idleTimeout,
    Proxies proxies,
    Ssh ssh,
    Ftp ftp,
    Http http)
    implements Entity {
  /** What a listener speaks: one of this release's, or the word of a newer one, which is kept and not served. */
  public record Protocol(String id) {
    private static final int MAX_LISTED = 16;
    public static final Protocol SFTP = new Protocol("sftp");
    public static final Protocol FTP = new Protocol("ftp");
    public static final Protocol HTTP = new Protocol("http");

    /** The protocols that this release serves. */
    public static final List<Protocol> KNOWN = List.of(SFTP, FTP, HTTP);

    public boolean isKnown() {
      return KNOWN.contains(this);
    }

    /**
     * Reads a list of protocols; those of a newer release are kept.
     *
     * @return empty if the field is absent
     */
    static Optional<List<Protocol>> list(Fields fields, String field) {
      if (!fields.has(field)) {
        return Optional.empty();
      }
      List<String> words = fields.texts(field, MAX_LISTED, word -> new Protocol(word).isKnown()
          ? Optional.empty() : Optional.of("must be " + known()));
      if (words.isEmpty()) {
        fields.error(field, "must name at least one protocol; leave it out for all");
      }
      return Optional.of(words.stream().map(Protocol::new).toList());
    }

    private static String known() {
      List<String> words = KNOWN.stream().map(protocol -> "'" + protocol.id + "'").toList();
      return String.join(", ", words.subList(0, words.size() - 1)) + " or " + words.getLast();
    }

    static void describe(ObjectNode json, Optional<List<Protocol>> protocols) {
      protocols.ifPresentOrElse(some -> some.forEach(protocol -> json.withArray("protocols").add(protocol.id)),
          () -> json.putNull("protocols"));
    }
  }

  /** Whether a proxy has to say for whom it opens a connection; its words in the configuration are in lower case. */
  public enum ProxyProtocol {
    /** Connections are their clients'. */
    OFF,
    /** A trusted proxy may say it. */
    OPTIONAL,
    /** Only trusted proxies connect, and they say it. */
    REQUIRED;

    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }

    static ProxyProtocol parse(String text) {
      return Arrays.stream(values()).filter(mode -> mode.id().equals(text)).findFirst()
          .orElseThrow(() -> new IllegalArgumentException("must be 'off', 'optional' or 'required'"));
    }
  }

  /**
   * The proxies that stand before a listener.
   *
   * @param protocol whether they speak the PROXY protocol
   * @param trusted who is believed to be one; of HTTP listeners their Forwarded and X-Forwarded-For fields too
   */
  public record Proxies(ProxyProtocol protocol, List<Network> trusted) {
    private static final int MAX_NETWORKS = 64;
    public static final Proxies NONE = new Proxies(ProxyProtocol.OFF, List.of());

    private static Proxies read(Fields fields, Protocol listener) {
      // A word of a newer release must not let anybody in who is not a proxy.
      ProxyProtocol protocol = fields.parsed("proxyProtocol", ProxyProtocol::parse)
          .orElse(fields.has("proxyProtocol") ? ProxyProtocol.REQUIRED : ProxyProtocol.OFF);
      List<Network> trusted = Network.list(fields, "trustedProxies", MAX_NETWORKS).orElse(List.of());
      if (protocol != ProxyProtocol.OFF && !fields.has("trustedProxies")) {
        fields.error("trustedProxies", "is required for proxyProtocol other than 'off': whoever is believed can take any address");
      }
      if (protocol == ProxyProtocol.OFF && !trusted.isEmpty() && listener.isKnown() && !listener.equals(Protocol.HTTP)) {
        fields.error("trustedProxies", "has no effect without proxyProtocol, unless the listener's protocol is 'http'");
      }
      return new Proxies(protocol, trusted);
    }

    private void describe(ObjectNode json) {
      json.put("proxyProtocol", protocol.id());
      if (trusted.isEmpty()) {
        json.putNull("trustedProxies");
      } else {
        trusted.forEach(network -> json.withArray("trustedProxies").add(network.toString()));
      }
    }

    public boolean trusts(InetAddress peer) {
      return Network.anyContains(trusted, peer);
    }
  }

  /**
   * What only an SFTP listener has.
   *
   * @param hostKeys the names of the host keys it shows; all there are if there is none
   * @param scp whether it serves the scp command beside SFTP
   * @param userCertificateAuthorities the public keys, as lines of OpenSSH, whose certificates log users in; without any,
   *     certificates are refused
   */
  public record Ssh(
      List<String> hostKeys, boolean scp, List<String> userCertificateAuthorities, SshAlgorithms algorithms) {
    private static final int MAX_HOST_KEYS = 16;
    private static final int MAX_AUTHORITIES = 16;
    static final Ssh DEFAULT = new Ssh(List.of(), true, List.of(), SshAlgorithms.DEFAULT);

    private static Ssh read(Fields fields) {
      return new Ssh(
          fields.texts("hostKeys", MAX_HOST_KEYS, EntityKey::problemWithName),
          fields.bool("scp", true),
          fields.texts("userCertificateAuthorities", MAX_AUTHORITIES, PublicKeyLine::problemWithAuthority),
          fields.object("algorithms", SshAlgorithms::read).orElse(SshAlgorithms.DEFAULT));
    }

    private void describe(ObjectNode json) {
      hostKeys.forEach(json.putArray("hostKeys")::add);
      json.put("scp", scp);
      userCertificateAuthorities.forEach(json.putArray("userCertificateAuthorities")::add);
      algorithms.describe(json.putObject("algorithms"));
    }
  }

  /** How an FTP listener uses TLS (RFC 4217); its words in the configuration are in lower case. */
  public enum Tls {
    OFF,
    /** Clients may ask for TLS by AUTH. */
    EXPLICIT,
    /** Clients have to ask for TLS by AUTH before they log in, and to protect their data. */
    REQUIRED,
    /** TLS from the first byte on. */
    IMPLICIT;

    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }

    static Tls parse(String text) {
      return Arrays.stream(values()).filter(tls -> tls.id().equals(text)).findFirst()
          .orElseThrow(() -> new IllegalArgumentException("must be 'off', 'explicit', 'required' or 'implicit'"));
    }
  }

  /**
   * What only an FTP listener has.
   *
   * @param certificate the name of a certificate; never empty if TLS is used
   * @param requireSessionReuse whether a data connection has to resume the TLS session of its control connection, so that
   *     nobody else can take it over
   * @param passivePorts where clients are told to connect for data; any free port if there is none
   * @param passiveAddress what PASV tells clients, for a node behind NAT
   */
  public record Ftp(Tls tls, Optional<String> certificate, boolean requireSessionReuse,
      Optional<PortRange> passivePorts, PassiveAddress passiveAddress) {
    static final Ftp DEFAULT = new Ftp(Tls.OFF, Optional.empty(), false, Optional.empty(), PassiveAddress.NONE);

    private static Ftp read(Fields fields) {
      // A word of a newer release must not take the encryption away.
      Tls tls = fields.parsed("tls", Tls::parse).orElse(fields.has("tls") ? Tls.REQUIRED : Tls.OFF);
      Optional<String> certificate = fields.text("certificate");
      if (tls != Tls.OFF && !fields.has("certificate")) {
        fields.error("certificate", "is required for tls other than 'off'");
      }
      return new Ftp(tls, certificate, fields.bool("requireSessionReuse", false),
          fields.parsed("passivePorts", PortRange::parse),
          PassiveAddress.read(fields));
    }

    private Ftp on(NodeOverride.ListenerAt node) {
      return new Ftp(tls, certificate, requireSessionReuse, node.passivePorts().or(() -> passivePorts),
          node.passiveAddress().orElse(passiveAddress));
    }

    private void describe(ObjectNode json) {
      json.put("tls", tls.id());
      json.put("certificate", certificate.orElse(null));
      json.put("requireSessionReuse", requireSessionReuse);
      json.put("passivePorts", passivePorts.map(PortRange::toString).orElse(null));
      json.put("passiveAddress", passiveAddress.address().orElse(null));
      passiveAddress.describeNetworks(json);
    }
  }

  /**
   * The header by which HTTP proxies say whose a request is. It is one of them and not whichever there is: what a proxy doesn't write
   * itself it lets through, so its clients could write it.
   */
  public enum ForwardedBy {
    /** By none: they are clients themselves, or speak the PROXY protocol only. */
    NONE,
    /** With X-Forwarded-Proto. */
    X_FORWARDED_FOR,
    /** RFC 7239. */
    FORWARDED;

    public String id() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static ForwardedBy parse(String text) {
      return Arrays.stream(values()).filter(field -> field.id().equals(text)).findFirst()
          .orElseThrow(() -> new IllegalArgumentException("must be 'x-forwarded-for', 'forwarded' or 'none'"));
    }
  }

  /**
   * What only an HTTP listener has.
   *
   * @param tls whether it speaks HTTPS
   * @param certificate the name of a certificate; never empty if TLS is used
   * @param webClient whether it serves the page by which people work with their files
   * @param forwardedBy where trusted proxies say whose a request is
   */
  public record Http(boolean tls, Optional<String> certificate, boolean webClient, ForwardedBy forwardedBy) {
    static final Http DEFAULT = new Http(false, Optional.empty(), true, ForwardedBy.X_FORWARDED_FOR);

    private static Http read(Fields fields) {
      boolean tls = fields.bool("tls", true);
      if (tls && !fields.has("certificate")) {
        fields.error("certificate", "is required, unless tls is false");
      }
      return new Http(tls, fields.text("certificate"), fields.bool("webClient", true),
          // A word of a newer release must not make anybody believed.
          fields.parsed("forwardedBy", ForwardedBy::parse)
              .orElse(fields.has("forwardedBy") ? ForwardedBy.NONE : ForwardedBy.X_FORWARDED_FOR));
    }

    private void describe(ObjectNode json) {
      json.put("tls", tls);
      json.put("certificate", certificate.orElse(null));
      json.put("webClient", webClient);
      json.put("forwardedBy", forwardedBy.id());
    }
  }

  static final Set<String> WILDCARDS = Set.of("0.0.0.0", "::");
  private static final int MAX_CONNECTIONS = 1_000_000;
  private static final int DEFAULT_MAX_CONNECTIONS = 10_000;
  private static final Duration DEFAULT_IDLE_TIMEOUT = Duration.ofMinutes(10);

  static Listener read(Fields fields) {
    if (!fields.has("protocol")) {
      fields.error("protocol", "is required");
    }
    List<String> nodes = fields.texts("nodes", 128, Listener::problemWithSelector);
    Protocol protocol = new Protocol(fields.text("protocol").orElse("unknown"));
    if (fields.has("protocol") && !protocol.isKnown()) {
      fields.error("protocol", "must be " + Protocol.known() + ", the protocols this release serves");
    }
    belongsTo(Protocol.SFTP, "ssh", protocol, fields);
    belongsTo(Protocol.FTP, "ftp", protocol, fields);
    belongsTo(Protocol.HTTP, "http", protocol, fields);
    if (protocol.equals(Protocol.HTTP) && !fields.has("http")) {
      fields.error("http", "is required: it names the certificate, or sets tls to false");
    }
    Listener listener = new Listener(
        fields.name(),
        protocol,
        fields.parsed("address", Listener::parseAddress),
        fields.requiredInteger("port", 1, 65535),
        nodes.isEmpty() ? List.of("*") : nodes,
        fields.bool("enabled", true),
        fields.integer("maxConnections", 1, MAX_CONNECTIONS, DEFAULT_MAX_CONNECTIONS),
        fields.optionalInteger("maxConnectionsPerAddress", 1, MAX_CONNECTIONS),
        fields.duration("idleTimeout", Duration.ofDays(7), DEFAULT_IDLE_TIMEOUT),
        Proxies.read(fields, protocol),
        fields.object("ssh", Ssh::read).orElse(Ssh.DEFAULT),
        fields.object("ftp", Ftp::read).orElse(Ftp.DEFAULT),
        fields.object("http", Http::read).orElse(Http.DEFAULT));
    listener.ftp.passivePorts().filter(ports -> ports.contains(listener.port)).ifPresent(ports ->
        fields.error("ftp/passivePorts", "holds the listener's own port " + listener.port));
    return listener;
  }

  /** A newer release may give the object to its own protocols. */
  private static void belongsTo(Protocol owner, String object, Protocol protocol, Fields fields) {
    if (fields.has(object) && protocol.isKnown() && !protocol.equals(owner)) {
      fields.error(object, "is only for listeners with the protocol '" + owner.id() + "'; leave it out, or set it to null");
    }
  }

  @Override
  public void describe(ObjectNode json) {
    json.put("protocol", protocol.id());
    json.put("address", address.orElse(null));
    json.put("port", port);
    nodes.forEach(json.putArray("nodes")::add);
    json.put("enabled", enabled);
    json.put("maxConnections", maxConnections);
    json.put("maxConnectionsPerAddress", maxConnectionsPerAddress.isPresent() ? maxConnectionsPerAddress.getAsInt() : null);
    json.put("idleTimeout", Durations.format(idleTimeout));
    proxies.describe(json);
    if (protocol.equals(Protocol.FTP)) {
      ftp.describe(json.putObject("ftp"));
    } else if (protocol.equals(Protocol.HTTP)) {
      http.describe(json.putObject("http"));
    } else {
      ssh.describe(json.putObject("ssh"));
    }
  }

  /** This listener with the passive mode that it has on a node; its address and port there are not part of it. */
  public Listener on(NodeOverride.ListenerAt node) {
    return new Listener(name, protocol, address, port, nodes, enabled, maxConnections, maxConnectionsPerAddress, idleTimeout,
        proxies, ssh, ftp.on(node), http);
  }

  /** The certificate that it shows, if its protocol has one. */
  public Optional<String> certificate() {
    return ftp.certificate().or(http::certificate);
  }

  public boolean isOpenOn(String node, Set<String> roles) {
    return enabled && nodes.stream().anyMatch(selector -> selector.equals("*") || selector.equals(node)
        || selector.startsWith("role:") && roles.contains(selector.substring("role:".length())));
  }

  /** Whether both could be open at the same address on some node; what a protocol of a newer release wants is not known. */
  boolean meets(Listener other) {
    return enabled && other.enabled && protocol.isKnown() && other.protocol.isKnown()
        && addressesMeet(other) && selectorsMeet(other);
  }

  /**
   * Says how the passive ports of one listener are in the way of another at the same address: the field of this one, and
   * words about it.
   *
   * @param port the one this listener has, which is not the other's; a node may have its own ports
   */
  public Optional<FieldError> passiveConflict(int port, Listener other, int otherPort) {
    Optional<PortRange> mine = ftp.passivePorts();
    Optional<PortRange> theirs = other.ftp.passivePorts();
    String field = "/ftp/passivePorts";
    if (theirs.filter(range -> range.contains(port)).isPresent()) {
      return Optional.of(new FieldError("/port", "port " + port + " is one of the passive ports " + theirs.get()
          + " of listener '" + other.name + "' on the same address"));
    }
    if (mine.filter(range -> range.contains(otherPort)).isPresent()) {
      return Optional.of(new FieldError(field, "the passive ports " + mine.get() + " hold port " + otherPort
          + " of listener '" + other.name + "' on the same address"));
    }
    return mine.filter(range -> theirs.filter(range::overlaps).isPresent()).map(range -> new FieldError(field,
        "the passive ports " + range + " overlap with those of listener '" + other.name + "', " + theirs.get()
            + ", on the same address"));
  }

  private boolean addressesMeet(Listener other) {
    return address.equals(other.address)
        || address.filter(WILDCARDS::contains).isPresent()
        || other.address.filter(WILDCARDS::contains).isPresent();
  }

  private boolean selectorsMeet(Listener other) {
    return nodes.stream().anyMatch(mine -> other.nodes.stream().anyMatch(theirs ->
        mine.equals(theirs) || isOpenEnded(mine) || isOpenEnded(theirs)));
  }

  private static boolean isOpenEnded(String selector) {
    return selector.equals("*") || selector.startsWith("role:");
  }

  private static Optional<String> problemWithSelector(String selector) {
    String name = selector.startsWith("role:") ? selector.substring("role:".length()) : selector;
    return selector.equals("*") ? Optional.empty() : EntityKey.problemWithName(name);
  }

  /** Only literal addresses: a name could mean something else on every node and at every start. */
  static String parseAddress(String text) {
    if (!text.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}") && !(text.contains(":") && text.matches("[0-9A-Fa-f:.]+"))) {
      throw new IllegalArgumentException("must be an IPv4 or IPv6 address");
    }
    try {
      return java.net.InetAddress.getByName(text).getHostAddress();
    } catch (java.net.UnknownHostException e) {
      throw new IllegalArgumentException("must be an IPv4 or IPv6 address", e);
    }
  }
}
