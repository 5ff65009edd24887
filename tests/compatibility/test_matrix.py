"""Each cell of docs/compatibility.md, driven by the SDKs of OpenAI and Anthropic."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from matrix.cells import CHECKS, PROTOCOLS, Check, Matrix, Reason, matrix
from matrix.clients import CLIENTS
from matrix.page import PAGES, page
from matrix.voices import Speaks

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with matrix(tmp_path_factory.mktemp("matrix")) as made:
        yield made


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("speaks", PROTOCOLS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_cell_works_or_says_why_not(
    tried: Matrix, client: str, speaks: Speaks, stream: bool, check: Check
) -> None:
    reason = tried.outcome(tried.cells[client, speaks, stream], check)
    assert reason is None or isinstance(reason, Reason)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_was_found(tried: Matrix, name: str) -> None:
    """`python tools/compatibility.py` writes it."""
    assert (DOCS / name).read_text("utf-8") == page(tried, PAGES[name])
