package io.flotilla.http.uploads;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.flotilla.http.RefusedException;
import io.flotilla.vfs.VfsException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class LeaseTest {
  private static final Duration TIME = Duration.ofHours(1);

  private final MemoryLeases leases = new MemoryLeases();

  private Lease lease(long asked) {
    long number = ((Leases.Answer.Granted) leases.acquire("upload/x", "me", TIME)).number();
    return new Lease(leases, "upload/x", number, TIME, asked);
  }

  @Test
  void aLeaseThatIsUsed_isRenewed_andNoOther() throws VfsException {
    Lease lease = lease(System.nanoTime());
    lease.renew();
    assertEquals(0, leases.renewals());
    lease.check();
    lease.renew();
    lease.renew();
    assertEquals(1, leases.renewals());
    lease.work();
    lease.renew();
    lease.renew();
    assertEquals(3, leases.renewals());
    lease.close();
    assertEquals(0, leases.heldNow());
  }

  @Test
  void itsTime_isFromWhenItWasAskedFor() {
    assertThrows(VfsException.class, lease(System.nanoTime() - TIME.toNanos())::check);
  }

  @Test
  void renewing_givesItAnotherTime_orTellsThatItIsLost() throws VfsException {
    Lease late = lease(System.nanoTime() - TIME.minusSeconds(5).toNanos());
    late.check();
    late.renew();
    leases.runOut();
    assertDoesNotThrow(late::check);
    late.renew();
    assertThrows(VfsException.class, late::check);
  }

  @Test
  void whileNobodyCanSay_itHoldsToItsEnd_andIsTriedAgain() throws VfsException {
    Lease lease = lease(System.nanoTime());
    leases.unavailable(true);
    lease.check();
    lease.renew();
    lease.renew();
    assertEquals(2, leases.renewals());
    assertDoesNotThrow(lease::check);
  }

  @Test
  void eachRequest_hasANumberOfItsOwn() throws VfsException {
    try (ActiveLeases active = new ActiveLeases(leases, "node", TIME)) {
      Lease first = active.acquire("x");
      assertThrows(RefusedException.class, () -> active.acquire("x"));
      first.close();
      Lease second = active.takeOver("x");
      assertEquals(first.number() + 1, second.number());
      second.close();
    }
  }
}
