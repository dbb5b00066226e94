package io.flotilla.ftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.flotilla.ftp.FtpCommand.Listing.Format;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FtpParserTest {
  private static FtpCommand parse(String line) {
    return FtpParser.parse(line.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void verbs_areReadInAnyCase_andArgumentsAsTheyAre() {
    assertEquals(new FtpCommand.User("ann"), parse("user ann"));
    assertEquals(new FtpCommand.Retrieve("  a b "), parse("RETR   a b "));
    assertEquals(new FtpCommand.MakeDirectory("\u00e4"), parse("XMKD \u00e4"));
    assertEquals(new FtpCommand.ChangeDirectory("/"), parse("CWD"));
    assertEquals(new FtpCommand.Store("-x"), parse("STOR -x"));
    assertEquals(new FtpCommand.Restart(5_000_000_000L), parse("REST 5000000000"));
    assertEquals(new FtpCommand.Type(true), parse("TYPE A N"));
    assertEquals(new FtpCommand.Type(false), parse("TYPE L 8"));
    assertEquals(new FtpCommand.Option("UTF8", "ON"), parse("OPTS utf8 ON"));
  }

  @Test
  void names_thatAreNotUtf8_keepTheirBytes() {
    assertEquals(new FtpCommand.Delete("\udcff\udce4"),
        FtpParser.parse("DELE \u00ff\u00e4".getBytes(StandardCharsets.ISO_8859_1)));
  }

  @Test
  void password_isUtf8OrElseLatin1_andNeverShown() {
    assertEquals(new FtpCommand.Password("\u00e4 "), parse("PASS \u00e4 "));
    assertEquals(new FtpCommand.Password("\u00e4"), FtpParser.parse("PASS \u00e4".getBytes(StandardCharsets.ISO_8859_1)));
    assertEquals(new FtpCommand.Password(""), parse("PASS"));
    assertFalse(parse("PASS hidden").toString().contains("hidden"));
  }

  @Test
  void listings_takeTheOptionsOfLs() {
    assertEquals(new FtpCommand.Listing(Format.LONG, Optional.empty()), parse("LIST"));
    assertEquals(new FtpCommand.Listing(Format.LONG, Optional.empty()), parse("LIST -la"));
    assertEquals(new FtpCommand.Listing(Format.LONG, Optional.of("a b")), parse("LIST -a -l a b"));
    assertEquals(new FtpCommand.Listing(Format.NAMES, Optional.of("./-l")), parse("NLST ./-l"));
    assertEquals(new FtpCommand.Listing(Format.MACHINE, Optional.of("-l")), parse("MLSD -l"));
  }

  @Test
  void ports_areLiteralAddressesOnly() {
    assertEquals(new FtpCommand.Port(new InetSocketAddress("127.0.0.1", 2000)), parse("PORT 127,0,0,1,7,208"));
    assertEquals(new FtpCommand.Port(new InetSocketAddress("::1", 2000)), parse("EPRT |2|::1|2000|"));
    assertEquals(new FtpCommand.Port(new InetSocketAddress("10.0.0.1", 80)), parse("EPRT !1!10.0.0.1!80!"));
    assertInstanceOf(FtpCommand.UnknownFamily.class, parse("EPRT |3|::1|2000|"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"PORT 1,2,3,4,5", "PORT 256,0,0,1,7,7", "PORT 127,0,0,1,0,0", "EPRT |1|localhost|2000|",
      "EPRT |2|127.0.0.1|2000|", "EPRT |1|1.2.3.999|2000|", "EPRT |2|:::|2000|", "EPRT |1|127.0.0.1|70000|",
      "EPRT |1|127.0.0.1|2000", "EPRT  ", "EPRT |", "REST -1", "REST 9999999999999999999", "REST x", "MFMT 2026 a",
      "MFMT 20261301000000 a", "SITE CHMOD 999 a", "SITE CHMOD 644", "SITE UTIME x", "RANG 1", "RETR", "USER", "USER "})
  void arguments_thatMakeNoSense_areRefused(String line) {
    assertInstanceOf(FtpCommand.BadArgument.class, parse(line));
  }

  @Test
  void times_andModes() {
    Instant time = Instant.parse("2026-11-26T10:20:30Z");
    assertEquals(new FtpCommand.SetModificationTime(time, "a b"), parse("MFMT 20261126102030 a b"));
    assertEquals(new FtpCommand.SetModificationTime(time.plusMillis(125), "a"), parse("MFMT 20261126102030.125 a"));
    assertEquals(new FtpCommand.SetModificationTime(time, "a"), parse("SITE UTIME 20261126102030 a"));
    assertEquals(new FtpCommand.SetModificationTime(time.minusSeconds(30), "a"), parse("SITE UTIME 202611261020 a"));
    assertEquals(new FtpCommand.SetModificationTime(time, "a b"),
        parse("SITE UTIME a b 20250101000000 20261126102030 20250101000000 UTC"));
    assertEquals(new FtpCommand.ChangeMode(0644, "a b"), parse("site chmod 0644 a b"));
  }

  @Test
  void checksums_haveQuotesAndRanges() {
    assertEquals(new FtpCommand.Checksum(HashAlgorithm.CRC32, "a b", 0, -1), parse("XCRC a b"));
    assertEquals(new FtpCommand.Checksum(HashAlgorithm.CRC32, "a 1 2", 0, -1), parse("XCRC \"a 1 2\""));
    assertEquals(new FtpCommand.Checksum(HashAlgorithm.MD5, "a\"b", 3, 10), parse("XMD5 \"a\"\"b\" 3 10"));
    assertEquals(new FtpCommand.Checksum(HashAlgorithm.SHA_1, "a", 3, 10), parse("XSHA1 a 3 10"));
    assertEquals(new FtpCommand.Range(0, 9), parse("RANG 0 9"));
  }

  @Test
  void anyLine_isSomeCommand() {
    Random random = new Random(9);
    String[] verbs = {"USER", "LIST", "EPRT", "PORT", "SITE", "SITE UTIME", "XCRC", "MFMT", "OPTS", "MODE", "PROT", "REST", "STAT", ""};
    for (int i = 0; i < 20_000; i++) {
      byte[] junk = new byte[random.nextInt(40)];
      random.nextBytes(junk);
      byte[] line = (verbs[random.nextInt(verbs.length)] + " ").getBytes(StandardCharsets.US_ASCII);
      byte[] whole = java.util.Arrays.copyOf(line, line.length + junk.length);
      System.arraycopy(junk, 0, whole, line.length, junk.length);
      assertNotNull(FtpParser.parse(whole));
    }
  }
}
