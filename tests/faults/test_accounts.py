"""What the client sees when accounts expire, are used up, revoked, added and removed: as long as one is well, nothing."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from endpoints.talk import Answer, chat
from idetour.accounts import store
from idetour.gateway import upkeep
from idetour.home import folder as folder_of
from idetour.secret import Secret
from qwen import TOKEN, Qwen
from upstream import Upstream, html, redirect, reply, status, stream, until

MODEL = "qwen/coder-model"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of accounts are looked at again at once."""
    monkeypatch.setattr(upkeep, "ACCOUNTS_SECONDS", 0.01)


@pytest.fixture
def logins(tmp_path: Path) -> Path:
    return tmp_path / ".qwen"


@pytest.fixture
def start(
    home: Path, qwen: Qwen, serving: Callable[..., Any], profile_file: Callable[..., Path]
) -> Callable[[], int]:
    """The gateway's port; its Qwen is the one that is played."""
    text = f"upstreams: {{ qwen: {{ url: '{qwen.upstream.url}' }} }}\nmodels: {{ m: {MODEL} }}"
    return lambda: serving(profile_file(text), state=folder_of("state")).port


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    caplog.set_level(logging.DEBUG)
    yield caplog
    assert "of-the-playing-server" not in caplog.text


def many(port: int, count: int, at_once: int, *, talk: Callable[..., Answer] = chat) -> list[Answer]:
    def one(number: int) -> Answer:
        words = [{"role": "user", "content": f"conversation {number}"}]
        return talk(port, stream=True, messages=words)

    with ThreadPoolExecutor(at_once) as pool:
        return [*pool.map(one, range(count))]


def told(answer: Answer) -> str:
    return str(answer.json()["error"]["message"])


def test_three_accounts_two_hundred_requests_one_revoked_midway_and_no_error(
    qwen: Qwen, logins: Path, start: Callable[[], int], said: pytest.LogCaptureFixture
) -> None:
    for name in ("default", "work", "home"):
        qwen.login(logins, name)
    port = start()
    first = many(port, 100, 10)
    qwen.revoke("work")
    second = many(port, 100, 10)

    assert [answer.status for answer in (*first, *second)] == [200] * 200
    assert all(b"[DONE]" in answer.body for answer in (*first, *second))
    assert min(account.asked for account in qwen.accounts.values()) > 10  # they share
    assert "Qwen account work: Qwen does not know the login any more" in said.text


def test_a_hundred_requests_at_once_with_an_expired_token_cost_one_renewal(
    qwen: Qwen, logins: Path, start: Callable[[], int], said: pytest.LogCaptureFixture
) -> None:
    qwen.login(logins, expires_in=-5)
    answers = many(start(), 100, 100)

    assert [answer.status for answer in answers] == [200] * 100
    assert qwen.refreshes == 1


def test_a_token_that_is_refused_before_its_time_is_renewed_and_the_request_replayed(
    qwen: Qwen, logins: Path, start: Callable[[], int], said: pytest.LogCaptureFixture
) -> None:
    qwen.login(logins)
    qwen.accounts["default"].access.clear()
    answers = many(start(), 20, 20)

    assert [answer.status for answer in answers] == [200] * 20
    assert qwen.refreshes == 1


def test_an_account_that_the_api_refuses_for_good_is_asked_twice_and_no_more(
    qwen: Qwen, logins: Path, start: Callable[[], int]
) -> None:
    qwen.login(logins)
    refusal = {"error": {"message": "invalid access token or token expired", "code": "invalid_api_key"}}
    qwen.upstream.always(status(401, refusal), asked="coder-model")
    answer = chat(start())

    assert (answer.status, answer.code) == (401, "invalid_api_key")
    assert "Qwen ended its free accounts on 2026-04-15" in told(answer)
    assert "idetour login dashscope" in told(answer)
    assert [each.path for each in qwen.upstream.requests].count("/v1/chat/completions") == 2
    assert qwen.refreshes == 1


@pytest.mark.parametrize("answer", [status(500), html(), status(400, {"error": "invalid_grant"})])
def test_a_renewal_that_fails_leads_to_the_next_account(
    qwen: Qwen, logins: Path, start: Callable[[], int], answer: Any
) -> None:
    qwen.login(logins, "broken", expires_in=-5)
    qwen.login(logins, "well")
    qwen.upstream.always(answer, asked=TOKEN)
    answers = many(start(), 20, 5)

    assert [each.status for each in answers] == [200] * 20
    assert qwen.accounts["well"].asked == 20


def test_a_login_server_that_is_away_is_said_with_when_to_come_back(
    qwen: Qwen, logins: Path, start: Callable[[], int]
) -> None:
    qwen.login(logins, expires_in=-5)
    qwen.upstream.always(status(502), asked=TOKEN)
    answer = chat(start())

    assert (answer.status, answer.code) == (503, "login_unavailable")
    assert "Qwen account default: 127.0.0.1 gives no new token" in told(answer)
    assert 0 < int(answer.headers["retry-after"]) <= 3


def test_a_lost_login_names_its_remedy_each_time(qwen: Qwen, logins: Path, start: Callable[[], int]) -> None:
    qwen.login(logins, "work", expires_in=-5)
    qwen.revoke("work")
    port = start()
    for answer in (chat(port), chat(port)):
        assert (answer.status, answer.code) == (401, "login_required")
        assert "Run `idetour login qwen work`." in told(answer)
    assert qwen.refreshes == 1


def test_a_new_login_is_used_at_once_though_the_old_one_was_refused(
    qwen: Qwen, logins: Path, start: Callable[[], int]
) -> None:
    qwen.login(logins)
    qwen.revoke("default")
    port = start()
    assert chat(port).status == 401
    qwen.login(logins)
    assert until(lambda: chat(port).status == 200)


def test_what_was_held_against_an_account_ends_with_a_new_login(
    qwen: Qwen, logins: Path, start: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFAULT_ACCOUNT", "work")
    for name in ("default", "work"):
        qwen.login(logins, name)
    qwen.accounts["work"].exhausted = True
    port = start()
    assert [chat(port).status for _ in range(3)] == [200] * 3
    assert qwen.accounts["default"].asked == 3
    qwen.accounts["work"].exhausted = False
    qwen.login(logins, "work")
    assert until(lambda: chat(port).status == 200 and qwen.accounts["work"].asked)


def test_when_all_are_used_up_the_error_says_when_the_first_recovers(
    qwen: Qwen, logins: Path, start: Callable[[], int]
) -> None:
    for name in ("default", "work"):
        qwen.login(logins, name)
        qwen.accounts[name].exhausted = True
    port = start()
    for answer in (chat(port), chat(port)):
        assert (answer.status, answer.code) in ((429, "insufficient_quota"), (429, "rate_limit_exceeded"))
        assert 1700 < int(answer.headers["retry-after"]) <= 1980
        assert told(answer).count("Free allocated quota exceeded") == 1
        assert re.search(r"(?:Ask again in|is left alone for) 3\d min", told(answer))
    assert [each.path for each in qwen.upstream.requests] == ["/v1/chat/completions"] * 2


def test_an_account_that_is_removed_during_a_stream_serves_it_to_its_end(
    qwen: Qwen, logins: Path, start: Callable[[], int]
) -> None:
    file, gate, port = qwen.login(logins), Event(), start()
    qwen.upstream.then(stream("Hel", "lo").held_after(2, gate), asked="coder-model")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(chat, port, stream=True)
        assert until(lambda: qwen.upstream.requests)
        file.unlink()
        assert until(lambda: chat(port).status == 401)
        gate.set()
        assert b"[DONE]" in answer.result(5).body
    assert "idetour login qwen" in told(chat(port))


def test_a_file_that_qwen_code_renewed_meanwhile_is_picked_up(
    qwen: Qwen, logins: Path, start: Callable[[], int]
) -> None:
    qwen.login(logins)
    port = start()
    assert chat(port).status == 200
    qwen.login(logins)  # by another program: the old tokens are void
    assert [chat(port).status for _ in range(5)] == [200] * 5
    assert qwen.refreshes == 0


def test_a_redirect_takes_no_token_along(
    qwen: Qwen, logins: Path, start: Callable[[], int], upstreams: Callable[..., Upstream]
) -> None:
    qwen.login(logins)
    other = upstreams()
    qwen.upstream.always(redirect(f"{other.url}/chat/completions"), asked="coder-model")

    assert chat(start()).status == 502
    assert other.requests == []


def test_a_login_that_leads_to_a_foreign_host_sends_nothing(
    qwen: Qwen, logins: Path, start: Callable[[], int], upstreams: Callable[..., Upstream]
) -> None:
    other = upstreams()
    qwen.login(logins, resource_url=other.url)
    answer = chat(start())

    assert (answer.status, answer.code) == (401, "login_required")
    assert "sends its requests to another place than Qwen's" in told(answer)
    assert other.requests == qwen.upstream.requests == []


def test_the_default_account_is_asked_first_and_the_others_when_it_rests(
    qwen: Qwen, logins: Path, start: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFAULT_ACCOUNT", "work")
    for name in ("default", "work"):
        qwen.login(logins, name)
    port = start()
    many(port, 20, 4)
    assert qwen.accounts["work"].asked == 20
    qwen.accounts["work"].exhausted = True
    assert chat(port).status == 200
    assert qwen.accounts["default"].asked == 1


@pytest.fixture
def house(
    home: Path,
    upstream: Upstream,
    serving: Callable[..., Any],
    profile_file: Callable[..., Path],
) -> int:
    """A gateway whose one upstream needs a key that is not in the environment."""
    text = f"upstreams: {{ house: {{ url: '{upstream.url}', key: $HOUSE }} }}\nmodels: {{ m: house/x }}"
    port: int = serving(profile_file(text), state=folder_of("state")).port
    return port


def add(upstream: Upstream, name: str, **how: float) -> None:
    key = Secret(f"canary-key-of-{name}-0123456789")
    store.add(folder_of("state"), key, upstream="house", url=upstream.url, name=name, **how)


def asked_with(upstream: Upstream) -> list[str]:
    marks = [(request.header("authorization") or "").removeprefix("Bearer ") for request in upstream.requests]
    return [mark.removeprefix("canary-key-of-").removesuffix("-0123456789") for mark in marks]


def test_a_key_that_is_added_rested_woken_and_removed_while_idetour_runs(
    house: int, upstream: Upstream
) -> None:
    state = folder_of("state")
    assert chat(house).code == "upstream_key_missing"
    add(upstream, "work")
    assert until(lambda: chat(house).status == 200)
    store.disable(state, "house/work")
    assert until(lambda: chat(house).status == 401)
    store.disable(state, "house/work", disabled=False)
    assert until(lambda: chat(house).status == 200)
    store.remove(state, "house/work")
    assert until(lambda: chat(house).status == 401)
    assert set(asked_with(upstream)) == {"work"}


def test_a_refused_key_leads_to_the_next_without_a_second_try(house: int, upstream: Upstream) -> None:
    add(upstream, "bad")
    add(upstream, "good")
    upstream.always(
        lambda request: status(401) if "bad" in str(request.header("authorization")) else reply("hi")(request)
    )
    assert until(lambda: chat(house).status == 200)
    assert [each.status for each in many(house, 20, 1)] == [200] * 20
    assert asked_with(upstream).count("bad") <= 1


def test_conversations_are_shared_by_weight(house: int, upstream: Upstream) -> None:
    add(upstream, "large", weight=4)
    add(upstream, "small")
    assert until(lambda: chat(house).status == 200)
    many(house, 100, 10)
    shares = asked_with(upstream)
    assert shares.count("large") > 2 * shares.count("small") > 0


def test_a_key_is_in_no_answer_and_no_line(
    house: int, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    add(upstream, "work")
    key = "canary-key-of-work-0123456789"
    upstream.always(status(401, {"error": {"message": f"no such key: {key}"}}))
    assert until(lambda: "no such key" in told(chat(house)))
    assert key not in told(chat(house))
    assert key not in caplog.text
    assert json.loads((folder_of("state") / store.FILE).read_bytes())["accounts"][0]["key"] == key
