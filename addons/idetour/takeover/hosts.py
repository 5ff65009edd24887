"""The hosts file: a marked block of ours at its end, and every other byte as it was.

Each line of ours carries our name, so a person may move, edit or remove lines
inside the block and around it: what still is exactly ours goes, all else stays.
The text is taken as Latin-1, which any bytes are, or as the UTF-16 that it says it is.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from idetour import system
from idetour.errors import SetupError
from idetour.takeover import journal
from idetour.takeover.rewrite import rewrite

ADDRESSES = ("127.0.0.1", "::1")  # with IPv4 alone, the resolver would ask the network for the IPv6 address
BEGIN = "# idetour begin: these names lead to idetour; `idetour undo` takes them out"
JOINED = " and the line end before them"  # the file did not end with one
END = "# idetour end"
BOMS = ("\ufeff", "\xef\xbb\xbf")  # of UTF-16, and of UTF-8 taken as Latin-1
OURS = re.compile(r"# idetour (?:begin|end)\b.*|(?:127\.0\.0\.1|::1) (?P<host>\S+) # idetour")


def with_block(text: bytes, hosts: Sequence[str]) -> bytes:
    """The file with our block for these hosts, instead of any earlier one."""
    codec = _codec(text)
    clean = _without(text.decode(*codec))
    end = "\r\n" if "\r\n" in clean else "\n"
    joined = clean not in ("", *BOMS) and not clean.endswith("\n")
    lines = [f"{address} {host} # idetour" for host in dict.fromkeys(hosts) for address in ADDRESSES]
    block = [BEGIN + JOINED * joined, *lines, END] if lines else []
    return (clean + end * (joined and bool(lines)) + "".join(line + end for line in block)).encode(*codec)


def without_block(text: bytes) -> bytes:
    """The file without our lines. `without_block(with_block(x, …)) == x` for any bytes without such lines."""
    codec = _codec(text)
    return _without(text.decode(*codec)).encode(*codec)


def taken(text: bytes) -> tuple[str, ...]:
    """The hosts that lines of ours name."""
    found = (_is_ours(line) for line in text.decode(*_codec(text)).split("\n"))
    return tuple(dict.fromkeys(match["host"] for match in found if match and match["host"]))


def remarks(text: bytes, hosts: Sequence[str]) -> Iterator[str]:
    """What in the file may keep the takeover from working, as sentences; it is the user's and stays."""
    codec = _codec(text)
    if codec[0] != "latin-1":
        yield "The hosts file is in UTF-16, which the system does not read: save it as UTF-8 or ANSI."
    for number, line in enumerate(text.decode(*codec).split("\n"), 1):
        names = line.partition("#")[0].lower().split()[1:]
        if not _is_ours(line) and (host := next((each for each in hosts if each in names), None)):
            yield f"Line {number} of the hosts file names {host} too, and comes first: {line.strip()}"


def location() -> Path:
    """Where this system keeps it."""
    if sys.platform == "win32":
        return Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "drivers" / "etc" / "hosts"
    return Path("/etc/hosts")


def on(hosts: Sequence[str], *, held: bool = False, path: Path | None = None) -> tuple[str, ...]:
    """Lead these hosts to this machine; returns remarks. Raises SetupError, nothing then being changed."""
    path = path or location()
    with journal.locked():
        text = read(path)
        others = [each.data for each in journal.entries() if each.kind == "hosts"]
        data = {"path": str(path), "hosts": list(hosts), "existed": path.exists()}
        entry = journal.note("hosts", data, held=held)
        try:
            rewrite(path, with_block(text, _hosts_of([*others, data], path)))
        except system.NeedsRights:
            raise  # a person may type the command yet: the entry waits for that
        except SetupError:
            entry.done()
            raise
    flush()
    return tuple(remarks(text, hosts))


def undo(data: journal.Data, rest: Sequence[journal.Data]) -> None:
    """Take out what no other entry wants. What is not there is fine."""
    path = Path(data["path"])
    text = read(path)
    hosts = [host for host in _hosts_of(rest, path) if host in taken(text)]
    content = with_block(text, hosts) if hosts else without_block(text)
    if content != text:
        rewrite(path, content)
        flush()
    path.with_name(f".{path.name}.idetour").unlink(missing_ok=True)  # of one of us that was killed
    if not data["existed"] and not content:
        path.unlink(missing_ok=True)


def sweep(path: Path | None = None) -> bool:
    """Take out lines of ours that no entry knows of (a journal that was lost). Whether there were any."""
    path = path or location()
    text = read(path)
    if not taken(text) or any(each.kind == "hosts" for each in journal.entries()):
        return False
    rewrite(path, without_block(text))
    flush()
    return True


def read(path: Path) -> bytes:
    """Its bytes; none where there is no file. Raises SetupError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.") from error


def flush() -> None:
    """Make the system forget the old answers. Programs keep their own for a while."""
    for command in flush_commands(sys.platform):
        if shutil.which(command[0]):
            with suppress(SetupError):
                system.run(command, timeout=5)


def flush_commands(platform: str) -> tuple[tuple[str, ...], ...]:
    """What there is to run, as far as it is installed; none of it has to succeed."""
    if platform == "win32":
        return (("ipconfig", "/flushdns"),)
    if platform == "darwin":
        return (("dscacheutil", "-flushcache"), ("killall", "-HUP", "mDNSResponder"))
    return (("resolvectl", "flush-caches"), ("nscd", "--invalidate=hosts"))


def _hosts_of(entries: Sequence[journal.Data], path: Path) -> list[str]:
    return list(
        dict.fromkeys(host for data in entries if data["path"] == str(path) for host in data["hosts"])
    )


def _codec(text: bytes) -> tuple[str, str]:
    """Encoding and error handling that lose nothing: any bytes come out as they went in."""
    if len(text) % 2 == 0 and text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ("utf-16-le" if text[0] == 0xFF else "utf-16-be"), "surrogatepass"
    return "latin-1", "strict"


def _is_ours(line: str) -> re.Match[str] | None:
    return OURS.fullmatch(line.strip(" \t\r\n"))


def _without(text: str) -> str:
    bom = next((each for each in BOMS if text.startswith(each)), "")
    lines = re.findall(r"[^\n]*\n|[^\n]+", text.removeprefix(bom))
    clean = bom + "".join(line for line in lines if not _is_ours(line))
    begin = next((index for index, line in enumerate(lines) if line.startswith(BEGIN + JOINED)), None)
    if begin is None or not all(map(_is_ours, lines[begin:])):
        return clean  # what the user put after it needs the line end
    return clean.removesuffix("\r\n" if lines[begin].endswith("\r\n") else "\n")
