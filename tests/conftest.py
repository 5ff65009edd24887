"""Real small servers and a home of its own for each test: nothing of this machine's user is read or changed."""

import asyncio
import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pytest

import keyrings
from qwen import Qwen
from upstream import Authority, Upstream, until

if TYPE_CHECKING:
    from idetour.profile import Profile

ADDONS = Path(__file__).resolve().parents[1] / "addons"
OURS = re.compile(r"IDETOUR_|.*_API_KEY$|.*_PROXY$|SSL_CERT_|(REQUESTS|CURL)_CA_BUNDLE$|NODE_EXTRA_CA", re.I)


@pytest.fixture(scope="session", autouse=True)
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take keys, proxies and certificate settings out of the environment, and the user's home with them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if OURS.match(name)]:
            patch.delenv(name)
        empty = tmp_path_factory.mktemp("nobody")
        for name in ("HOME", "USERPROFILE", "IDETOUR_HOME"):
            patch.setenv(name, str(empty))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")  # for processes of their own
        yield


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits half a minute for an upstream to recover, or a moment before a second try: unless a test is about it."""
    monkeypatch.setattr("idetour.gateway.search.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("idetour.gateway.pipeline.PAUSE_SECONDS", (0, 0))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's that is this test's alone. It does not exist yet."""
    path = tmp_path / "home"
    monkeypatch.setenv("IDETOUR_HOME", str(path))
    return path


@pytest.fixture
def user(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of whoever sits there, where Qwen Code has its `.qwen`: this test's alone."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have one; it is not ours to write to."""
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def keyring(tmp_path: Path, no_keyring: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that plays the system's keyring."""
    yield from keyrings.played(tmp_path, monkeypatch)


@pytest.fixture
def profile_file(tmp_path: Path) -> Callable[..., Path]:
    """Write YAML: `profile_file("models: {m: demo/hello}")`."""

    def write(text: str, name: str = "profile.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def profiles(profile_file: Callable[..., Path]) -> "Callable[..., Profile]":
    """`profiles("models: …", NAME="value")` reads a profile in an environment of these variables only."""
    from idetour.profile.read import read

    return lambda text, **env: read(profile_file(text), env=env)


@pytest.fixture
def upstreams() -> Iterator[Callable[..., Upstream]]:
    """As many as a test needs: `upstreams()`, `upstreams(tls=certificate)`."""
    with contextlib.ExitStack() as stack:
        yield lambda **how: stack.enter_context(Upstream(**how))


@pytest.fixture
def upstream(upstreams: Callable[..., Upstream]) -> Upstream:
    return upstreams()


@pytest.fixture
def qwen(upstream: Upstream, user: Path, monkeypatch: pytest.MonkeyPatch) -> Qwen:
    """Qwen's servers, played by `upstream`. Whoever waits for a person there asks often."""
    monkeypatch.setenv("IDETOUR_QWEN_URL", upstream.origin)
    monkeypatch.setattr("idetour.accounts.qwen.oauth.POLL_SECONDS", 0.01)
    return Qwen(upstream)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls_upstream(upstreams: Callable[..., Upstream], authority: Authority) -> Upstream:
    """With a good certificate; who trusts `authority.ca` trusts it."""
    return upstreams(tls=authority.leaf())


class Serving:
    """The gateway in this process, in a thread with a loop of its own."""

    def __init__(self, profile: Path, port: int = 0, **how: Any) -> None:
        self._profile, self._how = profile, how
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gateway", daemon=True)

    def __enter__(self) -> Self:
        from idetour.endpoints.serve import start

        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(
            start(self._profile, port=self.port, **self._how), self._loop
        )
        self.gateway = starting.result(10)
        self.port = self.gateway.port
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        await self.gateway.stop()


class Running:
    """The product as people start it: a process of its own, which must end well when asked to."""

    def __init__(self, profile: Path, *options: str, **environment: str) -> None:
        self.port = unused_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._said = profile.with_name(f"output-{self.port}.txt")
        command = [sys.executable, "-m", "idetour", "run", str(profile), "-p", str(self.port), *options]
        settings = {"HOME": str(profile.parent), "IDETOUR_HOME": str(profile.parent / "home")}
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, "PYTHONPATH": str(ADDONS), **settings, **environment},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def output(self) -> str:
        """What it wrote until now, to both stdout and stderr."""
        return self._said.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """Ctrl-C. The exit code; TimeoutExpired where it waits for anybody."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(10)  # it takes a tenth of a second, on a machine that has nothing else to do

    def __enter__(self) -> Self:
        until(lambda: healthy(self.port) or self.process.poll() is not None, within=30)
        if not healthy(self.port):
            self.process.kill()
            raise RuntimeError(f"it did not start:\n{self.output()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            self.process.kill()
            self.process.wait()


def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def healthy(port: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as connection:
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def entering[T](kind: Callable[..., contextlib.AbstractContextManager[T]]) -> Iterator[Callable[..., T]]:
    """A factory whose products are closed in the end, the last one first."""
    with contextlib.ExitStack() as stack:

        def start(*args: Any, **named: Any) -> T:
            return stack.enter_context(kind(*args, **named))

        yield start


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on just now, for who has to know it before the start."""
    return unused_port()


@pytest.fixture
def serving(home: Path) -> Iterator[Callable[..., Serving]]:
    """`serving(profile)`: quick, and what most tests want."""
    yield from entering(Serving)


@pytest.fixture
def running(home: Path) -> Iterator[Callable[..., Running]]:
    """`running(profile, NVIDIA_API_KEY="…")`: the whole product, two seconds."""
    yield from entering(Running)


@pytest.fixture(scope="module")
def module_serving() -> Iterator[Callable[..., Serving]]:
    yield from entering(Serving)


@pytest.fixture(scope="module")
def module_running() -> Iterator[Callable[..., Running]]:
    yield from entering(Running)
