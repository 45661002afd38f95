// Asks a URL as a Java program does: HttpsURLConnection with key and trust managers. Part of mtls_lab; see java_client.py.

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URL;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

public class Get {
    public static void main(String[] words) throws Exception {
        Map<String, String> given = new HashMap<>();
        for (int place = 0; place + 1 < words.length; place += 2) given.put(words[place], words[place + 1]);
        System.err.println("# java " + System.getProperty("java.version"));
        SSLSocketFactory factory = null;
        try {
            factory = context(given).getSocketFactory();
        } catch (Exception error) {
            stop(error, 2);
        }
        String verifies = given.getOrDefault("--verifies", "chain and name");
        HttpsURLConnection connection = (HttpsURLConnection) new URL(words[words.length - 1]).openConnection();
        connection.setSSLSocketFactory(new Noting(factory));
        if (!verifies.equals("chain and name")) connection.setHostnameVerifier((name, session) -> true);
        int limit = (int) (1000 * Double.parseDouble(given.getOrDefault("--timeout", "5")));
        connection.setConnectTimeout(limit);
        connection.setReadTimeout(limit);
        connection.setInstanceFollowRedirects(false);
        try {
            int status = connection.getResponseCode();
            System.err.println("# status " + status);
            InputStream body = status < 400 ? connection.getInputStream() : connection.getErrorStream();
            if (body != null) body.transferTo(System.out);
            System.out.flush();
        } catch (IOException error) {
            stop(error, 1);
        }
    }

    private static SSLContext context(Map<String, String> given) throws Exception {
        KeyManager[] keys = null;
        if (given.containsKey("--p12")) {
            char[] password = given.get("--password").toCharArray();
            KeyStore own = KeyStore.getInstance("PKCS12");
            try (InputStream file = new FileInputStream(given.get("--p12"))) { own.load(file, password); }
            KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(own, password);
            keys = factory.getKeyManagers();
        }
        TrustManager[] trust = null;
        if (given.containsKey("--cacert")) {
            KeyStore anchors = KeyStore.getInstance("PKCS12");
            anchors.load(null, null);
            int number = 0;
            try (InputStream file = new FileInputStream(given.get("--cacert"))) {
                for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
                    anchors.setCertificateEntry("anchor" + number++, one);
                }
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(anchors);
            trust = factory.getTrustManagers();
        }
        if ("none".equals(given.get("--verifies"))) trust = new TrustManager[] {new Anybody()};
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, trust, null);
        return context;
    }

    private static void stop(Throwable error, int code) {
        // As the last lines of a stack trace have it.
        for (Throwable one = error; one != null; one = one.getCause()) {
            System.err.println((one == error ? "" : "Caused by: ") + one);
        }
        System.exit(code);
    }

    /** Does as the factory that it holds, and notes the port from which a connection is made. */
    private static class Noting extends SSLSocketFactory {
        private final SSLSocketFactory inner;

        Noting(SSLSocketFactory inner) { this.inner = inner; }

        private static Socket noted(Socket socket) {
            System.err.println("# from " + socket.getLocalAddress().getHostAddress() + ":" + socket.getLocalPort());
            return socket;
        }

        @Override public Socket createSocket(Socket under, String host, int port, boolean close) throws IOException {
            return inner.createSocket(noted(under), host, port, close);
        }

        /** Plain: HttpsURLConnection connects it, and then has TLS laid over it by the method above. */
        @Override public Socket createSocket() { return new Socket(); }

        @Override public Socket createSocket(String host, int port) throws IOException {
            return noted(inner.createSocket(host, port));
        }

        @Override public Socket createSocket(String host, int port, InetAddress own, int ownPort) throws IOException {
            return noted(inner.createSocket(host, port, own, ownPort));
        }

        @Override public Socket createSocket(InetAddress host, int port) throws IOException {
            return noted(inner.createSocket(host, port));
        }

        @Override public Socket createSocket(InetAddress host, int port, InetAddress own, int ownPort) throws IOException {
            return noted(inner.createSocket(host, port, own, ownPort));
        }

        @Override public String[] getDefaultCipherSuites() { return inner.getDefaultCipherSuites(); }

        @Override public String[] getSupportedCipherSuites() { return inner.getSupportedCipherSuites(); }
    }

    /** Verifies nothing: for the level `none`, whose danger is the lesson. */
    private static class Anybody extends X509ExtendedTrustManager {
        @Override public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override public void checkClientTrusted(X509Certificate[] chain, String type, javax.net.ssl.SSLEngine engine) {}

        @Override public void checkServerTrusted(X509Certificate[] chain, String type, javax.net.ssl.SSLEngine engine) {}

        @Override public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    }
}
