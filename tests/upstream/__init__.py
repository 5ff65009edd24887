"""An upstream that misbehaves on cue: a real HTTP server whose every byte a test decides.

with Upstream() as up:
    up.then(status(429), stream("Hel", "lo").reset_after(2))

`server.py` listens and records, `answer.py` has how an answer is sent and
breaks, `chat.py` what it says, `certificates.py` throw-away authorities.
"""

from upstream.answer import Act, Answer, Request, Script
from upstream.certificates import Authority
from upstream.chat import (
    INVALID,
    USAGE,
    call,
    completion,
    event,
    html,
    objecting,
    raw,
    raw_stream,
    redirect,
    reply,
    reset_before_headers,
    stall_before_headers,
    status,
    stream,
    think,
    whole,
)
from upstream.server import Upstream, until

__all__ = [
    "INVALID",
    "USAGE",
    "Act",
    "Answer",
    "Authority",
    "Request",
    "Script",
    "Upstream",
    "call",
    "completion",
    "event",
    "html",
    "objecting",
    "raw",
    "raw_stream",
    "redirect",
    "reply",
    "reset_before_headers",
    "stall_before_headers",
    "status",
    "stream",
    "think",
    "until",
    "whole",
]
