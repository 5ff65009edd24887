"""Other machines get through us to hosts that are not ours with an access key only, else we were a proxy for everybody.

The key is the password of the proxy's address, `http://idetour:KEY@192.168.0.3:8080`. Hosts that
we answer for need none here: the gateway asks for it.
"""

import base64

from mitmproxy import connection, ctx, http
from mitmproxy.proxy import server_hooks

from idetour.addresses import is_loopback
from idetour.endpoints.access import ours
from idetour.proxy.engine import Engine, plain
from idetour.secret import Secret

CREDENTIALS = "proxy-authorization"
WHY = "For other machines idetour is a proxy with an access key only: http://idetour:KEY@ADDRESS:PORT"


class Strangers:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: set[str] = set()  # ids of connections that have shown a key

    async def http_connect(self, flow: http.HTTPFlow) -> None:
        self._look(flow)
        if plain(flow.request.host) not in self._engine.hosts and not self._may_pass(flow.client_conn):
            headers = {"proxy-authenticate": 'Basic realm="idetour"', "content-type": "text/plain"}
            flow.response = http.Response.make(407, f"{WHY}\n", headers)

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        self._look(flow)

    async def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        gateway = await self._engine.open()
        if data.server.address != ("127.0.0.1", gateway.hop) and not self._may_pass(data.client):
            data.server.error = WHY

    def client_disconnected(self, client: connection.Client) -> None:
        self._known.discard(client.id)

    def _look(self, flow: http.HTTPFlow) -> None:
        """Take the key from another machine's request: nobody is to see it, here or where the request goes."""
        if self._may_pass(flow.client_conn) or self._engine.gateway is None:
            return
        key = password(flow.request.headers.pop(CREDENTIALS, ""))
        if key and ours(self._engine.gateway.watched.current, key):
            self._known.add(flow.client_conn.id)

    def _may_pass(self, client: connection.Client) -> bool:
        """Where mitmproxy was told to ask for a password (`proxyauth`), it has."""
        return is_loopback(client.peername[0]) or client.id in self._known or bool(ctx.options.proxyauth)


def password(said: str) -> Secret | None:
    """Of a `Proxy-Authorization` (RFC 7617)."""
    scheme, _, value = said.partition(" ")
    try:
        found = base64.b64decode(value, validate=True).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        return None
    word = found.partition(":")[2]
    return Secret(word) if word else None
