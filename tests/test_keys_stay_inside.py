"""Real runs with a known secret of every kind in use, upstreams that repeat them, and a crash: none may be found anywhere.

Everything that was produced is searched: answers, the page and all that the owner
may ask, live events, metrics, logs, the terminal, flows, HAR, recordings,
databases, and the command lines of our processes.
"""

import base64
import contextlib
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from conftest import ADDONS, Running, healthy, unused_port
from idetour.accounts import store
from idetour.endpoints import admin
from idetour.secret import Secret
from qwen import Qwen
from upstream import Answer, Request, Upstream, html, raw_stream, reply, status, stream, until

# What is not searched for a secret: the one place that is there to hold it.
KEPT = {
    "added": "accounts.json",  # where there is no keyring
    "admin": "admin-token",
    "login": "oauth_creds.json",
    "renewal": "oauth_creds.json",
}
CRASH = """
from idetour.gateway.pipeline import Pipeline

answered = Pipeline.chat

async def chat(self, profile, request, *args, **named):
    if request.model == "crash":
        key = profile.upstreams["echo"].keys[0].reveal()
        raise RuntimeError(f"no header may be: Bearer {key}")
    return await answered(self, profile, request, *args, **named)

Pipeline.chat = chat
"""


def forms(secret: str) -> set[bytes]:
    """A secret, as it might be written down: whole, encoded, backwards, and each half of it."""
    half = len(secret) // 2
    plain = {secret, secret[::-1], secret[:half], secret[half:], secret[:half][::-1], secret[half:][::-1]}
    coded = {base64.b64encode(secret.encode()).decode(), base64.urlsafe_b64encode(secret.encode()).decode()}
    escaped = {quote(secret, safe=""), json.dumps(secret)[1:-1], json.dumps(secret).replace("/", "\\/")[1:-1]}
    return {form.encode() for form in plain | coded | escaped if len(form) >= 12}


@dataclass
class Evidence:
    """What was produced, by where it was; `but` are secrets that an answer is there to tell."""

    pieces: list[tuple[str, bytes, frozenset[str]]] = field(default_factory=list)

    def take(self, where: str, said: bytes, *but: str) -> None:
        self.pieces.append((where, said, frozenset(but)))

    def leaks(self, known: dict[str, str]) -> list[tuple[str, str]]:
        sought = {name: forms(secret) for name, secret in known.items()}
        return sorted({
            (where, name)
            for where, said, but in self.pieces
            for name, written in sought.items()
            if name not in but and any(form in said for form in written)
        })  # fmt: skip


class Play:
    """Upstreams that repeat whatever key they see, and a program and an owner who use an idetour."""

    def __init__(self, folder: Path, upstreams: Callable[..., Upstream]) -> None:
        self.folder, self.home = folder, folder / "home"
        self.known = {
            name: f"{name}-{secrets.token_hex(9)}/{secrets.token_hex(9)}+Z"
            for name in ("environment", "anthropic", "added", "typed", "access", "proxy", "query", "client")
        }
        self.upstream, self.qwen = upstreams(), Qwen(upstreams())
        self.evidence = Evidence()
        self._write()

    def _write(self) -> None:
        self.upstream.always(self.repeated)
        url = self.upstream.url
        (self.home / "state").mkdir(mode=0o700, parents=True)
        store.add(self.home / "state", Secret(self.known["added"]), upstream="more", url=url, name="work")
        file = json.loads(self.qwen.login(self.folder / ".qwen").read_text())
        self.known |= {"login": file["access_token"], "renewal": file["refresh_token"]}
        self.profile = self.folder / "profile.yaml"
        self.profile.write_text(f"""
upstreams:
  echo: {{ url: {url}, key: $ECHO_KEY }}
  claude: {{ url: {self.upstream.origin}, key: $CLAUDE_KEY, speaks: anthropic }}
  typed: {{ url: {url}, key: client }}
  more: {{ url: {url}, key: $NOT_SET }}
  away: {{ url: {url}, key: $ECHO_KEY, proxy: $AWAY_PROXY }}
  lost: {{ url: {url}, key: $ECHO_KEY, proxy: $LOST_PROXY }}
  qwen: {{ url: {self.qwen.upstream.url} }}
access: $OUR_KEY
models: {{ m: echo/good }}
routes: {{ gpt-4o: [{{ use: echo/refuses, else: [echo/page, echo/breaks, echo/good] }}] }}
""")
        password = quote(self.known["proxy"], safe="")
        self.environment = {
            "ECHO_KEY": self.known["environment"],
            "CLAUDE_KEY": self.known["anthropic"],
            "OUR_KEY": self.known["access"],
            "AWAY_PROXY": f"http://somebody:{password}@127.0.0.1:{self.upstream.port}",
            "LOST_PROXY": f"http://somebody:{password}@127.0.0.1:port",
            "IDETOUR_QWEN_URL": self.qwen.upstream.origin,
            "HOME": str(self.folder),
            "IDETOUR_HOME": str(self.home),
            "PYTHONPATH": str(ADDONS),
        }
        (self.folder / "crash.py").write_text(CRASH)

    def repeated(self, request: Request) -> Answer:
        """What an upstream makes of a request: it says the credentials that came with it, in many ways."""
        names = ("authorization", "x-api-key", "proxy-authorization")
        said = [each.rpartition(" ")[2] for name in names if (each := request.header(name))]
        key = " ".join(said)
        odd = "".join(f"\\u{ord(char):04x}" for char in key)
        error = {"error": {"message": f"Bad key: {key}", "code": key, "param": key, "type": key}}
        match request.asked.rpartition("/")[2]:
            case "refuses":
                return status(401, error).saying(x_request_id=key, set_cookie=f"key={key}", retry_after=key)
            case "escapes":
                body = f'{{"error": {{"message": "Bad key {odd}"}}}}'.encode()
                return Answer(pieces=lambda _: [body], status=400)
            case "page":
                return html(f"<h1>Bad key {key}</h1>").saying(x_key=key)
            case "breaks":
                return raw_stream(b"data: %s\n\n" % json.dumps(error).encode()).split(7)
            case "breaks-later":
                broken = b"data: %s\n\n" % json.dumps(error).encode()
                return stream("a", "b").then_sends(2, broken).split(7)
            case "repeats":  # what a model says is told as it is, but kept nowhere
                half = len(key) // 2
                return stream("Your key is ", key[:half], key[half:], ".")
        return reply("Hello", ", world")(request)

    def exercise(self, port: int) -> None:
        """All that a program and the owner do."""
        token = admin.token(self.home / "state").reveal()
        self.known["admin"] = token
        with (
            httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client,
            self._listening(port, token),
        ):
            self._ask(client)
            self._own(client, {"x-idetour-admin": token})

    def _ask(self, client: httpx2.Client) -> None:
        bearer = {"authorization": f"Bearer {self.known['access']}"}
        both = {"x-api-key": self.known["access"], "authorization": f"Bearer {self.known['typed']}"}
        words = [{"role": "user", "content": "hello"}]
        models = ["m", "gpt-4o", "echo/refuses", "echo/escapes", "echo/page", "echo/breaks", "claude/refuses"]
        models += ["echo/breaks-later", "typed/refuses", "more/refuses", "away/refuses", "lost/m", "qwen/m"]
        for model in [*models, "typed/good", "more/good", "away/good", "crash", "echo/repeats"]:
            for streams in (False, True):
                asked = {"model": model, "stream": streams, "messages": words, "max_tokens": 9}
                path = f"/v1/chat/completions?api-key={quote(self.known['query'], safe='')}"
                head = both if model.startswith("typed/") else bearer
                said = client.post(path, json=asked, headers=head)
                if model != "echo/repeats":
                    self.heard(model, said)
        for path in ("/v1/messages", "/v1/responses"):
            for model in ("claude/refuses", "echo/refuses", "echo/breaks-later", "m"):
                asked = {"model": model, "stream": True, "messages": words, "input": "hello", "max_tokens": 9}
                self.heard(path, client.post(path, json=asked, headers=bearer))
        wrong = client.post("/v1/chat/completions", json={}, headers={"x-api-key": self.known["client"]})
        assert wrong.status_code == 401
        self.heard("a wrong key", wrong)

    def _own(self, client: httpx2.Client, owner: dict[str, str]) -> None:
        """The owner's doings, on the connection that a program used before."""
        link = client.post("/admin/api/link", json={}, headers=owner).json()["url"].partition("#token=")[2]
        opened = client.post("/admin/api/session", json={"token": link})
        self.known |= {"link": link, "session": next(iter(opened.cookies.values()))}
        page = {"x-idetour-page": "1"}
        granted = client.post("/admin/api/tokens", json={"label": "a task"}, headers=page).json()
        self.known["task"] = granted["token"]
        asked = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
        as_task = {"authorization": f"Bearer {granted['token']}"}
        said = f"{client.base_url}{admin.SAID}?id={granted['id']}"
        with self._following(said, owner, "what is said to a task") as told:
            self.heard("a task", client.post("/v1/chat/completions", json=asked, headers=as_task))
            assert until(lambda: b'"outcome"' in told)
        looked = [path for path, answers in admin.TABLE.items() if "GET" in answers and "{" not in path]
        for path in [path for path in looked if path not in (admin.EVENTS, admin.SAID)]:
            answer = client.get(path, headers=owner)
            assert answer.status_code == 200, (path, answer.text)
            self.heard(path, answer)
        rows = client.get("/admin/api/requests?limit=200").json()["requests"]
        assert len(rows) > 40
        for row in rows:
            self.heard("a request", client.get(f"/admin/api/requests/{row['id']}"))
        for path in ("/", "/health", "/admin", "/admin/app.js", "/v1/models", "/admin/nothing", "/proxy.pac"):
            self.heard(path, client.get(path, headers={"accept": "text/html", **owner}))
        for text in ("models: {m: echo/good}", f"upstreams: {{up: {{ur: x, key: {self.known['client']}}}}}"):
            self.heard("check", client.post("/admin/api/profile/check", json={"text": text}, headers=page))
        doctor = client.post("/admin/api/doctor", json={"offline": True}, headers=page)
        self.heard("doctor", doctor)
        self.heard("test", client.post("/admin/api/test", json={"model": "echo/refuses"}, headers=page))

    def heard(self, where: str, said: httpx2.Response) -> None:
        head = "\n".join(f"{name}: {value}" for name, value in said.headers.multi_items())
        self.evidence.take(f"the answer to {where}", head.encode() + b"\n\n" + said.content)

    @contextlib.contextmanager
    def _listening(self, port: int, token: str) -> Iterator[None]:
        """The live events, heard meanwhile, and `idetour record`."""
        said = self.folder / "record.txt"
        with said.open("wb") as output:
            recorder = subprocess.Popen(
                [sys.executable, "-u", "-m", "idetour", "record", "-p", str(port)],
                stdout=output, stderr=output, env={**os.environ, **self.environment},
            )  # fmt: skip
        url = f"http://127.0.0.1:{port}{admin.EVENTS}"
        try:
            with self._following(url, {"x-idetour-admin": token}, "the live events") as events:
                assert until(lambda: "Ctrl-C ends it" in said.read_text(), within=20)
                yield
                self.evidence.take("ps", commands())
                assert until(lambda: list((self.home / "recordings").glob("*.json")))
        finally:
            recorder.terminate()
            recorder.wait(10)
        assert b'"stage":"ended"' in events

    @contextlib.contextmanager
    def _following(self, url: str, owner: dict[str, str], where: str) -> Iterator[bytearray]:
        """What a stream of events tells meanwhile."""
        events, heard = bytearray(), threading.Event()

        def follow() -> None:
            with (
                contextlib.suppress(httpx2.HTTPError),
                httpx2.stream("GET", url, headers=owner, timeout=30, trust_env=False) as answer,
            ):
                for piece in answer.iter_bytes():
                    events.extend(piece)
                    heard.set()

        threading.Thread(target=follow, daemon=True).start()
        assert heard.wait(10)
        try:
            yield events
        finally:
            self.evidence.take(where, bytes(events))

    def open_to_others(self) -> list[str]:
        """Of what the product wrote, whatever the umask. The authority's certificate is there to be read."""
        written = [*self.home.rglob("*"), *self.folder.glob("*.mitm"), *self.folder.glob("*.har")]
        return [path.name for path in written if path.stat().st_mode & 0o077 and path.name != "root.pem"]

    def collect(self) -> None:
        """Every file there is."""
        own = {"profile.yaml", "crash.py"}  # of the test
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name not in own:
                kept = [name for name, file in KEPT.items() if path.name == file]
                self.evidence.take(str(path.relative_to(self.folder)), path.read_bytes(), *kept)


def commands() -> bytes:
    """The command lines of all processes, as any user may see them."""
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout


@pytest.fixture
def play(tmp_path: Path, upstreams: Callable[..., Upstream]) -> Play:
    return Play(tmp_path, upstreams)


def test_idetour_run_lets_no_key_out(play: Play, running: Callable[..., Running]) -> None:
    crash = str(play.folder / "crash.py")
    started = running(play.profile, "--keep-bodies", "--trace", "-v", "--", "-s", crash, **play.environment)
    play.exercise(started.port)
    started.stop()
    play.collect()
    assert "RuntimeError" in started.output()
    assert play.evidence.leaks(play.known) == []


def test_mitmdump_lets_no_key_out(play: Play) -> None:
    port = unused_port()
    settings = {
        "confdir": play.folder / "mitmproxy",
        "idetour_profile": play.profile,
        "idetour_trace": "true",
        "idetour_keep_bodies": "true",
        "save_stream_file": play.folder / "flows.mitm",
        "hardump": play.folder / "all.har",
        "flow_detail": 4,
        "listen_port": port,
    }
    command = [str(Path(sys.executable).with_name("mitmdump"))]
    command += ["-s", str(ADDONS / "addon.py"), "-s", str(play.folder / "crash.py")]
    command += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    said = play.folder / "said.txt"
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **play.environment}, umask=0
        )
    try:
        assert until(lambda: healthy(port), within=20)
        play.exercise(port)
        process.terminate()
        process.wait(10)
    finally:
        process.kill()
        process.wait()
    play.collect()
    assert "RuntimeError" in said.read_text()
    assert len((play.folder / "all.har").read_bytes()) > 10_000
    assert play.open_to_others() == []
    assert play.evidence.leaks(play.known) == []
