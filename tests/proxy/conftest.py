"""A real mitmproxy with our addons, in this process, in a thread with a loop of its own."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest
from mitmproxy import http
from mitmproxy.addons import view
from mitmproxy.options import Options
from mitmproxy.tools.dump import DumpMaster

from idetour import home as places
from idetour.certs.authority import load
from idetour.proxy import made
from upstream import until

HOST = "api.openai.com"


class Proxy:
    """mitmproxy on free ports. With `display`, flows are kept as mitmweb keeps them."""

    def __init__(self, profile: Path, *modes: str, display: bool = False, **options: Any) -> None:
        self._modes = [*(modes or ["regular@127.0.0.1:0"])]
        self._options = {
            "confdir": str(profile.parent / "mitmproxy"),
            "idetour_profile": str(profile),
            **options,
        }
        self.view = view.View() if display else None
        self._thread = threading.Thread(target=self._run, name="mitmproxy", daemon=True)
        self._up = threading.Event()
        self.problem: BaseException | None = None

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        try:
            self.loop = asyncio.get_running_loop()
            self.master = DumpMaster(Options(), with_termlog=False, with_dumper=False)
            self.addons = made()
            if self.view is not None:  # an empty view is false
                self.master.addons.add(self.view)
            self.master.addons.add(*self.addons)
            before_save = self.master.addons.chain.index(self.master.addons.get("scriptloader"))
            for addon in reversed(self.addons):  # where a script's addons stand, before those that save flows
                self.master.addons.chain.remove(addon)
                self.master.addons.chain.insert(before_save, addon)
            self.master.options.update(mode=self._modes, **self._options)
            serving = asyncio.ensure_future(self.master.run())
            while not (self._listening() or serving.done()):
                await asyncio.sleep(0.01)
        except BaseException as error:
            self.problem = error
            raise
        finally:
            self._up.set()
        await serving
        await self.master.addons.get("proxyserver").servers.update(
            []
        )  # mitmproxy leaves its sockets to the exit

    def _listening(self) -> bool:
        return self.master.addons.get("engine").gateway is not None and bool(self.addresses())

    def addresses(self) -> list[tuple[str, int]]:
        return [(str(each[0]), int(each[1])) for each in self.master.addons.get("proxyserver").listen_addrs()]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(20)
        if self.problem:
            raise self.problem
        self.port = self.addresses()[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        found = load(places.folder("certs"))
        assert found is not None
        self.authority = found
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.master.shutdown)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority.root)

    def client(self, **options: Any) -> httpx2.Client:
        """A program that uses us as its proxy and trusts our authority and no other."""
        return httpx2.Client(proxy=self.url, verify=self.trust(), trust_env=False, timeout=20, **options)

    @contextlib.contextmanager
    def line(self, sni: str | None = HOST, *, connect: str = f"{HOST}:443") -> Iterator[ssl.SSLSocket]:
        """A connection by CONNECT, unless that is empty, and TLS. Whose certificate it is, is not looked at."""
        context = self.trust()
        context.check_hostname = False
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain:
            if connect:
                plain.sendall(f"CONNECT {connect} HTTP/1.1\r\nHost: {connect}\r\n\r\n".encode())
                assert plain.recv(1000).startswith(b"HTTP/1.1 200 ")
            with context.wrap_socket(plain, server_hostname=sni) as tls:
                yield tls

    def direct(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, trust_env=False, timeout=20)

    def flows(self) -> list[http.HTTPFlow]:
        """The flows a person sees, oldest first, once they are finished."""
        assert self.view is not None
        shown = self.view
        until(lambda: all(flow.response is None or flow.response.timestamp_end for flow in list(shown)))
        return [flow for flow in list(shown) if isinstance(flow, http.HTTPFlow)]

    def call(self, name: str, *args: Any) -> Any:
        """Run a mitmproxy command, as mitmweb's buttons do."""
        done: Any = asyncio.run_coroutine_threadsafe(self._command(name, *args), self.loop)
        return done.result(10)

    async def _command(self, name: str, *args: Any) -> Any:
        return self.master.commands.call(name, *args)

    def on_loop[T](self, look: Callable[[], T]) -> T:
        """What `look` sees from inside mitmproxy."""

        async def see() -> T:
            return look()

        return asyncio.run_coroutine_threadsafe(see(), self.loop).result(10)


@pytest.fixture
def proxy(home: Path) -> Iterator[Callable[..., Proxy]]:
    """`proxy(profile, display=True)`, as many as a test needs."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **named: stack.enter_context(Proxy(*args, **named))


@pytest.fixture(params=["never", "always"], ids=["fast", "as flows"])
def either(request: pytest.FixtureRequest, proxy: Callable[..., Proxy]) -> Callable[..., Proxy]:
    """`either(profile)`: what holds whether a connection is handed to the gateway or becomes flows."""
    return partial(proxy, idetour_inspect=request.param)
