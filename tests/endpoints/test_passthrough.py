"""Requests that nobody here answers, on their way to a TLS server that stands in for the real host."""

import asyncio
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endpoints.talk import HELLO, Answer, Line, ask, request
from idetour.endpoints.entry import TICKET, Entry
from idetour.upstreams.transport import Pool
from idetour.usage.requests import Wanted, page
from idetour.usage.row import Row
from upstream import Authority, Upstream, redirect, reset_before_headers, status, stream, until, whole

if TYPE_CHECKING:
    from conftest import Serving

type Through = Callable[..., Answer]
HOST = "api.openai.com"
OWN = {"authorization": "Bearer sk-the-ides-own"}


@pytest.fixture
def serving_through(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Path], authority: Authority
) -> Callable[..., "Serving"]:
    """A gateway that passes through, and trusts the certificates of the tests."""

    def start(more: str = "", intercepted: frozenset[str] = frozenset()) -> "Serving":
        made = serving(profile_file(f"models: {{m: demo/hello}}\npassthrough: true\n{more}"))
        transports, loop = made.gateway.pipeline.transports, made._loop
        before, transports.pool = (
            transports.pool,
            Pool(
                intercepted=lambda: intercepted,
                context=lambda _: ssl.create_default_context(cafile=authority.ca),
            ),
        )
        asyncio.run_coroutine_threadsafe(before.close(), loop).result(5)
        return made

    return start


@pytest.fixture
def host(tls_upstream: Upstream) -> str:
    """The real host, as far as the test goes. With its port: 443 is not ours to take."""
    return f"localhost:{tls_upstream.port}"


@pytest.fixture
def through(serving_through: Callable[..., "Serving"], host: str) -> Through:
    started = serving_through()

    def asked(method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        return ask(started.port, method, path, body, **entering(started, host, **headers))

    return asked


def entering(serving: "Serving", host: str, **headers: str) -> dict[str, str]:
    """The headers of a request that the proxy hands over for `host`."""
    ticket = serving.gateway.app.tickets.issue(Entry(host=host, local=True, credentials=OWN))
    return {"host": HOST, TICKET.replace("-", "_"): ticket, **headers}


def posts(upstream: Upstream) -> list[str]:
    return [each.path for each in upstream.requests if each.method == "POST"]


def test_an_unknown_model_goes_to_the_host_with_the_ides_own_key(
    through: Through, tls_upstream: Upstream
) -> None:
    tls_upstream.always(stream("from the host"))
    body = json.dumps({**HELLO, "model": "gpt-9", "stream": True}).encode()
    answer = through("POST", "/v1/chat/completions", body, content_type="application/json")
    assert (answer.status, b"from the host" in answer.body) == (200, True)
    assert answer.headers["x-idetour-target"].startswith("localhost")
    [asked] = tls_upstream.requests
    assert (asked.body, asked.header("authorization")) == (body, OWN["authorization"])


def test_a_known_model_is_answered_here(through: Through, tls_upstream: Upstream) -> None:
    assert through("POST", "/v1/chat/completions", json.dumps(HELLO).encode()).status == 200
    assert tls_upstream.requests == []


def test_only_headers_that_mean_something_to_the_host_go_along(
    through: Through, tls_upstream: Upstream
) -> None:
    through(
        "POST",
        "/v1/files",
        b"x",
        openai_organization="org-1",
        x_stainless_os="Linux",
        user_agent="IDE/1",
        cookie="a=b",
        origin="http://localhost",
        x_forwarded_for="127.0.0.1",
        te="trailers",
    )
    names = {name for name, _ in tls_upstream.requests[0].headers}
    assert names - {"openai-organization", "x-stainless-os", "user-agent", "authorization"} == {
        *("host", "via", "accept-encoding", "content-length")
    }


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/a%2Fb/content?order=desc&after=%3D",
        "/v1/files/%3Fx%23y%20z",
        "/v1//responses",
        "/v1/files/..%2f..%2fadmin",
        "/@evil.example/x",
    ],
)
def test_a_path_goes_as_it_came(through: Through, tls_upstream: Upstream, path: str) -> None:
    through("POST", path, b"{}")
    assert posts(tls_upstream) == [path.replace("%2f", "%2F")]


def test_an_answer_comes_as_it_is_but_for_its_framing(through: Through, tls_upstream: Upstream) -> None:
    tls_upstream.always(whole({"text": "模型"}).gzipped().saying(x_request_id="r", alt_svc='h3=":443"'))
    answer = through("POST", "/v1/audio", b"{}")
    assert (answer.json(), answer.headers["x-request-id"]) == ({"text": "模型"}, "r")
    assert not {"content-encoding", "alt-svc"} & answer.headers.keys()


@pytest.mark.parametrize("code", [201, 400, 429, 503])
def test_a_status_is_the_hosts_own_and_tried_once(
    through: Through, tls_upstream: Upstream, code: int
) -> None:
    tls_upstream.always(status(code))
    assert (through("POST", "/v1/files", b"{}").status, len(posts(tls_upstream))) == (code, 1)


def test_a_redirect_is_handed_back_and_not_followed(
    through: Through, tls_upstream: Upstream, upstream: Upstream
) -> None:
    tls_upstream.always(redirect(f"{upstream.url}/elsewhere"))
    answer = through("POST", "/v1/files", b"{}")
    assert (answer.status, answer.headers["location"]) == (307, f"{upstream.url}/elsewhere")
    assert upstream.requests == []


def test_an_answer_that_breaks_off_does_not_look_finished(
    serving_through: Callable[..., "Serving"], tls_upstream: Upstream, host: str
) -> None:
    serving = serving_through()
    tls_upstream.always(stream("Hel", "lo").paced(0.02).reset_after(2))
    with Line(serving.port) as line:
        line.send(request("POST", "/v1/files", b"{}", **entering(serving, host)))
        with pytest.raises(ConnectionError):
            line.answer()


def test_a_host_that_cannot_be_reached_is_named(through: Through, tls_upstream: Upstream) -> None:
    tls_upstream.always(reset_before_headers())
    answer = through("POST", "/v1/files", b"{}")
    assert (answer.status, answer.code) == (502, "upstream_unreachable")
    assert "localhost" in answer.json()["error"]["message"]


def test_who_leaves_ends_the_hosts_request(
    serving_through: Callable[..., "Serving"], tls_upstream: Upstream, host: str
) -> None:
    serving = serving_through()
    tls_upstream.always(stream("Hel", "lo").stall_after(1))
    with Line(serving.port) as line:
        line.send(request("POST", "/v1/files", b"{}", **entering(serving, host)))
        assert until(lambda: tls_upstream.requests)
    assert until(lambda: tls_upstream.open == 0)


def test_a_host_that_is_pointed_at_this_machine_is_a_loop(
    serving_through: Callable[..., "Serving"], host: str, tls_upstream: Upstream
) -> None:
    serving = serving_through(intercepted=frozenset({"localhost"}))
    answer = ask(serving.port, "POST", "/v1/files", b"{}", **entering(serving, host))
    assert (answer.status, answer.code, tls_upstream.requests) == (508, "loop_detected", [])


def test_without_the_word_in_the_profile_nothing_is_passed_on(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Path], host: str, tls_upstream: Upstream
) -> None:
    started = serving(profile_file("models: {m: demo/hello}"))
    assert ask(started.port, "POST", "/v1/files", b"{}", **entering(started, host)).status == 404
    assert tls_upstream.requests == []


def test_nothing_is_passed_on_for_who_asks_us_by_our_own_name(
    serving_through: Callable[..., "Serving"], tls_upstream: Upstream
) -> None:
    assert ask(serving_through().port, "POST", "/v1/files", b"{}").status == 404


def test_an_access_key_is_asked_for_and_stays_here(
    serving_through: Callable[..., "Serving"], tls_upstream: Upstream, host: str
) -> None:
    serving = serving_through("access: the-access-key-1")
    assert ask(serving.port, "POST", "/v1/files", b"{}", **entering(serving, host)).status == 401
    headers = entering(serving, host, x_api_key="the-access-key-1")
    assert ask(serving.port, "POST", "/v1/files", b"{}", **headers).status == 200
    [asked] = tls_upstream.requests
    assert (asked.header("x-api-key"), asked.header("authorization")) == (None, OWN["authorization"])


def kept(serving: "Serving", number: int) -> list[Row]:
    """The requests in the store, the latest first, as soon as there are so many."""
    store = serving.gateway.pipeline.chronicle.store
    assert store
    found: list[Row] = []
    while len(found) < number:
        found, _ = asyncio.run_coroutine_threadsafe(store.read(page(Wanted())), serving._loop).result(5)
    return found


def test_what_is_passed_on_is_recorded_with_the_tokens_that_the_host_says(
    serving_through: Callable[..., "Serving"], host: str, tls_upstream: Upstream
) -> None:
    serving = serving_through()
    tls_upstream.then(stream("from the host"), status(404))
    body = json.dumps(
        {**HELLO, "model": "gpt-9", "stream": True, "stream_options": {"include_usage": True}}
    ).encode()
    ask(serving.port, "POST", "/v1/chat/completions", body, **entering(serving, host))
    ask(serving.port, "GET", "/v1/files/file-1/content", **entering(serving, host))
    files, spoken = kept(serving, 2)

    assert (spoken.protocol, spoken.asked, spoken.target) == ("passthrough", "gpt-9", f"{host}/gpt-9")
    assert (spoken.outcome, spoken.status, spoken.stream, spoken.counted) == ("ok", 200, True, "reported")
    assert (files.asked, files.outcome, files.status, files.tokens) == ("/v1/files", "failed", 404, None)


def test_a_host_that_was_not_reached_is_recorded_too(
    serving_through: Callable[..., "Serving"], host: str, tls_upstream: Upstream
) -> None:
    serving = serving_through()
    tls_upstream.always(reset_before_headers())
    ask(serving.port, "POST", "/v1/files", b"{}", **entering(serving, host))
    [row] = kept(serving, 1)

    assert (row.outcome, row.status, row.target) == ("failed", 502, None)


def test_a_tasks_token_goes_to_no_host(
    serving_through: Callable[..., "Serving"], host: str, tls_upstream: Upstream
) -> None:
    started = serving_through()
    _, token = started.gateway.app.admin.grants.issue("a task", seconds=60, models=None)
    ticket = started.gateway.app.tickets.issue(Entry(host=host, local=True, credentials={"x-api-key": token}))
    ask(started.port, "POST", "/v1/files", b"x", host=HOST, x_idetour_ticket=ticket)
    assert [each.header("x-api-key") for each in tls_upstream.requests] == [None]
