"""Asking a running idetour for tokens. What they open is in tests/endpoints/test_grants.py."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idetour.agent.gateway import Gateway
from idetour.endpoints.admin import token
from idetour.errors import SetupError
from upstream import Upstream

if TYPE_CHECKING:
    from conftest import Serving


@pytest.fixture
def gateway(serving: Callable[..., "Serving"], profile_file: Callable[..., Path], tmp_path: Path) -> Gateway:
    port = serving(profile_file("models: { coder: demo/hello }"), admin=token(tmp_path), state=tmp_path).port
    return Gateway(f"http://127.0.0.1:{port}", tmp_path / "admin-token")


def test_a_token_is_issued_and_revoked(gateway: Gateway) -> None:
    card = gateway.issue("a task", seconds=60)

    assert gateway.answers()
    assert card.token.reveal().startswith("idt-")
    assert card.token.reveal() not in repr(card)
    assert gateway.first_model(card.token) == "coder"
    assert gateway.usage(card.id)["label"] == "a task"
    assert gateway.revoke(card.id) == {"requests": 0, "prompt": 0, "completion": 0}
    with pytest.raises(SetupError, match="revoked"):
        gateway.first_model(card.token)


def test_where_there_are_only_scripts_the_one_that_does_a_task_is_taken(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Path], tmp_path: Path
) -> None:
    file = profile_file("offer: available")
    port = serving(file, admin=token(tmp_path), state=tmp_path).port
    scripts = Gateway(f"http://127.0.0.1:{port}", tmp_path / "admin-token")

    assert scripts.first_model(scripts.issue("a task", seconds=60).token) == "demo/agent"


def test_what_is_forgotten_tells_what_it_used(gateway: Gateway) -> None:
    gateway.issue("a task", seconds=60)

    assert gateway.forget("another") == {}
    assert gateway.forget("a task") == {"requests": 0, "prompt": 0, "completion": 0}
    assert gateway.forget("a task") == {}


def test_another_home_is_said_so(gateway: Gateway, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="another home"):
        Gateway(gateway.url, tmp_path / "none").issue("x", seconds=1)
    (tmp_path / "wrong").write_text("x" * 43)
    with pytest.raises(SetupError, match="admin token"):
        Gateway(gateway.url, tmp_path / "wrong").issue("x", seconds=1)


def test_nobody_there_is_said_so(tmp_path: Path, free_port: int) -> None:
    nobody = Gateway(f"http://127.0.0.1:{free_port}", tmp_path / "t")
    (tmp_path / "t").write_text("x")

    assert not nobody.answers()
    with pytest.raises(SetupError, match="Start it with `idetour run`"):
        nobody.issue("x", seconds=1)


def test_somebody_else_is_said_so(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "t").write_text("x")

    assert not Gateway(upstream.origin, tmp_path / "t").answers()


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="only root can be two users"
)
def test_the_owners_token_is_not_sent_to_another_user(
    upstreams: Callable[[], Upstream], tmp_path: Path
) -> None:
    os.seteuid(54321)
    try:
        other = upstreams()
        os.seteuid(0)
        os.seteuid(12345)
        with pytest.raises(SetupError, match="Another user"):
            Gateway(other.origin, tmp_path / "t").issue("x", seconds=1)
    finally:
        os.seteuid(0)
    assert other.requests == []
