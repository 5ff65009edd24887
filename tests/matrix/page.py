"""docs/compatibility.md, written from what the matrix found."""

from collections.abc import Iterator
from typing import NamedTuple

from matrix.cells import CHECKS, Matrix, Reason

NAMES = {"chat": "Chat Completions", "messages": "Messages", "responses": "Responses"}
SPOKEN = {"openai": "Chat Completions", "anthropic": "Messages", "responses": "Responses"}


class Language(NamedTuple):
    head: str
    columns: str
    checks: tuple[str, ...]
    ways: tuple[str, str]  # streamed, whole


ENGLISH = Language(
    head="""# Compatibility

[中文](compatibility.zh-CN.md)

Each line is a client's protocol with an upstream's. The client is the current SDK of OpenAI or Anthropic, the upstream a
scripted one; `tests/compatibility` tries every cell, and `tools/compatibility.py` writes this page from what it finds.
What becomes of each field is in [protocols](protocols.md).

**Tools** are three rounds: two calls at once, a call beside a text, the answer; each result is found again by its id.
**Reasoning goes back** means that the model gets what it thought before its call, sealed or signed as it had given it.
**Errors before** an answer have their status and the sign by which a client knows that it has to shorten the
conversation; **errors inside** one raise in the SDK, with their meaning. **Usage** counts cached tokens once.
""",
    columns="asked in | upstream speaks | answer",
    checks=(
        *("text", "tools", "pictures", "reasoning", "reasoning goes back"),
        *("errors before", "errors inside", "usage"),
    ),
    ways=("streamed", "whole"),
)
CHINESE = Language(
    head="""# 兼容性

[English](compatibility.md)

每一行是一种客户端协议配一种上游协议。客户端用的是 OpenAI 或 Anthropic 当前的 SDK，上游是按脚本回答的服务器。每一格都由
`tests/compatibility` 实际跑过，本页由 `tools/compatibility.py` 根据结果生成。每个字段如何转换见[协议](protocols.zh-CN.md)。

**工具**是三轮对话：同时两个调用、文字加一个调用、最后回答；每个结果都按 id 对上原来的调用。**思考送回**指模型调用工具之前的思考，
按它当时给出的样子（带签名或加密）还给它。**回答前的错误**保留状态码，以及客户端用来判断“对话太长”的标志；**回答中的错误**
会让 SDK 抛出异常，并保留原来的含义。**用量**里缓存的 token 只算一次。
""",
    columns="客户端协议 | 上游协议 | 回答",
    checks=("文字", "工具", "图片", "思考", "思考送回", "回答前的错误", "回答中的错误", "用量"),
    ways=("流式", "非流式"),
)


def page(found: Matrix, language: Language) -> str:
    """The whole page. AssertionError where a cell does not work."""
    reasons: list[Reason] = []
    table = "\n".join(rows(found, language, reasons))
    told = [(each.english if language is ENGLISH else each.chinese) for each in reasons]
    notes = "".join(f"\n{number}. {said}" for number, said in enumerate(told, 1))
    return f"{language.head}\n{table}\n{notes}\n"


def rows(found: Matrix, language: Language, reasons: list[Reason]) -> Iterator[str]:
    """The table; `reasons` are filled as they are met."""
    columns = [*language.columns.split(" | "), *language.checks]
    yield line(columns)
    yield line(["---"] * len(columns))
    for (client, speaks, stream), cell in found.cells.items():
        told = [shown(found.outcome(cell, check), reasons) for check in CHECKS]
        yield line([NAMES[client], SPOKEN[speaks], language.ways[not stream], *told])


def shown(reason: Reason | None, reasons: list[Reason]) -> str:
    if reason is None:
        return "✓"
    if reason not in reasons:
        reasons.append(reason)
    return f"{reason.mark} ({reasons.index(reason) + 1})"


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


PAGES = {"compatibility.md": ENGLISH, "compatibility.zh-CN.md": CHINESE}
