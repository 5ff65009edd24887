"""`/admin/api/tokens` to its owner. What the tokens open is in tests/endpoints/test_grants.py."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from endpoints.talk import ask
from idetour.endpoints.admin import HEADER
from idetour.secret import Secret

if TYPE_CHECKING:
    from conftest import Serving


def test_a_token_is_said_once_and_listed_without_it(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Path], tmp_path: Path
) -> None:
    admin = Secret("t" * 43)
    port = serving(profile_file("models: { m: demo/hello }"), admin=admin, state=tmp_path).port
    headers = {"content_type": "application/json", HEADER.replace("-", "_"): admin.reveal()}
    path, body = "/admin/api/tokens", json.dumps({"label": "l" * 300, "models": ["m"]}).encode()
    made = ask(port, "POST", path, body, **headers).json()
    listed = ask(port, "GET", path, b"", **headers)

    assert made["token"].startswith("idt-")
    assert set(made) == {"id", "label", "expires", "models", "usage", "token"}
    assert [{**grant, "token": made["token"]} for grant in listed.json()["tokens"]] == [made]
    assert made["token"].encode() not in listed.body
    assert len(made["label"]) == 200
