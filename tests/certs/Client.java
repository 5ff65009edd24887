// java Client.java ROOTS NAME:PORT…  says for each site, one a line, whether Java accepts it.
import java.io.FileInputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

public class Client {
    public static void main(String[] arguments) throws Exception {
        SSLSocketFactory factory = trusting(arguments[0]);
        for (int i = 1; i < arguments.length; i++) {
            String[] site = arguments[i].split(":");
            System.out.println(verdict(factory, site[0], Integer.parseInt(site[1])));
        }
    }

    static SSLSocketFactory trusting(String roots) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        for (var root : CertificateFactory.getInstance("X.509").generateCertificates(new FileInputStream(roots)))
            store.setCertificateEntry("root " + store.size(), root);
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context.getSocketFactory();
    }

    static String verdict(SSLSocketFactory factory, String name, int port) throws Exception {
        Socket plain = new Socket("127.0.0.1", port);
        try (SSLSocket tls = (SSLSocket) factory.createSocket(plain, name, port, true)) {
            SSLParameters parameters = tls.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            tls.setSSLParameters(parameters);
            tls.startHandshake();
            return "accepted";
        } catch (SSLException error) {
            return "refused " + error.getMessage();
        }
    }
}
