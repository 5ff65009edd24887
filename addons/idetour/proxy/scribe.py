"""What a person sees of a flow in mitmweb: its answer as it comes, a comment on how it went, and no key.

Streamed bodies are normally not kept by mitmproxy. We keep a capped copy, and
only as many flows as were asked for: an IDE's requests are large and never end.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import unquote

from mitmproxy import ctx, hooks, http

from idetour.endpoints.entry import TICKET, Entry
from idetour.endpoints.places import find, tidy
from idetour.endpoints.recorder import SHORTEST_KEY as SHORTEST_TYPED
from idetour.gateway.record import Record
from idetour.gateway.scrub import LEFT_OUT, in_pieces, unescaped
from idetour.proxy.growing import Growing
from idetour.secret import Secret

BODY_LIMIT = 4 << 20  # bytes of an answer that are kept for display
# In the name of a header, or of a part of a query.
CREDENTIAL = re.compile(
    r"key|token|secret|cookie|authori[sz]ation|credential|admin|passw|signature", re.IGNORECASE
)
SCHEMES = ("bearer", "basic")
IN_QUERY = re.compile(r"(?<=[?&])([^=&]+)=[^&]*")
SHORTEST_KEY = 8  # characters; less is found in any text
MOST_KEPT = 1000  # flows whose credentials are remembered for a replay
ENDS_SECONDS = 1.0  # the gateway learns within a quarter of it that a client has left
OURS = "idetour"  # in the metadata of our flows: `request`, or `attempt` of a traced one


class Scribe:
    """Keeps entries (door and record) and credentials of flows in memory; neither is ever in the flow itself.

    `keys` are the upstreams' own, which an answer may repeat.
    """

    def __init__(self) -> None:
        self.keys: Callable[[], Iterable[Secret]] = tuple
        self.entries: OrderedDict[str, Entry] = OrderedDict()
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
        request.path = masked_query(request.path)
        return taken

    def remember(self, flow: http.HTTPFlow, entry: Entry) -> None:
        flow.metadata[OURS] = "request"
        self.entries[flow.id] = entry
        self.entries.move_to_end(flow.id)
        while len(self.entries) > MOST_KEPT:
            self.entries.popitem(last=False)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if flow.id not in self.entries or flow.response is None:
            return
        growing = None
        if self._blanked(flow):
            pass  # nothing of the answer is kept either
        elif kept_for_people():
            growing = Growing(flow, BODY_LIMIT, live=viewed(), prepare=self._prepare)
            self._growing[flow.id] = growing
        flow.response.stream = partial(passed, growing)

    def response(self, flow: http.HTTPFlow) -> None:
        self._finish(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        """The client has gone, or the answer broke off. mitmproxy knows it before the gateway: how it ended comes later."""
        self._finish(flow)
        entry = self.entries.get(flow.id)
        if entry and entry.record and entry.record.outcome == "running":
            asyncio.get_running_loop().call_later(ENDS_SECONDS, self._amend, flow)

    def _amend(self, flow: http.HTTPFlow) -> None:
        self._comment(flow)
        ctx.master.addons.trigger(hooks.UpdateHook([flow]))

    def _blanked(self, flow: http.HTTPFlow) -> bool:
        """Whether it is its owner who asks: what they send and get may be a token. It has gone on, and is dropped here."""
        entry = self.entries.get(flow.id)
        owners = entry is not None and entry.host is None and is_owners(flow.request.path)
        if owners:
            flow.request.data.content = b""
        return owners

    def _finish(self, flow: http.HTTPFlow) -> None:
        self._blanked(flow)
        if growing := self._growing.pop(flow.id, None):
            growing.end()
            if flow.response is not None and in_pieces(flow.response.data.content or b"", self._known(flow)):
                flow.response.data.content = LEFT_OUT.encode()
        if flow.response is not None and (cookie := flow.response.headers.get("set-cookie")):
            flow.response.headers["set-cookie"] = masked(cookie)  # the client has its own by now
        self._comment(flow)
        trim(ctx.options.idetour_keep_flows)

    def _known(self, flow: http.HTTPFlow) -> list[Secret]:
        """The keys that the answer may repeat: the upstreams', and what the client presented."""
        entry = self.entries.get(flow.id)
        words = [value.rpartition(" ")[2] for value in (entry.credentials.values() if entry else ())]
        return [*self.keys(), *(Secret(word) for word in words if len(word) >= SHORTEST_TYPED)]

    def _prepare(self, flow: http.HTTPFlow) -> None:
        self._comment(flow)
        if flow.response is not None and flow.response.data.content:
            flow.response.data.content = covered(flow.response.data.content, self._known(flow))

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


def is_owners(path: str) -> bool:
    """Whether the gateway takes a path, as it was sent, for one of its owner's."""
    place = find(tidy(unquote(path.partition("?")[0])))
    return place is not None and place.who == "owner"


def covered(body: bytes, keys: Iterable[Secret]) -> bytes:
    """Without these: some upstreams repeat a key that they refuse."""
    known = [key.reveal() for key in keys if len(key.reveal()) >= SHORTEST_KEY]
    plain = unescaped(body)
    for key in known:
        if key.encode() in plain:
            body = plain = plain.replace(key.encode(), masked(key).encode())
    return body


def masked_query(path: str) -> str:
    """A path or URL without what its query holds of credentials, by their names."""

    def shown(found: re.Match[str]) -> str:
        return f"{found[1]}=***" if is_credential(unquote(found[1])) else found[0]

    return IN_QUERY.sub(shown, path)


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
