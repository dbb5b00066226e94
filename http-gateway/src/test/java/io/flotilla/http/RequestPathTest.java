package io.flotilla.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestPathTest {
  @ParameterizedTest
  @CsvSource({"/a/b?c=/d, /a/b", "http://host/a%2Fb?c, /a%2Fb", "HTTPS://host:1/, /", "http://host, /", "*, *", "/?, /", "//host/a, //host/a"})
  void ofTarget_isThePathAsItWasSent(String target, String path) {
    assertEquals(path, RequestPath.ofTarget(target));
  }

  @Test
  void isBeneath_endsAtASlash() {
    assertTrue(RequestPath.isBeneath("/files", "/files"));
    assertTrue(RequestPath.isBeneath("/files", "/files/a"));
    assertFalse(RequestPath.isBeneath("/files", "/files2"));
  }
}
