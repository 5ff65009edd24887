"""Which certificates in a list are ours."""

from datetime import UTC, datetime

import pytest

from idetour.certs import chain, roots
from upstream import Authority as Another
from upstream.certificates import pem

NOW = datetime.now(UTC)


def test_our_roots_are_found_among_others_whatever_stands_between(authority: Another) -> None:
    first, second = (chain.make_root(["api.openai.com"], now=NOW).certificate for _ in range(2))
    foreign = authority.ca.read_text()
    text = f"# a list\n{foreign}{pem(first).decode()}words\n{foreign}{pem(second).decode()}"
    found = list(roots.ours(text))
    assert [root for _, root in found] == [first, second]
    assert all(text[start:].startswith("-----BEGIN") for start, _ in found)


def test_an_intermediate_of_ours_is_no_root() -> None:
    middle = chain.make_intermediate(chain.make_root(["api.openai.com"], now=NOW)).certificate
    assert list(roots.ours(pem(middle).decode())) == []


@pytest.mark.parametrize("body", ["", "!!", "aWRldG91ciA=", "A" * 7])
def test_what_cannot_be_read_is_none(body: str) -> None:
    assert list(roots.ours(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")) == []


def test_every_name_that_we_give_bears_the_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    for user in ("root", "李 明", 'a,"b"', "名" * 80, "user#1"):
        monkeypatch.setenv("LOGNAME", user)
        root = chain.make_root(["api.openai.com"], now=NOW).certificate
        assert roots.is_ours(root)
        assert '"' not in root.subject.rfc4514_string()
