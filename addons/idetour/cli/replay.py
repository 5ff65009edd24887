"""`idetour replay`: send recorded requests to several targets and compare what they answer.

They go through a gateway as an IDE's would, each in its own protocol, so what is
compared is what the IDE would get: a running idetour's, or one in this process.
"""

import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from idetour.cli.group import its_port
from idetour.errors import RequestError, SetupError, UpstreamError

if TYPE_CHECKING:
    import httpx2

    from idetour.cli.comparison import Outcome
    from idetour.gateway.recording import Recording
    from idetour.usage.prices import Prices

SECONDS = 600.0  # for a whole answer
CONNECT_SECONDS = 5.0


@click.command(short_help="Send recorded requests to several models, and compare.")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(dir_okay=False, path_type=Path)
)
@click.option(
    "--to",
    "targets",
    multiple=True,
    required=True,
    metavar="TARGET",
    help="Whom to ask: upstream/model-id, or a name of the profile. Several times for several.",
)
@click.option("--times", type=click.IntRange(1, 100), default=1, show_default=True, help="Ask each so often.")
@click.option(
    "--show", is_flag=True, help="The answers: the first target's, and how the others differ from it."
)
@click.option("--json", "as_json", is_flag=True, help="For programs; each answer with its text.")
@click.option("--profile", metavar="PROFILE", help="Ask through a gateway made from it, not the running one.")
@its_port
def replay(
    files: tuple[Path, ...],
    targets: tuple[str, ...],
    times: int,
    show: bool,
    as_json: bool,
    profile: str | None,
    port: int,
) -> None:
    """Send the requests in FILEs to each TARGET and show times, tokens and whether tool calls can be run.

    FILEs are recordings, bodies of requests as JSON, HAR files or flows saved by
    mitmproxy. Exits with 1 if any answer failed, or called a tool that its
    client could not run.
    """
    import asyncio

    from idetour.cli import comparison

    requests = read(files)
    outcomes = asyncio.run(asked(requests, dict.fromkeys(targets), times=times, profile=profile, port=port))
    if as_json:
        click.echo(json.dumps([comparison.document(each) for each in outcomes], ensure_ascii=False, indent=2))
    else:
        comparison.show(outcomes)
        if show:
            comparison.show_answers(outcomes)
    if not all(each.fine for each in outcomes):
        raise click.exceptions.Exit(1)


def read(files: Iterable[Path]) -> "list[Recording]":
    """All requests of all files. Raises SetupError with a sentence for each file that cannot be used."""
    from idetour.gateway import recording

    found, problems = [], []
    for path in files:
        try:
            content = path.read_bytes()
            saved = content.lstrip()[:1] not in (b"{", b"[")
            requests = flows(path) if saved else recording.read(content, str(path))
            if incomplete := [each for each in requests if not each.whole]:
                raise SetupError(
                    f"{incomplete[0].source}: its images or files were left out (--no-data); it cannot be sent."
                )
            found += requests
        except OSError as error:
            problems.append(f"{path}: {error.strerror}.")
        except SetupError as error:
            problems.append(str(error))
    if problems:
        raise SetupError("\n".join(problems))
    return found


def flows(path: Path) -> "list[Recording]":
    """The requests to a model among flows that mitmproxy saved. Raises SetupError."""
    from mitmproxy.exceptions import FlowReadException
    from mitmproxy.http import HTTPFlow
    from mitmproxy.io import FlowReader

    from idetour.endpoints.inflate import inflated
    from idetour.gateway.recording import posted, spoken

    found = []
    try:
        with path.open("rb") as file:
            for number, flow in enumerate(FlowReader(file).stream(), 1):
                if not isinstance(flow, HTTPFlow) or flow.request.method != "POST":
                    continue
                if protocol := spoken(flow.request.path.partition("?")[0]):
                    headers = {name.lower(): value for name, value in flow.request.headers.items()}
                    body = inflated(flow.request.raw_content or b"", headers.get("content-encoding", ""))
                    found.append(posted(protocol, body, headers=headers, source=f"{path}: flow {number}"))
    except FlowReadException:
        raise SetupError(f"{path} is neither JSON nor a file of mitmproxy's.") from None
    except RequestError as error:
        raise SetupError(f"{path}: flow {number}: {error.message}") from None
    if not found:
        raise SetupError(f"{path}: none of its flows is a request to a model.")
    return found


async def asked(
    requests: "list[Recording]", targets: Iterable[str], *, times: int, profile: str | None, port: int
) -> "list[Outcome]":
    """Each request to each target: targets side by side, one after another at each, as an IDE asks.

    In the order of the requests, then of the targets.
    """
    import asyncio

    from idetour.profile.prices import load
    from idetour.usage.prices import Prices

    prices = Prices(load()[0])
    async with gateway(profile, port) as client:

        async def all_of(target: str) -> "list[list[Outcome]]":
            return [
                [await ask(client, each, target, prices=prices) for _ in range(times)] for each in requests
            ]

        told = await asyncio.gather(*map(all_of, targets))
    return [outcome for row in zip(*told, strict=True) for outcomes in row for outcome in outcomes]


@asynccontextmanager
async def gateway(profile: str | None, port: int) -> "AsyncIterator[httpx2.AsyncClient]":
    """A client of the idetour on this port; of one in this process, where a profile is named or none runs."""
    import asyncio

    import httpx2

    from idetour.cli.running import authorization, is_idetour
    from idetour.endpoints.serve import start
    from idetour.home import folder
    from idetour.profile.read import find

    address, own = f"http://127.0.0.1:{port}", None
    if profile is not None or not await asyncio.to_thread(is_idetour, address):
        own = await start(find(profile), state=folder("state"))
        address = f"http://127.0.0.1:{own.port}"
    timeout = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)
    try:
        async with httpx2.AsyncClient(
            base_url=address, headers=authorization(), timeout=timeout, trust_env=False
        ) as client:
            yield client
    finally:
        if own is not None:
            await own.stop()


async def ask(
    client: "httpx2.AsyncClient", request: "Recording", target: str, *, prices: "Prices"
) -> "Outcome":
    """One request to one target. Never raises for what the target does."""
    import httpx2

    from idetour.cli.comparison import Outcome, word
    from idetour.cli.running import hint
    from idetour.gateway import said
    from idetour.gateway.recording import PATHS
    from idetour.wire import sse

    path = next(path for path, protocol in PATHS.items() if protocol == request.protocol)
    body = {**request.body, "model": target}
    if request.protocol == "chat" and request.stream:  # the only one that has to be asked what it cost
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    began, first, heard = time.monotonic(), None, bytearray()
    made = Outcome(request=request, target=target)
    try:
        async with client.stream("POST", path, json=body, headers=dict(request.headers)) as answer:
            async for data in answer.aiter_bytes():
                if first is None and data != sse.KEEP_ALIVE:
                    first = time.monotonic() - began
                heard += data
    except httpx2.TimeoutException:
        return made.failed("timeout", f"nothing came for {SECONDS:.0f} s")
    except httpx2.HTTPError as error:
        return made.failed("broke off", str(error) or type(error).__name__)
    by = answer.headers.get("x-idetour-target", "")
    made = made.timed(first if request.stream else None, time.monotonic() - began, by)
    stream = answer.headers.get("content-type", "").startswith("text/event-stream")
    try:
        told = said.read(request.protocol, bytes(heard), stream=stream)
        return made.heard(told, prices.cost(by, told.usage))
    except UpstreamError as error:
        return made.failed(word(answer.status_code, error), error.message + hint(answer))
