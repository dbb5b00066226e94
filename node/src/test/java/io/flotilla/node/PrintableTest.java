package io.flotilla.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PrintableTest {
  @Test
  void whatCouldForgeALine_isEscaped() {
    assertEquals("bob\\u000a2026-11-24 login of admin", Printable.of("bob\n2026-11-24 login of admin"));
    assertEquals("\\u001b[31m\\u202etxt\\u2028\\\\", Printable.of("\u001b[31m\u202etxt\u2028\\"));
    assertEquals("Jürgen 文件", Printable.of("Jürgen 文件"));
  }

  @Test
  void longText_isCut() {
    assertTrue(Printable.of("x".repeat(1_000_000)).length() < 600);
  }
}
