"""`idetour ask`: one question through a running or a temporary idetour, the whole road included."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from idetour import ports
from idetour.cli.group import its_port
from idetour.cli.running import authorization, hint, is_idetour
from idetour.errors import SetupError

if TYPE_CHECKING:
    import ssl

    import httpx2

START_SECONDS = 20.0


@click.command(short_help="Ask one question, without an IDE.")
@click.argument("words", nargs=-1, required=True, metavar="TEXT")
@click.option("-m", "--model", help="The name to ask for; without one, the profile's first.")
@click.option("--profile", "profile_name", metavar="PROFILE", help="For a temporary instance.")
@click.option(
    "--intercept", is_flag=True, help="Ask https://api.openai.com through the proxy, as an IDE would."
)
@its_port
def ask(
    words: tuple[str, ...], model: str | None, profile_name: str | None, intercept: bool, port: int
) -> None:
    """Stream the answer to TEXT through the idetour on this port, or through one that is started for it.

    With --intercept the request goes to https://api.openai.com by CONNECT and
    trusts nothing but our own authority, which proves the whole road.
    """
    from idetour.accounts.pool import read
    from idetour.cli.screen import plain
    from idetour.profile.read import find
    from idetour.routes.offer import first_choice

    text = " ".join(words)
    if not text.strip():
        raise click.UsageError("The question is empty.")
    with instance(profile_name, port) as (address, temporary):
        if model is None:
            chosen = profile_name or os.environ.get("IDETOUR_PROFILE")
            model = first_choice(read(find(chosen))) if temporary else first_listed(address)
        for piece in stream(address, model, text, intercept=intercept):
            click.echo(plain(piece) if sys.stdout.isatty() else piece, nl=False)
        click.echo()


@contextmanager
def instance(profile_name: str | None, port: int) -> Iterator[tuple[str, bool]]:
    """The address of the idetour that runs on `port`, else of one made for the occasion."""
    address = f"http://127.0.0.1:{port}"
    if profile_name is None and is_idetour(address):
        yield address, False
        return
    port = ports.any_free("127.0.0.1")
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "idetour", "run", "-p", str(port)]
    if profile_name:
        command.append(profile_name)
    with tempfile.TemporaryFile() as said:  # not a pipe: nobody reads it while it runs
        child = subprocess.Popen(command, stdout=said, stderr=said, env=environment())
        try:
            if not starts(address, child):
                said.seek(0)
                words = said.read().decode(errors="replace").strip()
                raise SetupError(f"A temporary idetour did not start: {words or 'it said nothing'}")
            yield address, True
        finally:
            child.terminate()
            child.wait()


def environment() -> dict[str, str]:
    """Our own, with the package findable where it is not installed."""
    from idetour.home import HERE

    paths = [str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def starts(address: str, child: "subprocess.Popen[bytes]") -> bool:
    until = time.monotonic() + START_SECONDS
    while not is_idetour(address):
        if child.poll() is not None or time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def first_listed(address: str) -> str:
    """The first model on the list of a running idetour."""
    import httpx2

    answer = httpx2.get(f"{address}/v1/models", timeout=5, trust_env=False, headers=authorization())
    if not answer.is_success:
        raise SetupError(refusal(answer))
    return next((str(item["id"]) for item in answer.json()["data"]), "demo/hello")


def stream(address: str, model: str, text: str, *, intercept: bool) -> Iterator[str]:
    """The answer's text in pieces. Raises SetupError with what was wrong."""
    import httpx2

    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": text}]}
    base = "https://api.openai.com" if intercept else address
    try:
        with (
            httpx2.Client(
                proxy=address if intercept else None, verify=trust(intercept), trust_env=False, timeout=600
            ) as client,
            client.stream(
                "POST", f"{base}/v1/chat/completions", json=body, headers=authorization()
            ) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise SetupError(refusal(answer))
            yield from texts(answer.iter_bytes())
    except httpx2.HTTPError as error:
        raise SetupError(f"Nothing came from {base}: {error}") from error


def trust(intercept: bool) -> "ssl.SSLContext | bool":
    """Our own authority and no other, for the intercepted road."""
    import ssl

    from idetour import home
    from idetour.certs.authority import load

    if not intercept:
        return True
    authority = load(home.folder("certs"))
    if authority is None:
        raise SetupError("There is no certificate authority in this home: is that idetour somebody else's?")
    return ssl.create_default_context(cafile=authority.root)


def texts(chunks: Iterator[bytes]) -> Iterator[str]:
    """What the model says and thinks, from its events. Raises SetupError where it breaks off."""
    from idetour.wire.sse import Reader

    reader = Reader()
    for chunk in chunks:
        for event in reader.feed(chunk):
            if event.data == b"[DONE]":
                return
            data = json.loads(event.data)
            if "error" in data:
                raise SetupError(str(data["error"].get("message")))
            for choice in data.get("choices") or ():
                delta = choice.get("delta") or {}
                yield delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning") or ""
    raise SetupError("The answer broke off.")


def refusal(answer: "httpx2.Response") -> str:
    """Why there is no answer, and what to do about it."""
    from idetour.wire.fault import parse_error

    return parse_error(answer.content).message + hint(answer)
