"""From a plan to tries: each candidate with each credential that it may be asked with, in the order they are asked.

A conversation keeps its target and its credential, because there its prompt is cached:
both are ranked by a hash of the conversation, so nothing has to be remembered,
and who comes second is the same each time (weighted rendezvous hashing).
"""

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from idetour.errors import BadRequest, RequestError, Unauthorized
from idetour.profile import Target, Upstream
from idetour.profile.credential import Credential, Key
from idetour.routes import session, weights
from idetour.routes.asked import Asked
from idetour.routes.plan import Candidate, Plan, Uniform
from idetour.secret import Secret
from idetour.wire import estimate

NO_KEY, NO_LOGIN = "upstream_key_missing", "login_required"
CLEARLY = 1.15  # times the window: an estimate errs by less
MOST_CANDIDATES = 5  # more would only prolong a failure that is everywhere
LIKELY_KEY = 20  # characters; shorter is what people type because the field wants something
LEAST_BYTES = 2.5  # for a token, in any text that people write: to count is milliseconds, and seldom needed


@dataclass(frozen=True, slots=True, eq=False)
class Try:
    candidate: Candidate
    credential: Credential | None = None  # None: none is needed

    @property
    def id(self) -> str:
        """What stands for the credential, where it has to be remembered."""
        return self.credential.id if self.credential else ""

    @property
    def mark(self) -> str:
        """The same as it may be shown."""
        return self.credential.mark if self.credential else ""

    @property
    def window(self) -> int | None:
        """Tokens that the model takes, where that is known."""
        return self.candidate.known.context if self.candidate.known else None

    @property
    def blind(self) -> bool:
        """Whether the model is known to see no images."""
        return self.candidate.known is not None and self.candidate.known.images is False


@dataclass(frozen=True, slots=True)
class Refused:
    """A candidate that cannot be asked."""

    candidate: Candidate
    error: RequestError


def affinity(asked: Asked) -> Uniform:
    """A number in [0, 1) for each name, the same in every turn of a conversation.

    Which conversation it is, is found out at the first call: it needs the messages.
    """

    def uniform(name: str) -> float:
        try:
            said = f"{session.key(asked)}\0{name}".encode("utf-8", "replace")
        except BadRequest:  # the upstream may understand messages that we cannot read
            return random.random()
        return int.from_bytes(hashlib.blake2b(said, digest_size=6).digest()) / 2**48

    return uniform


def tries(
    planned: Plan, typed: Secret | None, *, uniform: Uniform, identify: Callable[[Secret], str]
) -> Iterator[Try | Refused]:
    """Who can be asked, and who cannot and why. `typed` is the key that came from the IDE."""
    for candidate in planned.candidates:
        upstream = candidate.upstream
        if upstream.client_key:
            key = typed and Key(id=identify(typed), value=typed, kind="typed")
            yield Try(candidate, key) if key else Refused(candidate, untyped(candidate))
        elif found := credentials(upstream, identify):
            yield from able(candidate, found, uniform)
        elif upstream.ready:
            yield Try(candidate)
        else:
            yield Refused(candidate, missing(candidate, typed))


def credentials(upstream: Upstream, identify: Callable[[Secret], str]) -> list[Credential]:
    """All of an upstream: the environment's keys first."""
    keys = (Key(id=identify(key), value=key) for key in upstream.keys)
    return [*keys, *upstream.accounts]


def able(candidate: Candidate, found: Iterable[Credential], uniform: Uniform) -> Iterator[Try | Refused]:
    """The candidate with each credential that can be used; where none can, why."""
    found = [*found]
    well = {each.id: each for each in found if not each.trouble}
    for id in weights.order({id: each.weight for id, each in well.items()}, uniform):
        yield Try(at(candidate, well[id].url), well[id])
    if not well:
        for each in found:
            said = f"{candidate.upstream.title}, account {each.name}: {each.trouble}"
            yield Refused(candidate, Unauthorized(said, code=NO_LOGIN))


def at(candidate: Candidate, url: str | None) -> Candidate:
    """The candidate where a credential has it."""
    if url is None or url == candidate.upstream.url:
        return candidate
    return replace(candidate, upstream=replace(candidate.upstream, url=url))


def fitting(found: list[Try], asked: Asked) -> list[Try]:
    """Those that cannot take the request behind those that can; unknown ones as they are."""
    try:
        return seeing(holding(found, asked), asked)
    except BadRequest:
        return found  # as above


def holding(found: list[Try], asked: Asked) -> list[Try]:
    """Those whose window is clearly too small behind the others, if the request fits in any."""
    windows = {each.window for each in found if each.window}
    most = estimate.size(asked.request.fields) / LEAST_BYTES
    if len(windows) < 2 or most <= min(windows):
        return found
    tokens = asked.tokens
    if not any(each.window and tokens <= each.window for each in found):
        return found
    return sorted(found, key=lambda each: bool(each.window and tokens > CLEARLY * each.window))


def seeing(found: list[Try], asked: Asked) -> list[Try]:
    """The blind behind the others, if there are images to see: nobody looks for them where all are alike."""
    blind = sum(each.blind for each in found)
    if not 0 < blind < len(found) or not asked.images:
        return found
    return sorted(found, key=lambda each: each.blind)


def at_most(found: Sequence[Try], most: int = MOST_CANDIDATES) -> Iterator[Try]:
    """The first `most`, but so that as many targets as can be are among them: keys do not crowd out models."""
    spare, seen = max(0, most - len({each.candidate.target for each in found})), set[Target]()
    for each in found:
        if each.candidate.target not in seen and len(seen) < most:
            seen.add(each.candidate.target)
        elif spare > 0:
            spare -= 1
        else:
            continue
        yield each


def foreseen(planned: Plan, asked: Asked) -> list[Candidate]:
    """Who would be asked if all were well, in order; those without a key are only named."""
    found = fitting([Try(each) for each in planned.candidates], asked)
    able = [*at_most([each for each in found if each.candidate.upstream.ready])]
    return [each.candidate for each in found if each in able or not each.candidate.upstream.ready]


def untyped(candidate: Candidate) -> RequestError:
    return Unauthorized(
        f"{candidate.upstream.title} is asked with the key typed in the IDE, and none came along."
    )


def missing(candidate: Candidate, typed: Secret | None) -> RequestError:
    """Which key is missing, and how to give it; whoever typed one into the IDE is told what became of it."""
    upstream = candidate.upstream
    if upstream.login:
        remedy = f"run `idetour login {upstream.login}`"
    elif upstream.key_names:
        remedy = f"set {upstream.key_names[0]} in the environment and start again, or run `idetour login {upstream.name}`"
    else:
        remedy = "write `key: $NAME` in the profile"
    said = f"{upstream.title} has no key: {remedy}."
    if typed and upstream.key_names and len(typed.reveal()) >= LIKELY_KEY:
        said += f" The key {typed} that came along is sent on if the profile says `upstreams: {{ {upstream.name}: {{ key: client }} }}`."
    return Unauthorized(said, code=NO_KEY)
