import pytest

from idetour.routes import path
from routes.asking import asks


@pytest.mark.parametrize(
    ("shape", "asked", "holds"),
    [
        ("/v1/messages", "/v1/messages", True),
        ("/v1/messages", "/v1/messages/count_tokens", False),
        ("/v1/*", "/v1/chat/completions", True),
        ("*/messages", "/anthropic/v1/messages", True),
        ("/v1/*", "/", False),
    ],
)
def test_a_path_matches_as_a_whole(shape: str, asked: str, holds: bool) -> None:
    assert path.judge([shape], asks("a", path=asked)).holds is holds


def test_a_long_path_full_of_slashes_is_cut() -> None:
    assert not path.judge(["*/*/*/*/*/x"], asks("a", path="/a" * 50_000)).holds
