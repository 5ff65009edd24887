"""What a person sees of a flow in mitmweb: its answer, a comment on how it went, and no key.

Streamed bodies are normally not kept by mitmproxy. We keep a capped copy, and
only as many flows as were asked for: an IDE's requests are large and never end.
"""

import logging
import re
from collections import OrderedDict

from mitmproxy import ctx, http

from idetour.endpoints.entry import TICKET, Entry
from idetour.gateway.record import Record
from idetour.secret import Secret

log = logging.getLogger("idetour")

BODY_LIMIT = 4 << 20  # bytes of an answer that are kept for display
CREDENTIAL = re.compile(
    r"key|token|secret|cookie|authori[sz]ation|credential|admin", re.IGNORECASE
)  # in a name
SCHEMES = ("bearer", "basic")
IN_QUERY = re.compile(r"(?<=[?&])([^=&]*(?:key|token|secret)[^=&]*)=[^&]*", re.IGNORECASE)
MOST_KEPT = 1000  # flows whose credentials are remembered for a replay


class Scribe:
    """Keeps entries (door and record) and credentials of flows in memory; neither is ever in the flow itself."""

    def __init__(self) -> None:
        self.entries: OrderedDict[str, Entry] = OrderedDict()
        self._bodies: dict[str, bytearray] = {}

    def take_credentials(self, flow: http.HTTPFlow, host: str | None) -> Entry:
        """Move the credentials out of the flow. On a replay, those of the first time are returned."""
        known = self.entries.get(flow.id)
        if flow.is_replay and known:
            return known
        request = flow.request
        names = [name.lower() for name in request.headers if is_credential(name)]
        taken = Entry(
            host=host, credentials={name: request.headers[name] for name in names}, path=request.path
        )
        for name, value in taken.credentials.items():
            request.headers[name] = masked(value)
        request.path = IN_QUERY.sub(r"\1=***", request.path)
        return taken

    def remember(self, flow: http.HTTPFlow, entry: Entry) -> None:
        self.entries[flow.id] = entry
        self.entries.move_to_end(flow.id)
        while len(self.entries) > MOST_KEPT:
            self.entries.popitem(last=False)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if flow.id in self.entries and flow.response is not None:
            keep = kept_for_people()
            body = self._bodies[flow.id] = bytearray()
            flow.response.stream = lambda data: capture(body, data) if keep else (data or [])

    def response(self, flow: http.HTTPFlow) -> None:
        self._finish(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        self._finish(flow)

    def _finish(self, flow: http.HTTPFlow) -> None:
        body = self._bodies.pop(flow.id, None)
        if flow.response is not None and flow.response.data.content is None and body:
            flow.response.data.content = bytes(body)
        entry = self.entries.get(flow.id)
        if entry and entry.record:
            flow.comment = comment(entry.record)
        trim(ctx.options.idetour_keep_flows)


def capture(body: bytearray, data: bytes) -> bytes | list[bytes]:
    """Pass `data` on and keep a copy. `b""` would end the answer for the client, an empty list does not."""
    if len(body) < BODY_LIMIT:
        body += data
    return data or []


def kept_for_people() -> bool:
    """Whether somebody will look at the flows: now in a window, or later in a file."""
    options = ctx.options
    return ctx.master.addons.get("view") is not None or bool(options.save_stream_file or options.hardump)


def is_credential(name: str) -> bool:
    """Whether a header of this name may hold a secret. Too many are better than one too few."""
    return CREDENTIAL.search(name) is not None and name.lower() != TICKET


def masked(value: str) -> str:
    """A credential as it may be shown: its scheme, if it has one, and its last four characters."""
    scheme, space, key = value.partition(" ")
    shown = f"{scheme} {Secret(key)}" if space and scheme.lower() in SCHEMES else str(Secret(value))
    return shown.replace("…", "***")  # headers are ASCII


def comment(record: Record) -> str:
    """The flow's comment: target, attempts, tokens, time to first token."""
    words = [
        f"→ {record.target or 'nobody'}",
        f"{len(record.tried)} attempt{'s' if len(record.tried) != 1 else ''}",
    ]
    words += [f"{each.target}: {each.ended}" for each in record.tried[:-1]]
    if record.usage:
        words.append(f"tokens {record.usage.prompt:,} in, {record.usage.completion:,} out")
    if record.first_token is not None:
        words.append(f"first token {record.first_token * 1000:,.0f} ms")
    if record.outcome not in ("ok", "running"):
        words.append(record.outcome)
    return " · ".join(words)


def trim(most: int) -> None:
    """Drop the oldest finished flows from the view; marked and intercepted ones stay."""
    view = ctx.master.addons.get("view")
    if view is None or not most or (over := view.store_count() - most) <= 0:
        return
    old = [flow for flow in view._store.values() if not (flow.live or flow.marked or flow.intercepted)][:over]
    if old:
        view.remove(old)
