"""What is known of the programs that people ask about: whose trust counts, and what cannot work.

Data, because it goes stale: an IDE's next release may read another store.
"""

from dataclasses import dataclass

SYSTEM = ("system", "macos", "windows-user")  # the operating system's own; one of them is here
ELECTRON = (*SYSTEM, "nss")  # Chromium's verifier, which on Linux reads a database of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Ide:
    name: str
    title: str
    stores: tuple[str, ...]  # names of trust stores, as `cert install --store` takes them
    remark: str = ""  # what else decides, a sentence
    remote: bool = False  # its requests come from its maker's servers, not from this machine


IDES = {
    ide.name: ide
    for ide in (
        Ide(
            name="trae",
            title="Trae",
            stores=ELECTRON,
            remark="Its own cloud sees the conversation in any case.",
        ),
        Ide(
            name="vscode",
            title="VS Code with Copilot",
            stores=ELECTRON,
            remark="Completions stay with GitHub.",
        ),
        Ide(name="cline", title="Cline, Roo Code, Continue", stores=(*ELECTRON, "node")),
        Ide(name="cursor", title="Cursor", stores=ELECTRON, remote=True),
        Ide(name="jetbrains", title="JetBrains IDEs", stores=(*SYSTEM, "java")),
        Ide(name="zed", title="Zed", stores=SYSTEM),
        Ide(name="claude-code", title="Claude Code", stores=("node",)),
        Ide(name="codex", title="Codex", stores=SYSTEM),
        Ide(name="qwen-code", title="Qwen Code", stores=("node",)),
        Ide(name="opencode", title="opencode", stores=("node",)),
        Ide(name="aider", title="aider", stores=("python",)),
    )
}
