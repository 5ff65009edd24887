"""What happens in a task, as a terminal shows it: a row for each step, the newest one alive; plain lines in a pipe."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from rich.console import RenderableType

    from idetour.agent.store import Event

WIDTH = 160  # characters of what is told of an event
FRESH = 10  # times a second that a running step is drawn
IN_STEP = ("llm.delta", "llm.response", "tool.calls", "tool.results", "step.completed")
INDENT = 4  # columns, below a step's number
LINES = 4  # of what the model is just saying
TAIL = 2000  # characters of that which are kept
STYLES = {"error": "red", "warning": "yellow", "complete": "green"}  # of events; the others have none
SHORT = {"str_replace_based_edit_tool": "edit", "json_edit_tool": "json", "sequentialthinking": "think"}


class View(Protocol):
    def show(self, event: "Event") -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Lines:
    """Each event in a line or two, as it comes."""

    def show(self, event: "Event") -> None:
        from rich.text import Text

        from idetour.cli.screen import console

        if words := told(event.type, event.data):
            at = time.strftime("%H:%M:%S", time.localtime(event.at))
            style = STYLES.get(event.type, "")
            console.print(Text(f"{at}  ", style="dim").append(words, style=f"not dim {style}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass(slots=True)
class Step:
    number: int
    began: float  # seconds since 1970
    doing: list[tuple[str, str]] = field(default_factory=list)  # tools, and what they are to do
    words: str = ""
    tokens: int = 0
    error: str = ""
    says: str = ""  # the end of what the model is just saying
    saying: tuple[str, int] = ("", 0)  # of which kind, in which call

    def hear(self, event: "Event") -> None:
        data = event.data
        if event.type == "llm.delta":
            return self.overhear(data)
        self.says = ""
        if event.type == "llm.response":
            usage = data.get("usage") or {}
            self.tokens = sum(usage.get(name) or 0 for name in ("input_tokens", "output_tokens"))
            self.words = one_line(data.get("content") or "")
        if calls := data.get("tool_calls"):
            self.doing = [(SHORT.get(each["name"], each["name"]), aim(each["arguments"])) for each in calls]
        for each in data.get("tool_results") or ():
            self.error = self.error or one_line(each.get("error") or "")
        self.error = one_line(data.get("error") or "") or self.error

    def overhear(self, data: dict[str, Any]) -> None:
        """A piece of what the model says; `again` means that what it said before does not count."""
        if data.get("again"):
            self.says = ""
        kind = next((each for each in ("reasoning", "arguments") if each in data), "text")
        if self.saying != (saying := (kind, data.get("call") or 0)):
            tool = data.get("tool") or ""
            self.says += "\n" * bool(self.says) + (f"{SHORT.get(tool, tool)} " if tool else "")
            self.saying = saying
        self.says = (self.says + str(data.get(kind) or "").replace("\\n", "\n"))[-TAIL:]


class Board:
    """Steps as rows that fit the window: what is over scrolls up, what runs is drawn again and again."""

    def __init__(self) -> None:
        from rich.live import Live

        from idetour.cli.screen import console

        self._step: Step | None = None
        self._tokens = self._steps = 0
        self._began = time.time()
        self._live = Live(
            get_renderable=self.drawn, console=console, refresh_per_second=FRESH, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, event: "Event") -> None:
        from idetour.cli.screen import console

        match event.type:
            case "queued":
                self._began = event.at
            case "step.started":
                self._step = Step(int(event.data.get("step") or 0), event.at)
            case type if type in IN_STEP and self._step:
                self._step.hear(event)
                if event.type == "step.completed":
                    done, self._step = self._step, None
                    self._steps, self._tokens = self._steps + 1, self._tokens + done.tokens
                    self._live.refresh()  # else the row would stand there twice until the next time
                    console.print(row(done, event.at), soft_wrap=False)
            case "end":
                self._step = None
                self._live.refresh()
                console.print(f"{event.data['status']}: {self._sums(event.at)}", style="bold")
            case _:
                if words := told(event.type, event.data):
                    console.print(words, style=STYLES.get(event.type))

    def drawn(self) -> "RenderableType":
        """The part that is alive."""
        from rich.console import Group
        from rich.spinner import Spinner

        now = time.time()
        rows = [row(self._step, now), *last_lines(self._step.says)] if self._step else []
        return Group(*rows, Spinner("dots", f"{self._sums(now)}   Ctrl-C leaves it running"))

    def _sums(self, now: float) -> str:
        steps = f"{self._steps} step" + "s" * (self._steps != 1)
        return f"{steps} in {max(0.0, now - self._began):.0f} s, {self._tokens:,} tokens"


def row(step: Step, now: float) -> "RenderableType":
    """A step in one row for each of its calls: number, tool, what it does, seconds, tokens."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1), expand=True)
    for width, justify in ((3, "right"), (9, "left"), (None, "left"), (8, "right"), (11, "right")):
        ratio = 1 if width is None else None
        grid.add_column(width=width, ratio=ratio, justify=justify, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]
    busy = "writes …" if step.says and step.saying[0] != "reasoning" else "thinks …"
    calls = step.doing or [("", step.words or busy)]
    for at, (tool, does) in enumerate(calls):
        sums = (f"{now - step.began:.1f} s", f"{step.tokens:,} tok" if step.tokens else "")
        grid.add_row(
            str(step.number) if at == 0 else "",
            Text(tool, style="cyan"),
            Text(does),
            *(sums if at == 0 else ("", "")),
        )
    if step.error:
        grid.add_row("", "", Text(step.error, style="red"), "", "")
    return grid


def last_lines(text: str) -> "list[RenderableType]":
    """The end of a text as it would stand below a step, as wide as the window."""
    from rich.padding import Padding
    from rich.text import Text

    from idetour.cli.screen import console

    width = max(20, console.width - INDENT - 1)
    lines = Text(printable(text)).wrap(console, width)[-LINES:]
    return [
        Padding(Text(line.plain.rstrip(), style="dim", no_wrap=True), (0, 0, 0, INDENT)) for line in lines
    ]


def aim(arguments: Any) -> str:
    """What a call is to do, in a line: the command, or the command and its path."""
    if not isinstance(arguments, dict):
        return one_line(str(arguments or ""))
    said = [
        str(arguments[name]) for name in ("command", "operation", "path", "file_path") if arguments.get(name)
    ]
    return one_line(" ".join(said or map(str, arguments.values())))


def told(type: str, data: dict[str, Any]) -> str:
    """What is worth a line; empty for what other events say as well."""
    match type:
        case "start":
            return f"started by {data['runner']}, model {data['model'] or 'of the configuration'} ({data['route']})"
        case "llm.response":
            return f"{data.get('step')}  {one_line(data.get('content') or '')}".rstrip()
        case "tool.calls":
            return "\n".join(
                f"   → {each['name']} {one_line(str(each['arguments']))}" for each in data["tool_calls"]
            )
        case "tool.results":
            results = (each.get("error") or each.get("result") or "" for each in data["tool_results"])
            return "\n".join(f"   ← {one_line(str(each))}" for each in results)
        case "complete" | "error" | "stopped":
            return str(data.get("error") or data.get("result") or data.get("message"))
        case "warning" | "log":
            return one_line(str(data.get("message")))
        case "step.completed":
            return f"   failed: {one_line(data['error'])}" if data.get("error") else ""
        case "end":
            return str(data["status"])
    return ""


def one_line(text: str, most: int = WIDTH) -> str:
    """Text of others, fit for a terminal."""
    flat = " ".join(text.split())
    cut = f"{flat[:most]}…" if len(flat) > most else flat
    return printable(cut)


def printable(text: str) -> str:
    """Its lines stay; nothing else in it can drive a terminal."""
    spaced = text.replace("\r", "").replace("\t", " ")
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in spaced)
