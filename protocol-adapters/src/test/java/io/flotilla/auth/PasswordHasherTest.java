package io.flotilla.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PasswordHasherTest {
  private final PasswordHasher hasher = new PasswordHasher(1, 3);

  @AfterEach
  void close() {
    hasher.close();
  }

  @Test
  void hash_verifies_andIsSalted() throws Exception {
    String phc = get(hasher.hash("pässword\0x"));
    assertTrue(phc.startsWith("$argon2id$v=19$m=19456,t=2,p=1$"), phc);
    assertNotEquals(phc, get(hasher.hash("pässword\0x")));
    assertTrue(get(hasher.verify("pässword\0x", Optional.of(phc))));
    assertFalse(get(hasher.verify("pässword", Optional.of(phc))), "nothing is cut at a NUL");
    assertFalse(get(hasher.verify("pässword\0x", Optional.empty())));
  }

  /** Made by the reference implementation: {@code echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1}. */
  @Test
  void verify_aHashOfTheReferenceImplementation_works() throws Exception {
    String phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    assertTrue(get(hasher.verify("password", Optional.of(phc))));
    assertFalse(get(hasher.verify("Password", Optional.of(phc))));
  }

  @Test
  void verify_hostileParameters_areNotEvenTried() throws Exception {
    String tail = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    for (String parameters : new String[] {"m=9999999,t=2,p=1", "m=65536,t=9999,p=1", "m=65536,t=2,p=255",
        "m=4,t=1,p=1", "m=65536,t=0,p=1", "m=-1,t=1,p=1"}) {
      String phc = "$argon2id$v=19$" + parameters + tail;
      assertFalse(PasswordHasher.isAcceptable(phc), phc);
      assertFalse(get(hasher.verify("password", Optional.of(phc))));
    }
    assertFalse(PasswordHasher.isAcceptable("$argon2i$v=19$m=65536,t=2,p=1" + tail));
    assertFalse(PasswordHasher.isAcceptable("plain"));
  }

  @Test
  void longPasswords_areRefused() throws Exception {
    assertThrows(ExecutionException.class, () -> get(hasher.hash("x".repeat(1025))));
    assertThrows(ExecutionException.class, () -> get(hasher.hash("")));
    assertFalse(get(hasher.verify("é".repeat(513), Optional.of(get(hasher.hash("a"))))));
  }

  @Test
  void tooMany_failAtOnce() {
    List<CompletableFuture<Boolean>> all = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      all.add(hasher.verify("x", Optional.empty()));
    }
    long busy = all.stream().filter(PasswordHasherTest::isBusy).count();
    assertTrue(busy >= 40, busy + " were told to come back");
    assertEquals(0, all.stream().filter(f -> !isBusy(f)).filter(CompletableFuture::join).count());
  }

  private static boolean isBusy(CompletableFuture<Boolean> future) {
    try {
      return future.isCompletedExceptionally() && future.join();
    } catch (CompletionException e) {
      return e.getCause() instanceof PasswordHasher.HasherBusyException;
    }
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(60, TimeUnit.SECONDS);
  }
}
