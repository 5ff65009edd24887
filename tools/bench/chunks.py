"""What an event of a stream costs inside the gateway, for each pair of protocols.

CPU from the upstream's bytes to the client's, with no network in between. Once with
one event a read, as events come when a model is slow, and once with 64.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from idetour.gateway.listener import Attentive, Listener
from idetour.gateway.replay import Replay
from idetour.profile import Target, Upstream
from idetour.routes.plan import Candidate
from idetour.wire import anthropic_stream, ollama_answer, raw, responses_up_stream
from idetour.wire.messages_stream import MessageStream
from idetour.wire.responses_object import Frame
from idetour.wire.responses_stream import Teller
from idetour.wire.responses_tools import Toolbox

from .figures import table

EVENTS, TIMES = 4096, 9
READS = (1, 64)  # events that come with one
CLIENTS = ("chat", "messages", "responses")
WHERE = Candidate(target=Target("up", "m"), upstream=Upstream(name="up", title="Up", url="https://up.test"))

type Step = Callable[[bytes], bytes]
type Event = tuple[str, dict[str, object]]  # its name in SSE, if it has one, and its data


def events_table() -> str:
    """Rows are what the upstream speaks, columns what the client does, µs an event."""
    heads = [f"{name}, {each} a read" for name in CLIENTS for each in READS]
    rows = [["µs an event", *heads]]
    for upstream in UPSTREAMS:
        figures = [f"{cost(upstream, client, each):.1f}" for client in CLIENTS for each in READS]
        rows.append([upstream, *figures])
    return table(rows)


def cost(upstream: str, client: str, events: int) -> float:
    """Median of CPU, in µs an event."""
    first, told = UPSTREAMS[upstream]
    pieces = [*map(told, range(EVENTS))]
    reads = [b"".join(pieces[start : start + events]) for start in range(0, EVENTS, events)]
    taken = []
    for _ in range(TIMES):
        steps = way(upstream, client)
        through(steps, first)
        began = time.process_time()
        for data in reads:
            through(steps, data)
        taken.append((time.process_time() - began) / EVENTS)
    return median(taken) * 1e6


def through(steps: Iterable[Step], data: bytes) -> None:
    for step in steps:
        data = step(data)


def way(upstream: str, client: str) -> Sequence[Step]:
    """What an event passes, as the gateway puts it together. Where both speak the same, it goes along as it is."""
    relay = Attentive(model="asked", include_usage=True, id="chatcmpl-1", created=1)
    relay.listener = Listener(Replay(), WHERE)
    steps: list[Step] = [relay.feed]
    if upstream == "anthropic":
        steps.insert(0, anthropic_stream.ChatStream(carry=client == "messages").feed)
    elif upstream == "responses":
        steps.insert(0, responses_up_stream.ChatStream(carry=client == "responses").feed)
    elif upstream == "ollama":
        steps.insert(0, ollama_answer.ChatStream().feed)
    if client == "messages":
        steps.append(MessageStream(model="asked", id="msg_1").feed)
    elif client == "responses":
        fields = {"model": raw.of("asked"), "previous_response_id": raw.NULL, "store": raw.of(True)}
        steps.append(Teller(Frame("resp_1", fields), Toolbox()).feed)
    return steps


def sse(*events: Event) -> bytes:
    return b"".join(
        (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"
        for name, data in events
    )


def chat(number: int) -> bytes:
    choice = {"index": 0, "delta": {"content": f" word {number}"}, "logprobs": None, "finish_reason": None}
    about = {"id": "chatcmpl-9", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m"}
    return sse(("", {**about, "system_fingerprint": "fp", "choices": [choice]}))


def anthropic(number: int) -> bytes:
    delta = {"type": "text_delta", "text": f" word {number}"}
    return sse(("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}))


def responses(number: int) -> bytes:
    kind, place = "response.output_text.delta", {"item_id": "msg_9", "output_index": 0, "content_index": 0}
    said = {"delta": f" word {number}", "logprobs": []}
    return sse((kind, {"type": kind, "sequence_number": number, **place, **said}))


def ollama(number: int) -> bytes:
    said = {"role": "assistant", "content": f" word {number}"}
    line = {"model": "m", "created_at": "2026-11-20T05:00:00Z", "message": said, "done": False}
    return json.dumps(line).encode() + b"\n"


def named(kind: str, **more: object) -> Event:
    return kind, {"type": kind, **more}


# What comes first, and the event that comes again and again.
UPSTREAMS: dict[str, tuple[bytes, Callable[[int], bytes]]] = {
    "chat": (chat(0), chat),
    "anthropic": (
        sse(
            named("message_start", message={"id": "msg_9", "model": "m", "usage": {"input_tokens": 9}}),
            named("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        ),
        anthropic,
    ),
    "responses": (
        sse(named("response.created", response={"id": "resp_9", "model": "m", "created_at": 1})),
        responses,
    ),
    "ollama": (ollama(0), ollama),
}
