import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** A client that comes anew until a node speaks to it: SSH's first line, FTP's greeting, an answer over HTTPS. It is patient for a second. */
record BenchProbe(String protocol, String host, int port) {
  static final String ADDRESS = "127.0.3.1";
  private static final int PATIENCE_MILLIS = 1000;
  private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(30);

  /** Infinity if it was not served at all. */
  double secondsUntilServed() throws InterruptedException {
    long begun = System.nanoTime();
    while (System.nanoTime() - begun < LONGEST_NANOS) {
      try (Socket socket = new Socket()) {
        socket.bind(new InetSocketAddress(ADDRESS, 0));
        socket.connect(new InetSocketAddress(host, port), PATIENCE_MILLIS);
        socket.setSoTimeout(PATIENCE_MILLIS);
        if (isServed(socket)) {
          return (System.nanoTime() - begun) / 1e9;
        }
      } catch (IOException | GeneralSecurityException notServed) {
        // Once more.
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return Double.POSITIVE_INFINITY;
  }

  private boolean isServed(Socket socket) throws IOException, GeneralSecurityException {
    return switch (protocol) {
      case "sftp" -> line(socket).startsWith("SSH-2.0-");
      case "ftp" -> line(socket).startsWith("220");
      case "https" -> {
        try (SSLSocket secured = (SSLSocket) trusting().getSocketFactory().createSocket(socket, host, port, true)) {
          secured.getOutputStream().write(("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n").getBytes(
              StandardCharsets.US_ASCII));
          yield line(secured).startsWith("HTTP/1.1 200");
        }
      }
      default -> throw new IllegalArgumentException(protocol);
    };
  }

  private static String line(Socket socket) throws IOException {
    String line = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1), 256).readLine();
    return line == null ? "" : line;
  }

  private static SSLContext trusting() throws GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new X509TrustManager() {
      @Override
      public void checkClientTrusted(X509Certificate[] chain, String type) {}

      @Override
      public void checkServerTrusted(X509Certificate[] chain, String type) {}

      @Override
      public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
      }
    }}, null);
    return context;
  }
}
