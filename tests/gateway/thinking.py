"""Models that think before they call a tool, and the conversations that an IDE makes of it.

Trae's history holds tool calls and their results, and never reasoning.
"""

import asyncio
from typing import Any

from gateway.asking import Asked, pipelining
from idetour.profile import Profile, Target
from idetour.profile import Upstream as Place
from idetour.routes.plan import Candidate

type Delta = dict[str, Any]

TOOLS = [{"type": "function", "function": {"name": "ls", "parameters": {"type": "object", "properties": {}}}}]
HERE = Candidate(target=Target("up", "x"), upstream=Place(name="up", title="Up", url="https://up.test"))
CALL = {"id": "call_1", "type": "function", "function": {"name": "ls", "arguments": '{"path": "."}'}}


def history(*calls: Delta, **members: Any) -> list[Delta]:
    """What an IDE sends after the tools have run: the calls and results, without what was thought."""
    results = [{"role": "tool", "tool_call_id": each["id"], "content": "a.py"} for each in calls]
    said = {"role": "assistant", "content": "", "tool_calls": list(calls), **members}
    return [{"role": "user", "content": "hi"}, said, *results]


def conversation(profile: Profile, *messages: list[Delta], streams: bool = True) -> list[Asked]:
    """One request for each list of messages, the first of which says only hi, in one idetour."""
    turns = [[{"role": "user", "content": "hi"}], *messages]
    asked = [Asked(profile, stream=streams, fields={"messages": each, "tools": TOOLS}) for each in turns]

    async def run() -> None:
        async with pipelining() as shared:
            for each in asked:
                await each.through(shared)

    asyncio.run(run())
    return asked
