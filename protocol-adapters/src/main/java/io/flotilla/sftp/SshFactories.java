package io.flotilla.sftp;

import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.OptionalFeature;
import org.apache.sshd.common.cipher.BuiltinCiphers;
import org.apache.sshd.common.cipher.Cipher;
import org.apache.sshd.common.kex.BuiltinDHFactories;
import org.apache.sshd.common.kex.KeyExchangeFactory;
import org.apache.sshd.common.mac.BuiltinMacs;
import org.apache.sshd.common.mac.Mac;
import org.apache.sshd.common.signature.BuiltinSignatures;
import org.apache.sshd.common.signature.Signature;
import org.apache.sshd.server.ServerBuilder;

/** MINA's implementations of algorithms by their names in SSH. Names it does not have here are left out. */
final class SshFactories {
  static final String CERTIFICATE_SUFFIX = "-cert-v01@openssh.com";

  private SshFactories() {}

  static List<KeyExchangeFactory> keyExchanges(List<String> names) {
    return found(names, BuiltinDHFactories::fromFactoryName).map(ServerBuilder.DH2KEX).toList();
  }

  static List<NamedFactory<Cipher>> ciphers(List<String> names) {
    return found(names, BuiltinCiphers::fromFactoryName).<NamedFactory<Cipher>>map(factory -> factory).toList();
  }

  static List<NamedFactory<Mac>> macs(List<String> names) {
    return found(names, BuiltinMacs::fromFactoryName).<NamedFactory<Mac>>map(factory -> factory).toList();
  }

  static List<NamedFactory<Signature>> signatures(List<String> names) {
    return found(names, BuiltinSignatures::fromFactoryName).<NamedFactory<Signature>>map(factory -> factory).toList();
  }

  /** The algorithms for certificates of keys of these, as far as there are; none for SHA-1. */
  static List<String> certificates(List<String> publicKeys) {
    return publicKeys.stream().filter(name -> !name.equals("ssh-rsa") && !name.contains("@"))
        .map(name -> name + CERTIFICATE_SUFFIX).toList();
  }

  private static <F extends OptionalFeature> Stream<F> found(
      List<String> names, Function<String, F> byName) {
    return names.stream().map(byName).filter(Objects::nonNull).filter(factory -> factory.isSupported());
  }
}
