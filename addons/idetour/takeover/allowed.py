"""Which hosts may be taken over: model hosts that the profile answers for, and never an IDE's own.

An IDE's own servers hold its login, its settings and its updates. To stand in for
them would mean to forge sessions, and would break with the next release.
"""

from collections.abc import Sequence

from idetour.errors import SetupError

OFF_LIMITS = (
    *("trae.ai", "trae.cn", "trae.com.cn", "marscode.com", "marscode.cn", "byteintl.com", "byteintlapi.com"),
    *("bytedance.com", "bytedance.net", "byteoversea.com", "cursor.sh", "cursor.com", "windsurf.com"),
    *("codeium.com", "githubcopilot.com", "github.com", "jetbrains.com", "jetbrains.ai", "zed.dev"),
    *("visualstudio.com", "vscode-cdn.net"),
)


def allowed(hosts: Sequence[str], intercepted: Sequence[str]) -> tuple[str, ...]:
    """The hosts in lower case, or all that the profile intercepts. Raises SetupError for one that may not be."""
    chosen = tuple(dict.fromkeys(host.lower().rstrip(".") for host in (hosts or intercepted)))
    for host in chosen:
        if own := next((each for each in OFF_LIMITS if host == each or host.endswith(f".{each}")), None):
            raise SetupError(
                f"{host} belongs to an IDE itself ({own}), and idetour stands in for model hosts only: "
                "your login there, and its answers, are none of its business."
            )
        if host not in intercepted:
            raise SetupError(
                f"The profile does not answer for {host}, only for {', '.join(intercepted)}. "
                "Add it to `hosts:` of the profile first."
            )
    return chosen
