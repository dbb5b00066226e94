package io.flotilla.auth;

import io.flotilla.config.model.User;
import io.flotilla.config.view.UserAccess;

/** The answer to a login. Its reason is for logs and events; the client is told only that it failed. */
public sealed interface LoginResult extends KeyResult {
  /** @param access what the user's files were when the login was checked */
  record Granted(User user, Credential credential, UserAccess access, Origin origin) implements LoginResult {}

  record Refused(Reason reason) implements LoginResult {}

  /** Why a login is refused. */
  enum Reason {
    UNKNOWN_USER("there is no such user"),
    DISABLED("the user is disabled"),
    EXPIRED("the user has expired"),
    PROTOCOL("the user may not come by this protocol"),
    ADDRESS("the user may not come from this address"),
    TOO_MANY_SESSIONS("the user has as many sessions as they may"),
    METHOD("the user may not log in by this alone"),
    WRONG_PASSWORD("the password is wrong"),
    UNKNOWN_KEY("the public key is not the user's"),
    WEAK_KEY("the public key is too weak"),
    WRONG_SIGNATURE("the signature is wrong"),
    UNTRUSTED_CERTIFICATE("the certificate is not signed by an authority of the listener"),
    NO_USER_CERTIFICATE("the certificate is not one of a user"),
    WEAK_CERTIFICATE("a key or the signature of the certificate is too weak"),
    CERTIFICATE_NOT_VALID_NOW("the certificate has expired or is not valid yet"),
    CERTIFICATE_OF_OTHERS("the certificate does not name the user"),
    CERTIFICATE_RESTRICTED("the certificate has a critical option that is not met or not known here"),
    BUSY("too many logins at once");

    private final String words;

    Reason(String words) {
      this.words = words;
    }

    public String words() {
      return words;
    }
  }
}
