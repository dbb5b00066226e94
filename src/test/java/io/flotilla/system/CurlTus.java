package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Resumable uploads by curl, which speaks tus 1.0 only as far as it is told what to send. */
record CurlTus(CurlHttp curl) {
  private static final String VERSION = "Tus-Resumable: 1.0.0";

  /**
   * @param at scheme, host and port
   * @return the upload's path
   */
  String create(String at, String path, long length) throws IOException, InterruptedException {
    CurlHttp.Result created = curl.call("-i", "-X", "POST", "-H", VERSION, "-H", "Upload-Length: " + length, "-H",
        "Upload-Metadata: path " + Base64.getEncoder().encodeToString(path.getBytes(StandardCharsets.UTF_8)), at + "/uploads");
    assertEquals("201", created.status(), created.output());
    return created.field("location");
  }

  /** @param body from the offset on */
  Process patch(String at, String upload, long offset, Path body, String... more) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("-i", "-X", "PATCH", "-T", body.toString(), "-H", VERSION,
        "-H", "Content-Type: application/offset+octet-stream", "-H", "Upload-Offset: " + offset));
    arguments.addAll(List.of(more));
    arguments.add(at + upload);
    return curl.start(arguments);
  }

  CurlHttp.Result head(String at, String upload) throws IOException, InterruptedException {
    return curl.call("-I", "-H", VERSION, at + upload);
  }

  long offset(String at, String upload) throws IOException, InterruptedException {
    CurlHttp.Result head = head(at, upload);
    assertEquals("200", head.status(), head.output());
    return Long.parseLong(head.field("upload-offset"));
  }
}
