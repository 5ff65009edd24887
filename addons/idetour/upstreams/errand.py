"""What `demo/agent` does: the small task that shows that a coding agent's way to its model is open.

It writes a file, runs it, and says what came of it, with the tools that Trae
Agent offers. Which of the three comes next is told by the results in the
conversation, so it needs no memory. A file of that name that is there already
stays as it is, and is run only if it is ours.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EDIT, SHELL, DONE = "str_replace_based_edit_tool", "bash", "task_done"
FILE = "hello.py"
GREETING = "Hello from a file that a script wrote, not an AI."
PROGRAM = f'print("{GREETING} 你好！")\n'
# Trae Agent says so in its first message, and takes absolute paths only.
ROOT = re.compile(r"project root path\W*\n\s*(/[^\n]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """What is said, and the tool that is called with it."""

    words: str
    tool: str
    arguments: Mapping[str, Any]


def next_call(messages: list[Any], tools: Any) -> Call | None:
    """The next of the errand's calls; None where its tools are not offered."""
    offered = names(tools)
    if not {SHELL, DONE} <= offered:
        return None
    results = texts(messages, "tool")
    if len(results) > 1:
        return done(results[-1])
    if results:
        return run(anew="already exists" not in results[0])
    root = ROOT.search("\n".join(texts(messages, "user")))
    return created(root[1].strip()) if root and EDIT in offered else typed()


def created(root: str) -> Call:
    path = f"{root.rstrip('/')}/{FILE}"
    return Call(
        f"I write {FILE}. 创建文件。", EDIT, {"command": "create", "path": path, "file_text": PROGRAM}
    )


def typed() -> Call:
    command = f"[ -e {FILE} ] && echo '{FILE} already exists' || cat > {FILE} <<'END'\n{PROGRAM}END"
    return Call(f"I write {FILE}. 创建文件。", SHELL, {"command": command, "restart": False})


def run(*, anew: bool) -> Call:
    if anew:
        return Call("I run it. 运行它。", SHELL, {"command": f"python3 {FILE}", "restart": False})
    command = f"grep -qF '{GREETING}' {FILE} && python3 {FILE}"
    said = f"There is a {FILE} already. I run it if it is mine. 文件已存在，是我写的就直接运行。"
    return Call(said, SHELL, {"command": command, "restart": False})


def done(ran: str) -> Call:
    if GREETING in ran:
        return Call("It is written and it runs. 完成。", DONE, {})
    return Call(f"That {FILE} was not run: see above. 这个文件没有运行，原因见上。", DONE, {})


def names(tools: Any) -> set[str]:
    listed = tools if isinstance(tools, list) else []
    functions = [each.get("function") for each in listed if isinstance(each, dict)]
    return {str(each.get("name")) for each in functions if isinstance(each, dict)}


def texts(messages: list[Any], role: str) -> list[str]:
    """What each message of that role says."""
    return [
        text(each.get("content")) for each in messages if isinstance(each, dict) and each.get("role") == role
    ]


def text(content: Any) -> str:
    parts = content if isinstance(content, list) else [{"text": content}]
    return "\n".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
