// java Handshake.java HOST PORT  ends with 0 if this JVM trusts who answers for HOST at 127.0.0.1:PORT.
import java.net.Socket;
import javax.net.ssl.*;

public class Handshake {
    public static void main(String[] arguments) throws Exception {
        String host = arguments[0];
        int port = Integer.parseInt(arguments[1]);
        SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
        try (SSLSocket tls = (SSLSocket) factory.createSocket(new Socket("127.0.0.1", port), host, port, true)) {
            SSLParameters parameters = tls.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            tls.setSSLParameters(parameters);
            tls.startHandshake();
        }
    }
}
