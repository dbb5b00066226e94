package io.flotilla.auth;

import io.flotilla.config.model.AccessRule;
import io.flotilla.config.model.LoginMethod;
import io.flotilla.config.model.PublicKeyLine;
import io.flotilla.config.model.Secret;
import io.flotilla.config.model.User;
import io.flotilla.config.view.ConfigView;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Checks logins against the present configuration. Unknown, disabled and expired users take the same path as others, so
 * that neither answer nor time tells them apart. Safe for all threads; nothing here blocks.
 */
public final class Authenticator {
  /** Of users with parsed keys; beyond it the cache starts afresh. */
  private static final int MAX_CACHED_USERS = 10_000;

  private final Supplier<ConfigView> view;
  private final PasswordHasher hasher;
  private final Clock clock;
  private final Map<String, ParsedKeys> cache = new ConcurrentHashMap<>();

  /** A user's keys by their wire form; of use only while the list of them is the very same. */
  private record ParsedKeys(List<String> keys, Map<ByteBuffer, String> lines) {}

  public Authenticator(Supplier<ConfigView> view, PasswordHasher hasher, Clock clock) {
    this.view = view;
    this.hasher = hasher;
    this.clock = clock;
  }

  /**
   * Completes on a thread of the hasher; never exceptionally, except for a defect.
   *
   * @param key for which {@link #publicKey} or {@link #certificate} found the password of the same user to be needed, and which
   *     was proved then
   */
  public CompletableFuture<LoginResult> password(
      String name, String password, Optional<Credential.Key> key, Origin origin) {
    Optional<User> user = view.get().user(name);
    Optional<Secret.PasswordHash> hash = user.flatMap(User::passwordHash);
    return hasher.verify(password, hash.map(Secret.PasswordHash::reveal)).handle((matches, failure) -> {
      if (failure != null) {
        return new LoginResult.Refused(LoginResult.Reason.BUSY);
      }
      // The user may have been changed while the hash was computed: judge by the present configuration.
      Optional<Credential> credential = hash.filter(_ -> matches).map(Credential.Password::new)
          .map(given -> key.<Credential>map(first -> new Credential.KeyAndPassword(first, given)).orElse(given));
      return judge(name, origin, credential, LoginResult.Reason.WRONG_PASSWORD);
    });
  }

  /** What a credential that was proved before lets in now. */
  public LoginResult again(String name, Credential credential, Origin origin) {
    return judge(name, origin, Optional.of(credential), LoginResult.Reason.WRONG_PASSWORD);
  }

  /**
   * Whether a key is one of the user's. The caller checks the signature.
   *
   * @param blob the key as in RFC 4253, section 6.6
   */
  public KeyResult publicKey(String name, byte[] blob, Origin origin) {
    Optional<String> line = view.get().user(name).map(this::keys)
        .map(keys -> keys.lines().get(ByteBuffer.wrap(blob)));
    return judgeKey(name, origin, line.map(Credential.PublicKey::new), LoginResult.Reason.UNKNOWN_KEY);
  }

  /** The line of a listener's authorities that has a key, given as in RFC 4253, section 6.6. */
  public Optional<String> authority(String listener, byte[] key) {
    return view.get().listener(listener).stream().flatMap(found -> found.ssh().userCertificateAuthorities().stream())
        .filter(line -> PublicKeyLine.blob(line).filter(blob -> Arrays.equals(blob, key)).isPresent()).findFirst();
  }

  /** Whether a user may come in by a certificate that the caller has checked. */
  public KeyResult certificate(String name, Credential.Certificate certificate, Origin origin) {
    return judgeKey(name, origin, Optional.of(certificate), LoginResult.Reason.UNTRUSTED_CERTIFICATE);
  }

  /** A key that is not enough alone may be the first half. */
  private KeyResult judgeKey(
      String name, Origin origin, Optional<? extends Credential.Key> key, LoginResult.Reason wrong) {
    LoginResult result = judge(name, origin, key, wrong);
    boolean isHalf = result.equals(new LoginResult.Refused(LoginResult.Reason.METHOD)) && view.get().user(name)
        .filter(user -> user.settings().admits(LoginMethod.PUBLIC_KEY_AND_PASSWORD)).isPresent();
    return isHalf ? new KeyResult.PasswordNeeded(key.orElseThrow()) : result;
  }

  private LoginResult judge(
      String name, Origin origin, Optional<? extends Credential> credential, LoginResult.Reason wrong) {
    ConfigView now = view.get();
    Optional<User> user = now.user(name);
    if (user.isEmpty()) {
      return new LoginResult.Refused(LoginResult.Reason.UNKNOWN_USER);
    }
    if (credential.isEmpty() || !isHeld(now, user.get(), credential.get())) {
      return new LoginResult.Refused(wrong);
    }
    Instant time = clock.instant();
    if (hasExpired(credential.get(), time)) {
      return new LoginResult.Refused(LoginResult.Reason.CERTIFICATE_NOT_VALID_NOW);
    }
    Optional<LoginResult.Reason> unusable = unusable(user.get(), origin, time);
    if (unusable.isPresent()) {
      return new LoginResult.Refused(unusable.get());
    }
    return suffices(user.get(), credential.get())
        ? new LoginResult.Granted(user.get(), credential.get(), now.access(user.get()), origin)
        : new LoginResult.Refused(LoginResult.Reason.METHOD);
  }

  private static boolean suffices(User user, Credential credential) {
    return switch (credential) {
      case Credential.Password _ -> user.settings().admits(LoginMethod.PASSWORD);
      case Credential.Key _ -> user.settings().admits(LoginMethod.PUBLIC_KEY);
      case Credential.KeyAndPassword both -> user.settings().admits(LoginMethod.PUBLIC_KEY_AND_PASSWORD)
          || suffices(user, both.key()) || suffices(user, both.password());
    };
  }

  /**
   * Says why a session must end under a configuration, or nothing if it may go on. A session has its files as they were
   * granted, so it ends when they or the permissions are others: what is taken away must not go on to be used.
   */
  public static Optional<String> revoked(ConfigView view, LoginResult.Granted granted, Instant now) {
    Credential credential = granted.credential();
    Origin origin = granted.origin();
    Optional<AccessRule> denial = view.config().accessRules().denial(origin.protocol(), origin.address());
    if (denial.isPresent()) {
      return Optional.of("connections from this address are no longer accepted");
    }
    Optional<User> user = view.user(granted.user().name());
    if (user.isEmpty()) {
      return Optional.of("the user was removed");
    }
    Optional<LoginResult.Reason> unusable = unusable(user.get(), origin, now);
    if (unusable.isPresent()) {
      return unusable.map(LoginResult.Reason::words);
    }
    if (hasExpired(credential, now)) {
      return Optional.of("the certificate has expired");
    }
    if (!suffices(user.get(), credential)) {
      return Optional.of(LoginResult.Reason.METHOD.words());
    }
    if (isHeld(view, user.get(), credential)) {
      return view.access(user.get()).equals(granted.access())
          ? Optional.empty() : Optional.of("the user's folders or permissions were changed");
    }
    return Optional.of(switch (credential) {
      case Credential.Password _ -> "the password was changed";
      case Credential.PublicKey _ -> "the public key was removed";
      case Credential.Certificate _ -> "the authority of the certificate was removed";
      case Credential.KeyAndPassword _ -> "the key or the password was changed";
    });
  }

  private static Optional<LoginResult.Reason> unusable(User user, Origin origin, Instant now) {
    if (!user.enabled()) {
      return Optional.of(LoginResult.Reason.DISABLED);
    }
    if (!user.isActive(now)) {
      return Optional.of(LoginResult.Reason.EXPIRED);
    }
    if (!user.settings().admits(origin.protocol())) {
      return Optional.of(LoginResult.Reason.PROTOCOL);
    }
    return user.settings().admits(origin.address()) ? Optional.empty() : Optional.of(LoginResult.Reason.ADDRESS);
  }

  private static boolean hasExpired(Credential credential, Instant now) {
    return credential.expiresAt().filter(end -> !now.isBefore(end)).isPresent();
  }

  private static boolean isHeld(ConfigView view, User user, Credential credential) {
    return switch (credential) {
      case Credential.Password password -> user.passwordHash().filter(password.hash()::equals).isPresent();
      case Credential.PublicKey key -> user.publicKeys().contains(key.line());
      case Credential.Certificate certificate -> view.listener(certificate.listener())
          .filter(listener -> listener.ssh().userCertificateAuthorities().contains(certificate.authority())).isPresent();
      case Credential.KeyAndPassword both -> isHeld(view, user, both.key()) && isHeld(view, user, both.password());
    };
  }

  private ParsedKeys keys(User user) {
    ParsedKeys cached = cache.get(user.name());
    if (cached == null || cached.keys() != user.publicKeys()) {
      cached = new ParsedKeys(user.publicKeys(), parse(user));
      if (cache.size() >= MAX_CACHED_USERS) {
        cache.clear();
      }
      cache.put(user.name(), cached);
    }
    return cached;
  }

  private static Map<ByteBuffer, String> parse(User user) {
    Map<ByteBuffer, String> lines = new HashMap<>();
    for (String line : user.publicKeys()) {
      PublicKeyLine.blob(line).ifPresent(blob -> lines.put(ByteBuffer.wrap(blob), line));
    }
    return lines;
  }
}
