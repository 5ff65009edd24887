"""`tools`: whether the model may call tools, or whether one of these is among them."""

from collections.abc import Sequence

from idetour.routes.asked import Asked, Verdict


def judge(said: bool | Sequence[str], asked: Asked) -> Verdict:
    if isinstance(said, bool):
        return Verdict(bool(asked.tools) is said, f"{len(asked.tools)} tools")
    found = next((name for name in said if name in asked.tools), None)
    return Verdict(found is not None, f"{found} is there" if found else f"not among {len(asked.tools)} tools")
