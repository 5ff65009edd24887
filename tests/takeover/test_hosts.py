"""The hosts file: our block goes in and out, and no other byte changes, whoever wrote them in what encoding."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from idetour.takeover import hosts, journal
from idetour.takeover.hosts import BEGIN, END, JOINED, taken, with_block, without_block

API = "api.openai.com"
DEBIAN = b"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n"
NAMES = st.lists(st.sampled_from([API, "openrouter.ai", "api.deepseek.com"]), min_size=1, max_size=3)

pieces = st.sampled_from(
    [DEBIAN, b"\r\n", b"\n", b"\r", b"# ", b"10.0.0.1 nas", BEGIN.encode(), END.encode()]
)
text_files = st.one_of(
    st.binary(),
    st.lists(pieces, max_size=8).map(b"".join),
    st.text(max_size=40).map(lambda text: b"\xef\xbb\xbf" + text.encode("utf-8", "surrogatepass")),
    st.text(max_size=40).map(lambda text: b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass")),
    st.binary(max_size=40).map(lambda data: b"\xfe\xff" + data),
)
notepad = "# 本机\r\n127.0.0.1 localhost"


@given(text_files, NAMES)
@example(b"", [API])
@example(b"no final newline", [API])
@example(b"ends in a carriage return\r", [API])
@example(b"\xef\xbb\xbf", [API])
@example(b"\xff\xfe", [API])
@example(notepad.encode("gbk"), [API])
@example(b"\xff\xfe" + notepad.encode("utf-16-le"), [API])
@example(DEBIAN, [API, API])
def test_out_and_in_again_gives_back_every_byte(text: bytes, names: list[str]) -> None:
    clean = without_block(text)

    assert without_block(with_block(text, names)) == clean
    assert (
        clean == text or b"i\0d\0e\0t\0o\0u\0r" in text or b"idetour" in text
    )  # only a file with lines of ours


@given(text_files, NAMES)
@example("\ufeff\ufeff".encode("utf-16-be"), [API])
@example("\ufeff\ufeff".encode(), [API])
def test_twice_is_once(text: bytes, names: list[str]) -> None:
    once = with_block(text, names)

    assert with_block(once, names) == once
    assert without_block(without_block(once)) == without_block(once)
    assert taken(once) == tuple(dict.fromkeys(names))


@given(text_files, st.sampled_from([b"10.0.0.9 nas\n", b"# mine", b"127.0.0.1 my.dev\n\n"]))
def test_what_a_user_adds_behind_the_block_survives(text: bytes, added: bytes) -> None:
    if text[:2] in (b"\xff\xfe", b"\xfe\xff") or b"idetour" in text:
        return
    end = (
        b""
        if not text or text.endswith(b"\n") or text == b"\xef\xbb\xbf"
        else b"\r\n"
        if b"\r\n" in text
        else b"\n"
    )

    assert without_block(with_block(text, [API]) + added) == text + end + added


def test_the_block_is_what_a_person_expects() -> None:
    assert with_block(DEBIAN, [API]).decode() == DEBIAN.decode() + (
        "# idetour begin: these names lead to idetour; `idetour undo` takes them out\n"
        "127.0.0.1 api.openai.com # idetour\n"
        "::1 api.openai.com # idetour\n"
        "# idetour end\n"
    )


def test_line_ends_are_those_of_the_file() -> None:
    made = with_block(DEBIAN.replace(b"\n", b"\r\n"), [API])

    assert made.count(b"\n") == made.count(b"\r\n") == 6


def test_a_file_in_utf_16_stays_so() -> None:
    text = b"\xff\xfe" + notepad.encode("utf-16-le")

    assert with_block(text, [API]).decode("utf-16").startswith(notepad + "\r\n" + BEGIN + JOINED)


@pytest.mark.parametrize(
    ("edit", "left"),
    [
        (lambda text: text.replace(END, "10.0.0.1 nas\n" + END), "10.0.0.1 nas\n"),  # a line inside
        (lambda text: text.replace(END + "\n", "127.0.0.1 my.dev\n"), "127.0.0.1 my.dev\n"),  # and our end removed
        (lambda text: re.sub(f"^127.*{API}", r"#\g<0>", text, flags=re.M), f"#127.0.0.1 {API} # idetour\n"),
        (lambda text: text.replace(BEGIN + "\n", ""), ""),
        (lambda text: text.replace("\n", "\r\n"), None),  # an editor that changed every line end
        (lambda text: "# top\n" + text, None),
    ],
)  # fmt: skip
def test_an_edited_block_leaves_what_was_edited(edit: "type[str]", left: str | None) -> None:
    edited = edit(with_block(DEBIAN, [API]).decode()).encode()
    clean = without_block(edited)

    assert taken(clean) == ()
    assert BEGIN.encode() not in clean
    assert END.encode() not in clean
    assert clean == (edit(DEBIAN.decode()).encode() if left is None else DEBIAN + left.encode())


def test_a_users_own_line_for_the_host_is_reported_and_stays() -> None:
    text = DEBIAN + b"1.2.3.4 proxy Api.OpenAI.com # mine\n#5.6.7.8 api.openai.com\n"

    assert list(hosts.remarks(with_block(text, [API]), [API])) == [
        "Line 3 of the hosts file names api.openai.com too, and comes first: 1.2.3.4 proxy Api.OpenAI.com # mine"
    ]
    assert without_block(with_block(text, [API])) == text


def test_a_file_in_utf_16_is_reported_since_the_system_does_not_read_it() -> None:
    assert "save it as UTF-8" in next(hosts.remarks("\ufefflocalhost".encode("utf-16-le"), [API]))


def test_on_is_undone_from_the_journal_alone(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(DEBIAN)
    hosts.on([API], path=path)
    assert taken(path.read_bytes()) == (API,)

    for _ in range(2):  # undone twice is harmless
        journal.undo({"hosts": hosts.undo})
        assert path.read_bytes() == DEBIAN
        assert [each.name for each in tmp_path.iterdir()] != []


def test_two_holders_share_the_block_and_each_takes_out_its_own(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(DEBIAN)
    hosts.on([API, "openrouter.ai"], path=path)
    hosts.on([API], path=path)
    first, second = journal.entries()

    journal.undo({"hosts": hosts.undo}, lambda entry: entry.path == first.path)
    assert taken(path.read_bytes()) == (API,)
    journal.undo({"hosts": hosts.undo}, lambda entry: entry.path == second.path)
    assert path.read_bytes() == DEBIAN


def test_a_file_that_was_not_there_is_gone_again(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    hosts.on([API], path=path)
    assert taken(path.read_bytes()) == (API,)

    journal.undo({"hosts": hosts.undo})
    assert not path.exists()


def test_each_system_forgets_old_answers_in_its_own_way() -> None:
    assert hosts.flush_commands("win32") == (("ipconfig", "/flushdns"),)
    assert hosts.flush_commands("darwin") == (
        ("dscacheutil", "-flushcache"),
        ("killall", "-HUP", "mDNSResponder"),
    )
    assert hosts.flush_commands("linux") == (("resolvectl", "flush-caches"), ("nscd", "--invalidate=hosts"))
