"""Hours of trouble in minutes: three upstreams that fail at random, one that does not, and a client that counts.

    python tools/soak.py --minutes 10

Each answer's text is known beforehand, so what the client hears is exactly one of: the whole
answer, an error, an error after a beginning (said, because a committed answer is never begun
anew) or a fault of idetour's: lost, doubled, cut. Exits with 1 if there is one of those.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "addons"), str(ROOT / "tests")]

from upstream import (  # noqa: E402  # the server that the tests use
    Act,
    Answer,
    Request,
    Upstream,
    event,
    html,
    raw,
    raw_stream,
    reset_before_headers,
    stall_before_headers,
    status,
    stream,
    whole,
)

FIRST_BYTE, IDLE = 1.0, 2.0  # seconds; shorter than idetour's own, so that silence costs less of the soak
FORGIVING = 3.0  # seconds at most, until the cooldowns are cleared
CLIENTS = 8
WORDS = 12  # of an answer
NUMBER = re.compile(r"question (\d+)")
QUOTA = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
BUSY = {"error": {"message": "ResourceExhausted: Worker local total request limit reached (163/32)"}}
DEGRADED = {"status": 400, "title": "Bad Request", "detail": "Function id '1': DEGRADED function"}
PROFILE = """
upstreams:
  a: {{url: {a}, key: $SOAK_KEYS, first_byte: {first_byte}}}
  b: {{url: {b}, first_byte: {first_byte}}}
  c: {{url: {c}, first_byte: {first_byte}}}
  good: {{url: {good}, first_byte: {first_byte}}}
routes:
  m: [{{use: {{a/m: 1, b/m: 1, c/m: 1}}, else: [good/m]}}]
"""


def words(number: str) -> list[str]:
    """What every upstream answers to a question."""
    return [f"{number}.{place} " for place in range(WORDS)]


def well(request: Request) -> Answer:
    said = NUMBER.search(request.body.decode())
    assert said
    parts = words(said[1])
    return stream(*parts) if request.json().get("stream") else whole("".join(parts))


def faulty(request: Request) -> Answer:
    """A good answer half of the time, else one of the faults."""
    good = well(request)
    streams = bool(request.json().get("stream"))
    somewhere = random.randint(0, WORDS) if streams else 0
    error = event({"error": {"message": "overloaded", "code": 503}})
    breaks = [good.reset_after(somewhere), good.fin_after(somewhere), good.stall_after(somewhere)]
    in_stream = [good.ends_after(somewhere), good.then_sends(somewhere, error), good.split(7).lines(b"\r\n")]
    before = [
        status(429),
        status(429, retry_after="1"),
        status(429, retry_after_ms="700"),
        status(429, QUOTA, retry_after="2"),
        status(401),
        status(404),
        status(400, DEGRADED),
        status(500),
        status(503, BUSY),
        status(504, b""),
        html(code=502),
        html(),
        whole({"choices": []}),
        raw_stream(b"data: [DONE]\n\n"),
        raw(b"SSH-2.0-OpenSSH_9.6\r\n", Act.FIN),
        reset_before_headers(),
        stall_before_headers(),
        good.late(random.uniform(0, 0.5)),
    ]
    return random.choice([*[good] * len(before), *before, *breaks, *(in_stream if streams else [])])


async def ask(client: httpx2.AsyncClient, number: int) -> str:
    """Ask one question, and judge what was heard."""
    streams = number % 4 > 0
    messages = [{"role": "user", "content": f"question {number}"}]
    try:
        answer = await client.post("", json={"model": "m", "stream": streams, "messages": messages})
    except httpx2.TransportError as error:
        return f"lost: {type(error).__name__}"
    return judged(answer, "".join(words(str(number))), streams=streams)


def judged(answer: httpx2.Response, expected: str, *, streams: bool) -> str:
    if not answer.headers["content-type"].startswith("text/event-stream"):
        said = answer.json()
        if "error" in said:
            return f"lost: {answer.status_code} {said['error']['code']}"
        text, done, error = said["choices"][0]["message"]["content"], not streams, None
    else:
        events = [line[5:].strip() for line in answer.content.split(b"\n") if line.startswith(b"data:")]
        done = bool(events) and events[-1] == b"[DONE]"
        chunks = [json.loads(each) for each in events if each != b"[DONE]"]
        error = next((each["error"] for each in chunks if "error" in each), None)
        choices = [choice for each in chunks for choice in each.get("choices", ())]
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
    if text == expected and done and not error:
        return "answered"
    if not expected.startswith(text):
        return "doubled"
    if error and not done:
        return "broken off, and said so" if text else f"lost: {error['code']}"
    return "cut"


async def flap(upstream: Upstream, until: float) -> None:
    """Now and then nobody is there, or nobody listens."""
    while time.monotonic() < until:
        await asyncio.sleep(random.uniform(3, 15))
        await asyncio.to_thread(random.choice([upstream.refuse, upstream.ignore]))
        await asyncio.sleep(random.uniform(0.2, 3))
        await asyncio.to_thread(upstream.accept)


async def soak(url: str, upstreams: list[Upstream], minutes: float, process: int) -> Counter[str]:
    heard: Counter[str] = Counter()
    until = time.monotonic() + 60 * minutes
    numbers = iter(range(10**9))
    shown = time.monotonic()

    async def work() -> None:
        while time.monotonic() < until:
            heard[await ask(client, next(numbers))] += 1
            await asyncio.sleep(random.expovariate(20))

    async def watch() -> None:
        nonlocal shown
        while time.monotonic() < until:
            await asyncio.sleep(min(30, max(1, until - time.monotonic())))
            print(f"{time.monotonic() - began:6.0f} s  {memory(process):6.1f} MB  {dict(heard)}", flush=True)

    began = time.monotonic()
    async with httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        flapping = [asyncio.create_task(flap(each, until)) for each in upstreams]
        await asyncio.gather(watch(), *(work() for _ in range(CLIENTS)))
        await asyncio.gather(*flapping)
    return heard


def memory(process: int) -> float:
    """Resident MB of a process. Linux only; 0 elsewhere."""
    try:
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text("ascii"))
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


async def serve(profile: Path) -> None:
    """The gateway, in a process of its own so that its memory can be told."""
    from idetour.endpoints.serve import start
    from idetour.gateway import attempt, delivery
    from idetour.upstreams import asking

    asking.WHOLE_SECONDS = FIRST_BYTE
    for module in (attempt, delivery):
        vars(module)["IDLE_SECONDS"] = IDLE
    gateway = await start(profile, state=profile.parent)
    print(gateway.port, flush=True)
    while True:  # forgive, or after a minute only the healthy one would be asked
        await asyncio.sleep(random.uniform(0.2, FORGIVING))
        for name in "abc":
            gateway.pipeline.health.clear(name)


def main(minutes: float) -> int:
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # upstreams that stall are ended in the middle
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        *bad, good = [stack.enter_context(Upstream()) for _ in range(4)]
        return run(Path(folder), bad, good, minutes)


def run(folder: Path, bad: list[Upstream], good: Upstream, minutes: float) -> int:
    for each in bad:
        each.always(faulty)
    good.always(well)
    urls = dict(zip("abc", (each.url for each in bad), strict=True))
    profile = folder / "profile.yaml"
    profile.write_text(PROFILE.format(**urls, good=good.url, first_byte=FIRST_BYTE), "utf-8")
    command = [sys.executable, __file__, "--serve", str(profile)]
    keys = {"SOAK_KEYS": "sk-soak-number-one,sk-soak-number-two"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **keys}, text=True) as gateway:
        try:
            assert gateway.stdout
            url = f"http://127.0.0.1:{int(gateway.stdout.readline())}/v1/chat/completions"
            before = memory(gateway.pid)
            heard = asyncio.run(soak(url, bad, minutes, gateway.pid))
            after = memory(gateway.pid)
        finally:
            gateway.terminate()
    return report(heard, [*bad, good], (before, after), minutes)


def report(heard: Counter[str], upstreams: list[Upstream], rss: tuple[float, float], minutes: float) -> int:
    lost = sum(count for what, count in heard.items() if what.startswith("lost"))
    rows = {
        "minutes": f"{minutes:g}",
        "requests": heard.total(),
        "attempts at a, b, c and the healthy one": ", ".join(str(len(each.requests)) for each in upstreams),
        "answered whole": heard["answered"],
        "broken off after the commit, and said so": heard["broken off, and said so"],
        "lost": lost,
        "doubled": heard["doubled"],
        "cut without a word": heard["cut"],
        "memory at the start and at the end, MB": f"{rss[0]:.0f}, {rss[1]:.0f}",
    }
    print("\n| what | |\n| --- | ---: |")
    for what, figure in rows.items():
        print(f"| {what} | {figure} |")
    for what in heard:
        if what.startswith("lost"):
            print(f"{what}: {heard[what]}")
    return int(bool(lost or heard["doubled"] or heard["cut"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
    else:
        sys.exit(main(options.minutes))
