package io.flotilla.journal.raft;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** Finds out whether an address speaks TLS at all, which ends before anything is said under it. */
final class TlsProbe {
    private TlsProbe() {}

    /** What was found. */
    enum Finding {
        TLS,
        /** It closed the connection, or speaks otherwise. */
        NO_TLS,
        /** Nothing was said in time, as a busy process may do. */
        NO_ANSWER
    }

    /** Whether a certificate is shown there; blocks for twice the timeout at the most. */
    static Finding find(String host, int port, Duration timeout) {
        AtomicBoolean shown = new AtomicBoolean();
        try (Socket socket = new Socket()) {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {new Noticing(shown)}, null);
            socket.connect(new InetSocketAddress(host, port), Math.toIntExact(timeout.toMillis()));
            socket.setSoTimeout(Math.toIntExact(timeout.toMillis()));
            ((SSLSocket) context.getSocketFactory().createSocket(socket, host, port, true)).startHandshake();
        } catch (SocketTimeoutException e) {
            return shown.get() ? Finding.TLS : Finding.NO_ANSWER;
        } catch (IOException | GeneralSecurityException e) {
            return shown.get() ? Finding.TLS : Finding.NO_TLS;
        }
        return shown.get() ? Finding.TLS : Finding.NO_TLS;
    }

    private static final class Noticing extends X509ExtendedTrustManager {
        private final AtomicBoolean shown;

        Noticing(AtomicBoolean shown) {
            this.shown = shown;
        }

        private void refuse() throws CertificateException {
            shown.set(true);
            throw new CertificateException("it was only asked whether there is one");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
            refuse();
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
            refuse();
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
            refuse();
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
            refuse();
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
            refuse();
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            refuse();
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
