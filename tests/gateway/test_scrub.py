"""What is taken out of a recording, and what is left alone."""

import time

import pytest

from idetour.gateway.scrub import GONE, PIECE, Scrubber, in_pieces, unescaped
from idetour.secret import Secret

LONG = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"


@pytest.mark.parametrize(
    "key",
    [
        f"sk-{LONG}",
        f"sk-ant-api03-{LONG}",
        f"sk-or-v1-{LONG}",
        f"nvapi-{LONG}",
        f"gsk_{LONG}",
        f"hf_{LONG}",
        f"AIza{LONG[:35]}",
        f"ghp_{LONG}",
        f"github_pat_{LONG}",
        f"glpat-{LONG}",
        "xoxb-1234567890-abcdefghij",
        "AKIA" + "ABCDEFGH12345678",
        "sk_live_" + LONG,
        f"eyJ{LONG}.eyJ{LONG}.{LONG}",
    ],
)
def test_what_has_the_shape_of_a_key_is_removed(key: str) -> None:
    scrubber = Scrubber()

    assert scrubber.text(f"export K='{key}', then\nrun") == f"export K='{GONE}', then\nrun"
    assert scrubber.removed == {"keys": 1}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f'"api_key": "{LONG}"', f'"api_key": "{GONE}"'),
        (f"DB_PASSWORD={LONG}", f"DB_PASSWORD={GONE}"),
        (f"Authorization: Basic {LONG}==", f"Authorization: Basic {GONE}"),
        (f"curl -H 'authorization: Bearer {LONG}'", f"curl -H 'authorization: Bearer {GONE}'"),
        ("postgres://me:hunter2@db/x", f"postgres://{GONE}@db/x"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----\nrest",
            f"{GONE}\nrest",
        ),
    ],
)
def test_what_is_said_to_be_a_secret_is_removed_and_its_name_stays(text: str, left: str) -> None:
    assert Scrubber().text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "token = next_token(stream)",
        "def password(self): return self._password",
        "risk-assessment-of-the-whole-department",
        "class='sk-circle-fade-dot-animation npm_config_global_prefix'",
        "https://example.com/a?token_type=bearer",
        "The bearer of this letter, 12345, may pass.",
        "d41d8cd98f00b204e9800998ecf8427e",
        "call_abcdefghijklmnopqrstuvwx",
        "短い鍵 sk-… 不是密钥",
    ],
)
def test_code_and_prose_stay_as_they_are(text: str) -> None:
    scrubber = Scrubber()

    assert scrubber.text(text) == text
    assert not scrubber.removed["keys"]


def test_known_keys_are_found_whatever_their_shape_and_inside_names() -> None:
    scrubber = Scrubber([Secret("correct horse"), Secret("correct horse battery"), Secret("short")])
    value = {"correct horse battery": ["a correct horse", {"n": 1, "short": None, "yes": True}], "f": 0.7}

    assert scrubber.value(value) == {GONE: [f"a {GONE}", {"n": 1, "short": None, "yes": True}], "f": 0.7}
    assert scrubber.removed == {"keys": 2}


def test_files_in_base64_stay_unless_their_size_is_enough() -> None:
    url = "data:image/png;base64," + "iVBORw0K" * 1000
    blob = "QUJD" * 2000

    assert Scrubber().value([url, blob]) == [url, blob]
    sized = Scrubber(data=False)
    assert sized.value([url, blob]) == [
        "data:image/png;base64,[6,000 bytes left out]",
        "[6,000 bytes left out]",
    ]
    assert sized.removed == {"data": 2}


@pytest.mark.parametrize("filler", ["word ", "a, ", "line\n", '{"x": 1}'])
def test_a_long_text_is_searched_in_parts_and_no_key_is_cut_in_two(filler: str) -> None:
    """Wherever in a part it begins, and whatever may be cut around it."""
    for offset in range(PIECE - 60, PIECE + 10, 3):
        text = (filler * PIECE)[:offset] + f" ghp_{LONG} " + filler * 2000
        cleaned = Scrubber().text(text)

        assert cleaned == text.replace(f"ghp_{LONG}", GONE)


def test_a_hostile_text_takes_no_time_that_grows_with_its_square() -> None:
    began = time.process_time()
    Scrubber().text("token: " * 30_000)
    Scrubber().text("a:" * 100_000 + "//" + "x" * 100_000)
    for part in (
        *("sk-", "nvapi-", "-eyJ", "xoxb-", "SG.a", "a://b:", "bearer "),
        *("-----BEGIN PRIVATE KEY-----", "token=", "'api_key': ", "eyJaaaaaaaaaaa.eyJaaaaaaaaaaa."),
    ):
        Scrubber().text(" " + part * (300_000 // len(part)))  # with the blank it is no file in base64

    assert time.process_time() - began < 5


def test_a_private_key_that_was_cut_is_removed_to_its_end() -> None:
    text = f"see\n-----BEGIN RSA PRIVATE KEY-----\n{LONG}\n{LONG[:9]}"

    assert Scrubber().text(text) == f"see\n{GONE}"


@pytest.mark.parametrize("written", ['a/b+c"d12', 'a\\/b\\u002Bc\\"d12', "a%2Fb%2Bc%22d12", 'a/b+c\\"d12'])
def test_a_known_key_is_found_however_it_is_written(written: str) -> None:
    assert Scrubber([Secret('a/b+c"d12')]).text(f"it is {written}.") == f"it is {GONE}."


def test_what_is_no_key_stays_as_it_was_escaped() -> None:
    text = r"C:\/temp \u002B \u0022"

    assert Scrubber([Secret("another-key")]).text(text) == text
    assert unescaped(rb'"\u0022\u005c\u0041\/"') == rb'"\u0022\u005cA/"'


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        (b'{"content":"a-k"}\n{"content":"ey-1"}', True),
        (b'{"delta":"a-k"}\n{"text":"x"}\n{"delta":"ey-1"}', True),
        (b'{"content":"a-k"}\n{"reasoning":"ey-1"}', False),
        (b'{"content":"a-k"}\n{"other":"ey-1"}', False),
        (b"a-key-1", False),
    ],
)
def test_a_key_is_found_in_the_events_that_tell_it_in_pieces(stream: bytes, told: bool) -> None:
    assert in_pieces(stream, [Secret("a-key-1"), Secret("a-key-12")]) is False  # shorter ones are words
    long = stream.replace(b"-k", b"-long-k")
    assert in_pieces(long, [Secret("a-long-key-1")]) is told
