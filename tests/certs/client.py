"""client.py ROOTS NAME:PORT…  says for each site, one a line, whether Python accepts it."""

import socket
import ssl
import sys

roots, *sites = sys.argv[1:]
context = ssl.create_default_context(cafile=roots)
for site in sites:
    name, _, port = site.rpartition(":")
    try:
        with (
            socket.create_connection(("127.0.0.1", int(port)), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=name) as tls,
        ):
            tls.sendall(b"GET /v1/models HTTP/1.1\r\nHost: site\r\n\r\n")
            verdict = "accepted" if tls.recv(7) == b"HTTP/1." else "no answer"
    except ssl.SSLError as error:
        verdict = f"refused {error}"
    sys.stdout.write(verdict + "\n")
