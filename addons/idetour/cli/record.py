"""`idetour record`: keep the requests that pass through a running idetour as files, without keys, for as long as it runs."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from idetour.cli.group import its_port
from idetour.errors import SetupError

if TYPE_CHECKING:
    import httpx2

    from idetour.gateway.recording import Recording
    from idetour.wire.sse import Event

FOLDER = "recordings"  # in idetour's home; there, and only there, old ones are removed
KEPT_DAYS = 14
KEPT_BYTES = 500 << 20
MOST = 200  # requests of one run
SILENCE_SECONDS = 20.0  # idetour says something every two seconds
EVENT_BYTES = 64 << 20  # a request of 10 MB, its answer, and what JSON adds
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(context: click.Context, parameter: click.Parameter, value: str) -> float:
    """Of `90s`, `10m`, `2h`, `1d`."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", value.strip())
    if not found or not int(found[1]):
        raise click.BadParameter(f"{value!r} is no duration: write 90s, 10m, 2h or 1d.")
    return float(found[1]) * UNITS[found[2]]


@click.command(short_help="Keep real requests as files, to replay them.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Where to. Without it {FOLDER}/ in idetour's home, where what is older than {KEPT_DAYS} days is removed.",
)
@click.option("--for", "lasting", callback=seconds, default="1h", show_default=True, help="For how long.")
@click.option("-m", "--model", help="Only requests for this name, or answered by this target.")
@click.option(
    "--max", "most", type=click.IntRange(1, 10_000), default=MOST, show_default=True, help="At most so many."
)
@click.option("--no-data", is_flag=True, help="Images and files in requests only by their size.")
@its_port
def record(
    folder: Path | None, lasting: float, model: str | None, most: int, no_data: bool, port: int
) -> None:
    """Keep each request that passes through the idetour on this port as a file, until Ctrl-C.

    Keys and tokens are taken out, by the profile's own and by their shape; all
    else is kept as it was said: your code, your questions, the answers. Nothing
    is kept when this command does not run. `idetour replay` sends the files to
    other models.
    """
    from idetour import home
    from idetour.cli.screen import console

    ours = folder is None
    folder = home.folder(FOLDER) if folder is None else folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken = Taken(folder, most, time.monotonic() + lasting)
    with listening(port, {"model": model, "data": not no_data}) as answer:
        if ours:
            prune(folder)
        console.print(
            f"Recording {f'requests for {model}' if model else 'every request'} in {folder}", style="bold"
        )
        console.print(
            "What your IDE says and hears is written there as text; keys are taken out. Ctrl-C ends it."
        )
        try:
            ended = taken.follow(events(answer))
        except KeyboardInterrupt:
            ended = "Ended."
    taken.show(ended)


@dataclass(slots=True)
class Taken:
    """What one run keeps."""

    folder: Path
    most: int
    until: float  # on the monotonic clock
    kept: list[tuple[Path, "Recording"]] = field(default_factory=list)
    missed: int = 0

    def follow(self, events: "Iterator[Event | None]") -> str:
        """Keep what comes, until there is enough. Returns why it ended, as a sentence."""
        from idetour.cli.screen import console

        for event in events:
            if event and event.name == b"missed":
                self.missed += int(event.data)
            elif event:
                path, recording = self.keep(event.data)
                console.print(f"{path.name}  {went(recording)}")
            if len(self.kept) >= self.most:
                return f"Ended after {self.most} requests (--max)."
            if time.monotonic() > self.until:
                return "Ended: the time is over (--for)."
        return "Ended: idetour has stopped."

    def keep(self, data: bytes) -> "tuple[Path, Recording]":
        """Write it to a file of its own, that nobody else can read. Raises OSError."""
        import msgspec

        from idetour import disk
        from idetour.gateway.recording import Recording, encode

        recording = msgspec.json.decode(data, type=Recording)
        stem = name(recording)
        names = (self.folder / f"{stem}{again}.json" for again in ("", *(f"-{n}" for n in range(2, 1000))))
        path = next(path for path in names if not path.exists())
        disk.create(path, encode(recording))
        self.kept.append((path, recording))
        return path, recording

    def show(self, ended: str) -> None:
        from idetour.cli.screen import console, table, warn

        console.print()
        console.print(ended, style="bold")
        if self.missed:
            warn([f"not kept, because they came too quickly or were not understood: {self.missed}"])
        if not self.kept:
            console.print("No request passed: nothing was kept.")
            return
        table(
            ("file", "protocol", "asked for", "answered by", "outcome", "tokens", "total"),
            (line(path, recording) for path, recording in self.kept),
        )
        console.print(f"Send them to others: idetour replay {self.folder}/*.json --to upstream/model-id")


@contextmanager
def listening(port: int, wanted: dict[str, object]) -> "Iterator[httpx2.Response]":
    """The stream of recordings. Raises SetupError."""
    import httpx2

    from idetour.cli.running import check, owning
    from idetour.endpoints.recorder import RECORD

    with owning(port) as client:
        try:
            with client.stream("POST", RECORD, json=wanted, timeout=SILENCE_SECONDS) as answer:
                check(answer, port)
                yield answer
        except httpx2.HTTPError as error:
            raise SetupError(f"The idetour on port {port} does not answer: {error}") from error


def events(answer: "httpx2.Response") -> "Iterator[Event | None]":
    """What idetour tells, with a None for each sign of life; ends with idetour."""
    import httpx2

    from idetour.wire.sse import Reader

    reader = Reader(limit=EVENT_BYTES)
    try:
        for data in answer.iter_bytes():
            yield from reader.feed(data)
            yield None
    except httpx2.TransportError:
        return


def name(recording: "Recording") -> str:
    """`20261120-104512-gpt-4o-3fa2`: sorts by time, says what was asked for."""
    at = time.strftime("%Y%m%d-%H%M%S", time.localtime(recording.at))
    asked = re.sub(r"[^\w.]+", "-", recording.asked, flags=re.ASCII).strip("-.")[:40]
    return f"{at}-{asked or 'model'}-{str(recording.answer.get('id', ''))[-4:]}"


def went(recording: "Recording") -> str:
    """How it went in a few words."""
    keys = recording.removed.get("keys", 0)
    words = [
        f"{recording.asked} → {recording.answer['target'] or 'nobody'}",
        recording.answer["outcome"],
        f"{keys} {'key' if keys == 1 else 'keys'} removed" if keys else "",
    ]
    return " · ".join(filter(None, words))


def line(path: Path, recording: "Recording") -> Iterator[str]:
    from idetour.cli.screen import duration

    answer = recording.answer
    tokens = answer["tokens"]
    yield path.name
    yield recording.protocol
    yield recording.asked
    yield answer["target"] or "nobody"
    yield answer["outcome"]
    yield f"{tokens['prompt']:,} in, {tokens['completion']:,} out" if tokens else "–"
    yield duration(answer["total"])


def prune(folder: Path) -> None:
    """Remove what is too old, and the oldest of what is too much, so that nothing grows for ever."""
    found = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    oldest, size = time.time() - KEPT_DAYS * UNITS["d"], 0
    for path in found:
        about = path.stat()
        size += about.st_size
        if about.st_mtime < oldest or size > KEPT_BYTES:
            path.unlink()
