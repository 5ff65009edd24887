"""Each attempt at an upstream as a flow of its own: its true host, the body that was sent, the answer that came.

mitmproxy does not carry these exchanges, so the flows are made here and shown to
those of its addons alone that display or save flows. The others would act on them:
our door would take one to an intercepted host for a request of an IDE.
"""

import string
import time
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from mitmproxy import connection, ctx, flow, hooks, http
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpRequestHeadersHook, HttpResponseHook

from idetour.gateway.scrub import LEFT_OUT, in_pieces
from idetour.proxy.engine import Engine
from idetour.proxy.growing import Growing
from idetour.proxy.scribe import (
    BODY_LIMIT,
    OURS,
    covered,
    is_credential,
    masked,
    masked_query,
    trim,
    viewed,
)
from idetour.secret import Secret, in_url
from idetour.upstreams.transport import Outgoing

RECEIVERS = ("view", "dumper", "save", "savehar")
INFLATED = ("content-encoding", "content-length")  # of an answer; no longer true of what the transport gives
MOST_COUNTED = 1000  # requests whose attempts are counted
NOWHERE = ("127.0.0.1", 0)


class Trace:
    """Watches the gateway's transports while `idetour_trace` is set."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._attempts: dict[str, int] = {}  # by request

    def running(self) -> None:
        if gateway := self._engine.gateway:
            gateway.pipeline.transports.observe = self._begun if ctx.options.idetour_trace else None

    def configure(self, updated: set[str]) -> None:
        if "idetour_trace" in updated:
            self.running()

    def _begun(self, outgoing: Outgoing, cause: str) -> "Exchange":
        made = flow_of(outgoing)
        made.comment = self._comment(outgoing, cause)
        tell(HttpRequestHeadersHook(made))
        return Exchange(made, outgoing)

    def _comment(self, outgoing: Outgoing, cause: str) -> str:
        """Of which request it is an attempt, by the id that its flow's comment has, and what was changed in it."""
        count = self._attempts[cause] = self._attempts.pop(cause, 0) + 1
        if len(self._attempts) > MOST_COUNTED:
            self._attempts.pop(next(iter(self._attempts)))
        return " · ".join([f"attempt {count} of {cause}", *outgoing.changed])


class Exchange:
    """One attempt, as its flow."""

    def __init__(self, made: http.HTTPFlow, outgoing: Outgoing) -> None:
        self._flow = made
        self._keys = [*keys(outgoing.headers), *in_url(outgoing.proxy or "")]
        self._body = Growing(made, BODY_LIMIT, live=viewed(), prepare=self._cover)

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        shown = {name: self._covered(masked_answer(name, value)) for name, value in headers.items()}
        self._flow.response = http.Response.make(status, b"", shown)
        for name in INFLATED:
            self._flow.response.headers.pop(name, None)
        self._flow.response.timestamp_start = time.time()

    def got(self, data: bytes) -> None:
        self._body.add(data)

    def ended(self, problem: str = "") -> None:
        self._body.end()
        if self._flow.response is not None:
            if in_pieces(self._flow.response.data.content or b"", self._keys):
                self._flow.response.data.content = LEFT_OUT.encode()
            self._flow.response.timestamp_end = time.time()
        if problem:
            self._flow.error = flow.Error(self._covered(problem))
        tell(HttpErrorHook(self._flow) if problem else HttpResponseHook(self._flow))
        trim(ctx.options.idetour_keep_flows)

    def _covered(self, text: str) -> str:
        return covered(text.encode("utf-8", "surrogateescape"), self._keys).decode("utf-8", "surrogateescape")

    def _cover(self, made: http.HTTPFlow) -> None:
        if made.response is not None and (body := made.response.data.content):
            made.response.data.content = covered(body, self._keys)


def flow_of(outgoing: Outgoing) -> http.HTTPFlow:
    """The request as it goes, but for credentials; the scripted demo gets a host to show."""
    shown = [
        (name.encode(), (masked(value) if is_credential(name) else value).encode())
        for name, value in outgoing.headers.items()
    ]
    url = masked_query(ascii_url(outgoing.url.replace("demo:", "http://demo", 1)))
    request = http.Request.make(outgoing.method, url, (outgoing.body or b"")[:BODY_LIMIT], shown)
    request.timestamp_start = request.timestamp_end = time.time()
    client = connection.Client(peername=NOWHERE, sockname=NOWHERE, timestamp_start=request.timestamp_start)
    server = connection.Server(address=(request.host, request.port))
    made = http.HTTPFlow(client, server)
    made.request = request
    made.metadata[OURS] = "attempt"
    return made


def ascii_url(url: str) -> str:
    """As it goes over the wire; mitmproxy takes no other."""
    if url.isascii():
        return url
    host = urlsplit(url).hostname or ""
    return quote(url.replace(host, host.encode("idna").decode(), 1), safe=string.printable)


def keys(headers: Mapping[str, str]) -> set[Secret]:
    """The credentials in them, without their schemes."""
    return {Secret(value.rpartition(" ")[2]) for name, value in headers.items() if is_credential(name)}


def masked_answer(name: str, value: str) -> str:
    """A header of an answer. How many tokens a rate limit leaves is no secret."""
    return masked(value) if is_credential(name) and "ratelimit" not in name.replace("-", "") else value


def tell(hook: hooks.Hook) -> None:
    addons = ctx.master.addons
    for name in RECEIVERS:
        if (addon := addons.get(name)) is not None:
            addons.invoke_addon_sync(addon, hook)
