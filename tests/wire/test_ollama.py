import pytest

from idetour.wire import chat
from idetour.wire.ollama import number, sized, write
from wire.up_golden import each, written


@each("ollama", "requests")
def test_a_request_becomes_what_the_golden_case_says(given: str, wanted: str) -> None:
    assert written(given, write) == wanted


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"options":{"num_ctx":4096}}', 4096),
        (b'{"options":{"num_ctx":true}}', None),
        (b'{"options":{"num_ctx":"4096"}}', None),
        (b'{"options":[]}', None),
        (b"{}", None),
    ],
)
def test_a_number_is_found_where_it_is_one(body: bytes, found: int | None) -> None:
    assert number(chat.body_members(body), "num_ctx") == found


def test_a_window_stands_among_the_other_options() -> None:
    made = sized(chat.body_members(b'{"model":"m","options":{"seed":1}}'), 8192)
    assert chat.write(made) == b'{"model":"m","options":{"seed":1,"num_ctx":8192}}'
