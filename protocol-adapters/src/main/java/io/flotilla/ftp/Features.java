package io.flotilla.ftp;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** What the server says of itself: the lines of FEAT (RFC 2389) and of HELP. */
final class Features {
  static final List<String> COMMANDS = List.of(
      "ABOR ACCT ALLO APPE CDUP CLNT CWD DELE EPRT EPSV FEAT HASH HELP LIST",
      "MDTM MFMT MKD MLSD MLST MODE NLST NOOP OPTS PASS PASV PORT PWD QUIT",
      "RANG REIN REST RETR RMD RNFR RNTO SITE SIZE STAT STOR STOU STRU SYST",
      "TYPE USER XCRC XCUP XCWD XMD5 XMKD XPWD XRMD XSHA1 XSHA256 XSHA512");

  private Features() {}

  /**
   * @param isTlsOffered whether AUTH TLS can be said
   * @param hash the algorithm that HASH uses now
   * @param facts those that MLST tells now
   */
  static List<String> lines(boolean isTlsOffered, HashAlgorithm hash, MachineFacts facts) {
    String algorithms = Arrays.stream(HashAlgorithm.values())
        .map(algorithm -> algorithm.word() + (algorithm == hash ? "*" : "")).collect(Collectors.joining(";"));
    List<String> lines = new ArrayList<>(isTlsOffered ? List.of("AUTH TLS", "PBSZ", "PROT") : List.of());
    lines.addAll(List.of("CLNT", "EPRT", "EPSV", "HASH " + algorithms, "MDTM", "MFMT", "MLST " + facts.feature(), "MODE Z", "PASV",
        "REST STREAM", "SITE CHMOD;HELP;UTIME", "SIZE", "TVFS", "UTF8", "XCRC filename;start;end", "XMD5 filename;start;end",
        "XSHA1 filename;start;end", "XSHA256 filename;start;end", "XSHA512 filename;start;end"));
    return lines;
  }
}
