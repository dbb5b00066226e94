package io.flotilla.system;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * curl for HTTP, by a user with a password.
 *
 * @param options that every call gets
 */
record CurlHttp(String user, List<String> options) {
  static final String PASSWORD = "correct horse";
  private static final long PATIENCE_SECONDS = 600;

  /**
   * What a call came to.
   *
   * @param exit of curl
   */
  record Result(int exit, String output) {
    Result expectSuccess() {
      if (exit != 0) {
        throw new AssertionError("curl ended with status " + exit + ": " + output);
      }
      return this;
    }

    /** Of the last answer whose head is in the output; one may come before it that asks to go on. */
    String status() {
      return output.lines().filter(line -> line.startsWith("HTTP/")).reduce((_, last) -> last)
          .map(line -> line.split(" ")[1]).orElse("none");
    }

    /** A field of the heads in the output, by its name in small letters. */
    String field(String name) {
      return output.lines().filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":")).findFirst().orElseThrow(
          () -> new AssertionError("no " + name + " in " + output)).substring(name.length() + 1).strip();
    }
  }

  Process start(List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("curl", "-q", "-sS", "--max-time", Long.toString(PATIENCE_SECONDS - 10),
        "-u", user + ":" + PASSWORD));
    command.addAll(options);
    command.addAll(arguments);
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  Result call(String... arguments) throws IOException, InterruptedException {
    return finish(start(List.of(arguments)));
  }

  static Result finish(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes());
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("curl did not end:\n" + output);
    }
    return new Result(process.exitValue(), output);
  }
}
