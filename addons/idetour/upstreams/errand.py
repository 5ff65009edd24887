"""What `demo/agent` does: the small task that shows that a coding agent's way to its model is open.

It writes a file, runs it, and says that it is done, with the tools that Trae
Agent offers. Which of the three comes next is told by the results in the
conversation, so it needs no memory.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EDIT, SHELL, DONE = "str_replace_based_edit_tool", "bash", "task_done"
FILE = "hello.py"
PROGRAM = 'print("Hello from a file that a script wrote, not an AI. 你好！")\n'
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
    results = sum(isinstance(each, dict) and each.get("role") == "tool" for each in messages)
    root = ROOT.search(texts(messages))
    write = created(root[1].strip()) if root and EDIT in offered else typed()
    run = Call("I run it. 运行它。", SHELL, {"command": f"python3 {FILE}", "restart": False})
    done = Call("It is written and it runs. 完成。", DONE, {})
    return (write, run, done)[min(results, 2)]


def created(root: str) -> Call:
    path = f"{root.rstrip('/')}/{FILE}"
    return Call(
        f"I write {FILE}. 创建文件。", EDIT, {"command": "create", "path": path, "file_text": PROGRAM}
    )


def typed() -> Call:
    command = f"cat > {FILE} <<'END'\n{PROGRAM}END"
    return Call(f"I write {FILE}. 创建文件。", SHELL, {"command": command, "restart": False})


def names(tools: Any) -> set[str]:
    listed = tools if isinstance(tools, list) else []
    functions = [each.get("function") for each in listed if isinstance(each, dict)]
    return {str(each.get("name")) for each in functions if isinstance(each, dict)}


def texts(messages: list[Any]) -> str:
    """All that users said."""
    said = [each.get("content") for each in messages if isinstance(each, dict) and each.get("role") == "user"]
    parts = [part for each in said for part in (each if isinstance(each, list) else [{"text": each}])]
    return "\n".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
