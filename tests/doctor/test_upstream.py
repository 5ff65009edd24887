"""Upstreams as they are met: each answers for real, on loopback."""

from collections.abc import Callable

import pytest

from idetour.doctor import upstream as hop
from upstream import Authority, Upstream, html, status

type Look = Callable[..., list[tuple[str, str]]]

KEY = "sk-canary-4f1c0b7e9a2d"
MODELS = "/v1/models"


def profile(up: Upstream, *, more: str = "key: $THE_KEY", model: str = "up-model") -> str:
    return f"upstreams: {{up: {{url: '{up.url}', {more}}}}}\nmodels: {{m: up/{model}}}"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", KEY)


def guarded(up: Upstream, refusal: int = 401) -> None:
    """Answer the list to the right key only."""
    up.models = ["up-model"]
    listed = up._script
    up._script = lambda request: (  # type: ignore[method-assign]
        listed(request) if request.header("authorization") == f"Bearer {KEY}" else status(refusal)
    )


def test_a_key_is_accepted_where_nobody_without_it_is(look: Look, upstream: Upstream) -> None:
    guarded(upstream)

    assert look(hop.HOP, profile(upstream)) == [("ok", "up, key …9a2d: reached, and the key is accepted")]
    assert [request.path for request in upstream.requests] == [MODELS, MODELS]


def test_a_list_that_is_open_to_all_proves_no_key(look: Look, upstream: Upstream) -> None:
    [(state, text)] = look(hop.HOP, profile(upstream))

    assert state == "ok"
    assert text.endswith("its list is open to all, so the key is proved by the stream only")


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        (401, "broken", "the key is refused (401)"),
        (402, "broken", "there is no credit left (402)"),
        (403, "broken", "the key is known and not allowed (403)"),
        (404, "ok", "it has no list of models (404)"),
        (429, "note", "too many requests just now (429)"),
        (503, "broken", "it is in trouble itself (503)"),
        (307, "broken", "it answers 307 to GET /models"),
    ],
)
def test_each_status_means_what_it_says(
    look: Look, upstream: Upstream, code: int, state: str, words: str
) -> None:
    upstream.always(status(code), asked=MODELS)
    [(found, text)] = look(hop.HOP, profile(upstream))

    assert (found, words in text) == (state, True)
    assert KEY not in text


def test_an_upstream_that_is_down_says_so(look: Look, upstream: Upstream) -> None:
    upstream.refuse()

    assert look(hop.HOP, profile(upstream)) == [
        ("broken", f"up ({upstream.url}): nothing listens there (connection refused)")
    ]


def test_a_certificate_that_nobody_here_trusts_says_so(look: Look, tls_upstream: Upstream) -> None:
    [(state, text)] = look(hop.HOP, profile(tls_upstream))

    assert state == "broken"
    assert "its certificate is not trusted" in text


def test_its_own_ca_is_used(look: Look, tls_upstream: Upstream, authority: Authority) -> None:
    [(state, _)] = look(hop.HOP, profile(tls_upstream, more=f"key: $THE_KEY, ca: {authority.ca}"))

    assert state == "ok"


def test_its_own_proxy_is_used(look: Look, upstream: Upstream, upstreams: Callable[..., Upstream]) -> None:
    proxy = upstreams()
    proxy.refuse()
    [(state, _)] = look(hop.HOP, profile(upstream, more=f"key: $THE_KEY, proxy: '{proxy.origin}'"))

    assert state == "broken"
    assert upstream.requests == []


def test_a_model_that_its_list_lacks_is_a_note_with_the_nearest(look: Look, upstream: Upstream) -> None:
    upstream.models = ["qwen3-coder-plus", "qwen3-max"]

    assert look(hop.HOP, profile(upstream, model="qwen3-coder-pluss"))[1:] == [
        ("note", "up: its list has no qwen3-coder-pluss")
    ]


def test_a_page_instead_of_a_list_is_no_list(look: Look, upstream: Upstream) -> None:
    upstream.always(html(), asked=MODELS)

    assert [state for state, _ in look(hop.HOP, profile(upstream))] == ["ok"]


def test_anthropic_is_asked_in_its_own_way(look: Look, upstream: Upstream) -> None:
    look(
        hop.HOP,
        f"upstreams: {{a: {{url: '{upstream.origin}', key: $THE_KEY, speaks: anthropic}}}}\nmodels: {{m: a/x}}",
    )
    last = upstream.requests[-1]

    assert (last.path, last.header("x-api-key")) == (MODELS, KEY)
    assert last.header("anthropic-version")


def test_the_demo_is_not_asked(look: Look) -> None:
    assert [state for state, _ in look(hop.HOP)] == ["skipped"]
