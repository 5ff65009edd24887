"""The profile as it lies on the disk, one that is only looked at, and the rule that a request meets."""

from typing import TYPE_CHECKING

import pytest

from endpoints.admin.owning import got, own
from upstream import Upstream

if TYPE_CHECKING:
    from conftest import Serving

CHECK, EXPLAIN = "/admin/api/profile/check", "/admin/api/explain"


def test_its_text_is_shown_without_keys_and_with_its_mistakes_marked(owned: "Serving") -> None:
    from endpoints.conftest import CANARY

    path = owned.gateway.watched.current.path
    path.write_text(f"models: {{m: nowhere}}\n# {CANARY}\nroute: 3\n")
    said = got(owned.port, "profile")

    assert said["name"] == "profile"
    assert [(each["line"], each["column"]) for each in said["problems"]] == [(1, 13), (3, 1)]
    assert "did you mean 'routes'?" in said["problems"][1]["hint"]
    assert (CANARY in said["text"], "route: 3" in said["text"]) == (False, True)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("key: word-1234", "key: •••••••••"),
        ("access: [word-1234]", "access: •••••••••••"),
        ("proxy: http://me:word-1234@proxy:1", "proxy: http://••••••••••••@proxy:1"),
        ("key: $KEY", "key: $KEY"),
        ("key: [$KEY, '$OTHER']", "key: [$KEY, '$OTHER']"),
        ("key: client", "key: client"),
    ],
)
def test_a_key_that_was_just_typed_is_covered_before_anybody_knows_it(
    owned: "Serving", line: str, shown: str
) -> None:
    path = owned.gateway.watched.current.path
    path.write_text(f"upstreams:\n  up:\n    {line}\n   broken")

    said = got(owned.port, "profile")
    assert shown in said["text"].splitlines()[2]
    assert "word-1234" not in str(said)


def test_a_file_that_is_gone_is_a_problem_too(owned: "Serving") -> None:
    owned.gateway.watched.current.path.unlink()

    assert len(got(owned.port, "profile")["problems"]) == 1


@pytest.mark.parametrize(
    ("text", "ok", "lines"),
    [("models: {m: demo/hello}", True, []), ("a: 1\nmodels: {m: 3}", False, [1, 2]), ("{", False, [1])],
)
def test_a_text_is_looked_at_and_changes_nothing(
    owned: "Serving", text: str, ok: bool, lines: list[int]
) -> None:
    before = owned.gateway.watched.current
    said = own(owned.port, "POST", CHECK, {"text": text}).json()

    assert (said["ok"], [each["line"] for each in said["problems"]]) == (ok, lines)
    assert owned.gateway.watched.current is before


def test_a_text_without_end_is_refused(owned: "Serving") -> None:
    assert own(owned.port, "POST", CHECK, {"text": "x" * 600_000}).status == 400


def test_it_is_told_which_rule_a_request_meets_and_nothing_is_sent(
    owned: "Serving", upstream: Upstream
) -> None:
    path = owned.gateway.watched.current.path
    path.write_text(
        f"{path.read_text()}\n".replace("r: [{", "s: [{when: {says: debug}, use: up/a}, {use: up/b}], r: [{")
    )
    owned.gateway.watched.check()
    said = own(owned.port, "POST", EXPLAIN, {"text": "please debug it", "model": "s"}).json()
    request = {"model": "s", "messages": [{"role": "user", "content": "hello"}]}
    other = own(owned.port, "POST", EXPLAIN, {"request": request}).json()

    assert (said["route"], [rule["met"] for rule in said["rules"]]) == ("s", [True, True])
    assert said["rules"][0]["words"][0]["word"] == "says"
    assert [each["target"] for each in said["candidates"]] == ["up/a"]
    assert [each["target"] for each in other["candidates"]] == ["up/b"]
    assert other["rules"][0]["met"] is False
    assert upstream.requests == []


def test_a_name_that_nobody_knows_is_told(owned: "Serving") -> None:
    said = own(owned.port, "POST", EXPLAIN, {"text": "x", "model": "nobody"}).json()

    assert (said["candidates"], said["route"]) == ([], None)
    assert "nobody" in said["refused"]


@pytest.mark.parametrize(
    "body", [{}, {"text": "x", "request": {}}, {"request": {"messages": 3}}, {"txt": "x"}]
)
def test_what_is_no_question_is_refused(owned: "Serving", body: dict[str, object]) -> None:
    assert own(owned.port, "POST", EXPLAIN, body).status == 400
