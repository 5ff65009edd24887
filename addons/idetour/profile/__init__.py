"""What a profile says, as data: upstreams, models and routes.

`read.py` makes these from YAML, `catalog.py` knows the public upstreams and
models, `schema.py` holds the rules of the language. All of it is frozen: a
request keeps the profile it started with while a newer one is read.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from idetour.profile.credential import Credential
from idetour.secret import Secret

type Fields = Mapping[str, Any]
NOTHING: Fields = MappingProxyType({})

type Effort = Literal["off", "low", "medium", "high", "max"]
type Thinks = Literal["inline", "opened", "off"]
type Trim = int | Literal["tool-results"]  # more tokens than that, or than the model's window takes


@dataclass(frozen=True, slots=True)
class Target:
    """A model at an upstream, written `upstream/model-id`: the first slash divides."""

    upstream: str
    model: str

    def __str__(self) -> str:
        return f"{self.upstream}/{self.model}"

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Raises ValueError where either half is missing."""
        upstream, slash, model = text.partition("/")
        if not (upstream and slash and model):
            raise ValueError(f"{text!r} is not of the form upstream/model-id")
        return cls(upstream, model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """How a model's reasoning is switched, as fields to add to the request.

    `efforts` has the fields for `off`, `low`, `medium`, `high`, `max` as far as
    the model knows them. `system` has text to put before the system prompt,
    for models that are switched by words.
    """

    efforts: Mapping[Effort, Fields] = field(default_factory=lambda: MappingProxyType({}))
    system: Mapping[Effort, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What an upstream, or one of its models, takes and how. None means: as the layer below says."""

    accepts: frozenset[str] | None = None  # the only top-level fields that are sent; None: all. Layers add up
    drop: frozenset[str] = frozenset()  # top-level fields that are never sent
    rename: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    clamp: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))
    flatten: bool | None = None  # content that is only text parts becomes a plain string
    developer: bool | None = None  # False: role `developer` becomes `system`
    strict_history: bool | None = None  # True: calls and results in pairs, roles in order, no empty message
    strict_tools: bool | None = None  # False: `strict` and `$schema` go from tool schemas
    usage: bool | None = None  # False: `stream_options` is not understood
    forced: bool | None = None  # False: while it thinks, it cannot be made to call a tool
    cache_control: bool | None = None  # marks of what is to be cached: True: heeded; False: refused
    replay: bool | None = None  # True: wants its reasoning back; False: refuses it; None: only what it signed
    think: Thinks | None = None  # reasoning stands in the text, in tags, of which `opened` lacks the first
    repair: bool | None = None  # True: tool calls that come as text become tool calls
    cumulative: bool | None = None  # True: each chunk tells the text again from its beginning
    stream: Literal["both", "only", "never"] | None = None
    first_byte: float | None = None  # seconds to wait for the first byte of an answer
    pace: int | None = None  # requests per minute and key; more are held back until their turn

    def over(self, below: "Manners") -> "Manners":
        """These manners laid over more general ones: sets add up, mappings merge, of all else the upper holds."""
        if UNSAID in (self, below):
            return below if self == UNSAID else self
        return Manners(**{word: _laid(getattr(self, word), getattr(below, word)) for word in WORDS})


WORDS = tuple(each.name for each in fields(Manners))
UNSAID = Manners()


def _laid(upper: Any, lower: Any) -> Any:
    if upper is None or lower is None:
        return lower if upper is None else upper
    if isinstance(upper, frozenset):
        return upper | lower
    return {**lower, **upper} if isinstance(upper, Mapping) else upper


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A place that answers."""

    name: str
    title: str
    url: str  # base URL without a trailing slash; `upstreams/` adds the path of its protocol
    speaks: Literal["openai", "anthropic", "responses", "ollama", "demo"] = "openai"
    keys: tuple[Secret, ...] = ()  # those that were found
    key_names: tuple[str, ...] = ()  # the environment variables that were looked at
    needs_key: bool = False
    client_key: bool = False  # `key: client`: send the key that the IDE typed
    login: str | None = None
    accounts: tuple[Credential, ...] = ()  # keys and logins that are kept beside the profile (`accounts/`)
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    proxy: str | None = None  # an HTTP proxy on the way to it, by URL
    ca: Path | None = None  # a certificate file to trust for it, instead of the system's
    manners: Manners = UNSAID
    local: bool = False  # a server on the user's machine (Ollama …), found by asking it

    @property
    def base(self) -> str:
        """Where paths of OpenAI's protocol begin: Ollama has its own beside them."""
        return f"{self.url.removesuffix('/v1')}/v1" if self.speaks == "ollama" else self.url

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All keys and tokens there are just now."""
        return (*self.keys, *(secret for each in self.accounts for secret in each.secrets))

    @property
    def ready(self) -> bool:
        """Whether a request can be sent: a key or an account is there, or none is needed."""
        return bool(self.keys or self.accounts) or self.client_key or not (self.needs_key or self.login)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """What the catalog knows of a target."""

    target: Target
    title: str
    context: int | None = None  # tokens in
    output: int | None = None  # tokens out
    images: bool | None = None  # whether it sees them; None: unknown
    defaults: Fields = NOTHING
    thinking: Thinking | None = None
    manners: Manners = UNSAID
    retired: str | None = None  # when and how it ended, for the user
    instead: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A name the IDE may ask for."""

    name: str
    target: Target
    defaults: Fields = NOTHING  # `with`: the IDE may override these
    always: Fields = NOTHING  # these win over the IDE
    drop: frozenset[str] = frozenset()
    manners: Manners = UNSAID  # what the model takes and writes, over what is known of it
    trim: Trim | None = None  # when old tool results are left out


def layered(*layers: Model | KnownModel | Upstream | None) -> Manners:
    """The manners of each over those of the next: of the profile's model, of what the catalog knows of it, of the upstream."""
    return functools.reduce(Manners.over, (each.manners for each in layers if each), UNSAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a route. `use` and `otherwise` name models or targets."""

    use: Mapping[str, float]  # name → weight
    otherwise: tuple[str, ...] = ()  # `else`: tried in this order when the first fails
    when: Fields | None = None  # None: always matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The public upstreams and models we know, from `profiles/catalog.yaml`."""

    upstreams: Mapping[str, Upstream]
    models: Mapping[Target, KnownModel]
    hosts: tuple[str, ...]  # model hosts that an IDE may be hard-wired to


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who answers what. `upstreams` holds the profile's own and the whole catalog's."""

    name: str
    path: Path
    upstreams: Mapping[str, Upstream]
    models: Mapping[str, Model]
    routes: Mapping[str, tuple[Rule, ...]]
    catalog: Catalog
    access: tuple[Secret, ...] = ()
    access_names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ("api.openai.com",)
    names: tuple[str, ...] = ()  # what we may be called beside `localhost`, by a proxy in front of us
    origins: tuple[str, ...] = ()  # web pages elsewhere that may ask
    limit: int | None = None  # requests a minute of each caller
    passthrough: bool = False
    offer: Literal["declared", "available"] = "declared"  # what a model list shows
    embeddings: Target | None = None  # what compares sentences for `about`, beside our own ways
    off: frozenset[Target] = frozenset()  # what is not asked for the time being; no file says that
    warnings: tuple[str, ...] = ()  # whole sentences, each with file:line:col

    def known(self, target: Target) -> KnownModel | None:
        return self.catalog.models.get(target)
