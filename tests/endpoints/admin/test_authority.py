"""The authority as it is told of over HTTP."""

from typing import TYPE_CHECKING

from endpoints.admin.owning import got

if TYPE_CHECKING:
    from conftest import Serving


def test_without_interception_there_is_none(owned: "Serving") -> None:
    assert got(owned.port, "authority") == {"exists": False}


def test_who_has_one_tells_of_it(owned: "Serving") -> None:
    owned.gateway.app.admin.authority = lambda: {"exists": True, "hosts": ["api.openai.com"]}

    assert got(owned.port, "authority")["hosts"] == ["api.openai.com"]
