"""`GET /` and `GET /health`: is it up, what does it offer. A browser gets a page, a program JSON."""

import html
from collections import deque
from dataclasses import dataclass, field

import msgspec

from idetour import __version__
from idetour.profile import Profile
from idetour.routes.plan import Listed, offered

MOST_REFUSALS = 50
SHOWN_REFUSALS = 10


@dataclass(frozen=True, slots=True)
class Refusal:
    """A program that did not take our certificate."""

    at: float  # seconds since 1970
    said: str  # who, for which host, and why
    remedy: str


@dataclass(slots=True)
class Refusals:
    """TLS handshakes with us that programs broke off. The proxy counts them."""

    failed: int = 0
    recent: deque[Refusal] = field(default_factory=lambda: deque(maxlen=MOST_REFUSALS))


def report(
    profile: Profile, listed: Listed, problem: str | None, handshakes: Refusals | None = None
) -> bytes:
    """`status` is `ok`, or `degraded` when the profile on disk is broken and an older one is in use."""
    status = {"status": "degraded" if problem else "ok", "version": __version__, "profile": profile.name}
    offers = {"models": len(offered(profile, listed)), "problem": problem}
    private = (
        handshakes
        and {  # for this machine alone
            "file": str(profile.path.absolute()),
            "handshakes": handshakes.failed,
            "refusals": list(handshakes.recent)[-SHOWN_REFUSALS:],
        }
    )
    return msgspec.json.encode({**status, **offers, **(private or {})})


def page(profile: Profile, listed: Listed, problem: str | None, address: str) -> bytes:
    """What someone sees who opens the address in a browser. No script, nothing from elsewhere."""
    rows = "".join(f"<li><code>{html.escape(name)}</code>" for name in offered(profile, listed))
    warning = f"<p><strong>{html.escape(problem)}</strong>" if problem else ""
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>idetour</title>
<meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width">
<h1>idetour {__version__}</h1>{warning}
<p>It runs. In your IDE, add a custom model / 在 IDE 中添加自定义模型:
<dl><dt>Base URL<dd><code>http://{html.escape(address)}/v1</code><dt>Model<dd>one of these / 任选其一<dt>API key<dd>anything, unless this idetour asks for one / 任意，除非设置了访问密钥</dl>
<ul>{rows}</ul></html>""".encode()
