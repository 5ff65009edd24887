"""Which program asked, guessed from its user agent, in a name that people know."""

import re

LONGEST = 40  # characters of a name that is not known
DOCTOR = "idetour doctor"  # its questions are no work: no total counts them

# The first that is found wins, so what is built on another stands before it.
KNOWN = {
    "idetour-doctor": DOCTOR,
    "trae": "Trae",
    "cursor": "Cursor",
    "windsurf": "Windsurf",
    "claude-cli": "Claude Code",
    "codex": "Codex",
    "qwencode": "Qwen Code",
    "qwen-code": "Qwen Code",
    "opencode": "opencode",
    "aider": "aider",
    "kilo": "Kilo Code",
    "roo": "Roo Code",
    "cline": "Cline",
    "continue": "Continue",
    "copilot": "GitHub Copilot",
    "zed/": "Zed",
    "jetbrains": "JetBrains",
    "intellij": "JetBrains",
    "vscode": "VS Code",
    "visual studio code": "VS Code",
    "litellm": "LiteLLM",
    "langchain": "LangChain",
    "idetour": "idetour",
    "curl/": "curl",
    "postman": "Postman",
}
_PRODUCT = re.compile(r"[\w.+-]+")


def named(user_agent: str) -> str:
    """`Trae` from `Trae/3.3.52 …`, `OpenAI/Python` as it is from `OpenAI/Python 2.0`; empty where nothing is said."""
    folded = user_agent[:500].casefold()
    for part, name in KNOWN.items():
        if part in folded:
            return name
    if folded.startswith(("openai/", "asyncopenai/", "anthropic/", "asyncanthropic/")):
        maker, _, rest = user_agent.partition("/")
        return f"{maker.removeprefix('Async')}/{(_PRODUCT.match(rest) or [''])[0]}"[:LONGEST]
    found = _PRODUCT.match(user_agent)
    return found[0][:LONGEST] if found else ""
