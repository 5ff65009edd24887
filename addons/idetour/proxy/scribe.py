"""What a person sees of a flow in mitmweb: its answer as it comes, a comment on how it went, and no key.

Streamed bodies are normally not kept by mitmproxy. We keep a capped copy, and
only as many flows as were asked for: an IDE's requests are large and never end.
"""

import re
from collections import OrderedDict
from functools import partial

from mitmproxy import ctx, http

from idetour.endpoints.entry import TICKET, Entry
from idetour.gateway.record import Record
from idetour.proxy.growing import Growing
from idetour.secret import Secret

BODY_LIMIT = 4 << 20  # bytes of an answer that are kept for display
CREDENTIAL = re.compile(
    r"key|token|secret|cookie|authori[sz]ation|credential|admin", re.IGNORECASE
)  # in a name
SCHEMES = ("bearer", "basic")
IN_QUERY = re.compile(r"(?<=[?&])([^=&]*(?:key|token|secret)[^=&]*)=[^&]*", re.IGNORECASE)
MOST_KEPT = 1000  # flows whose credentials are remembered for a replay
OURS = "idetour"  # in the metadata of our flows: `request`, or `attempt` of a traced one


class Scribe:
    """Keeps entries (door and record) and credentials of flows in memory; neither is ever in the flow itself."""

    def __init__(self) -> None:
        self.entries: OrderedDict[str, Entry] = OrderedDict()
        self._running: dict[str, http.HTTPFlow] = {}
        self._growing: dict[str, Growing] = {}

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
        flow.metadata[OURS] = "request"
        self._running[flow.id] = flow
        self.entries[flow.id] = entry
        self.entries.move_to_end(flow.id)
        while len(self.entries) > MOST_KEPT:
            oldest, _ = self.entries.popitem(last=False)
            self._running.pop(oldest, None)

    def asked(self, request_id: str) -> bytes | None:
        """The body of a request that is under way."""
        for id, flow in self._running.items():
            if (record := self.entries[id].record) and record.id == request_id:
                return flow.request.raw_content
        return None

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if flow.id not in self.entries or flow.response is None:
            return
        growing = None
        if kept_for_people():
            growing = Growing(flow, BODY_LIMIT, live=viewed(), prepare=self._comment)
            self._growing[flow.id] = growing
        flow.response.stream = partial(passed, growing)

    def response(self, flow: http.HTTPFlow) -> None:
        self._finish(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        self._finish(flow)

    def _finish(self, flow: http.HTTPFlow) -> None:
        self._running.pop(flow.id, None)
        if growing := self._growing.pop(flow.id, None):
            growing.end()
        if flow.response is not None and (cookie := flow.response.headers.get("set-cookie")):
            flow.response.headers["set-cookie"] = masked(cookie)  # the client has its own by now
        self._comment(flow)
        trim(ctx.options.idetour_keep_flows)

    def _comment(self, flow: http.HTTPFlow) -> None:
        entry = self.entries.get(flow.id)
        if entry and entry.record:
            flow.comment = comment(entry.record)


def passed(growing: Growing | None, data: bytes) -> bytes | list[bytes]:
    """Pass `data` on and keep a copy. `b""` would end the answer for the client, an empty list does not."""
    if growing is not None:
        growing.add(data)
    return data or []


def viewed() -> bool:
    """Whether flows are looked at in a window, now."""
    return ctx.master.addons.get("view") is not None


def kept_for_people() -> bool:
    """Whether somebody will look at the flows: now in a window, or later in a file."""
    options = ctx.options
    return viewed() or bool(options.save_stream_file or options.hardump)


def is_credential(name: str) -> bool:
    """Whether a header of this name may hold a secret. Too many are better than one too few."""
    return CREDENTIAL.search(name) is not None and name.lower() != TICKET


def masked(value: str) -> str:
    """A credential as it may be shown: its scheme, if it has one, and its last four characters."""
    scheme, space, key = value.partition(" ")
    shown = f"{scheme} {Secret(key)}" if space and scheme.lower() in SCHEMES else str(Secret(value))
    return shown.replace("…", "***")  # headers are ASCII


def comment(record: Record) -> str:
    """The flow's comment: target, attempts, tokens, time to first token, and the id that traced attempts name."""
    words = [
        f"→ {record.target or ('…' if record.outcome == 'running' else 'nobody')}",
        f"{len(record.tried)} attempt{'s' if len(record.tried) != 1 else ''}",
    ]
    words += [f"{each.target}: {each.ended}" for each in record.tried[:-1]]
    if record.usage:
        words.append(f"tokens {record.usage.prompt:,} in, {record.usage.completion:,} out")
    if record.first_token is not None:
        words.append(f"first token {record.first_token * 1000:,.0f} ms")
    if record.outcome not in ("ok", "running"):
        words.append(record.outcome)
    return " · ".join([*words, record.id])


def trim(most: int) -> None:
    """Drop the oldest finished flows from the view; marked and intercepted ones stay."""
    view = ctx.master.addons.get("view")
    if view is None or not most or (over := view.store_count() - most) <= 0:
        return
    old = [flow for flow in view._store.values() if not (flow.live or flow.marked or flow.intercepted)][:over]
    if old:
        view.remove(old)
