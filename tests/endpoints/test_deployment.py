from typing import Any

import pytest

from endpoints.talk import ask, chat, look
from idetour.endpoints.deployment import named, plain
from upstream import Upstream

AZURE = "/openai/deployments/m/chat/completions"


@pytest.mark.parametrize(
    ("path", "model", "as_openai_has_it"),
    [
        (AZURE, "m", "/chat/completions"),
        (f"{AZURE}/", "m", "/chat/completions"),
        ("/openai/deployments/up/some/model/embeddings", "up/some/model", "/embeddings"),
        ("/openai/deployments//chat/completions", None, "/openai/deployments//chat/completions"),
        ("/openai/v1/chat/completions", None, "/openai/v1/chat/completions"),
        ("/v1/chat/completions", None, "/v1/chat/completions"),
    ],
)
def test_a_deployment_is_the_model_in_the_path(path: str, model: str | None, as_openai_has_it: str) -> None:
    assert (named(path), plain(path)) == (model, as_openai_has_it)


@pytest.mark.parametrize("body", [{"model": "x"}, {"model": "gpt-4o"}])
def test_the_model_in_the_path_answers_whatever_the_body_says(
    port: int, upstream: Upstream, body: dict[str, Any]
) -> None:
    answer = chat(port, path=f"{AZURE}?api-version=2024-10-21", **body)
    assert (answer.status, answer.json()["model"]) == (200, "m")
    assert upstream.requests[0].json()["model"] == "model"


def test_azures_newer_path_and_its_list_are_served_too(port: int) -> None:
    assert chat(port, path="/openai/v1/chat/completions?api-version=preview").status == 200
    assert look(port, "/openai/models?api-version=2024-10-21").json()["data"][0]["id"] == "m"


def test_an_access_key_may_come_as_azures_clients_send_it(served: object) -> None:
    port = served("access: [house-key]\n").port  # type: ignore[operator]
    body = b'{"messages":[{"role":"user","content":"hi"}]}'
    assert ask(port, "POST", AZURE, body, api_key="wrong").status == 401
    assert ask(port, "POST", AZURE, body, api_key="house-key").status == 200
