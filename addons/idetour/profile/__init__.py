"""What a profile says, as data: upstreams, models and routes.

`read.py` makes these from YAML, `catalog.py` knows the public upstreams and
models, `schema.py` holds the rules of the language. All of it is frozen: a
request keeps the profile it started with while a newer one is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from idetour.secret import Secret

type Fields = Mapping[str, Any]
NOTHING: Fields = MappingProxyType({})

type Effort = Literal["off", "low", "medium", "high", "max"]


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
    strict_tools: bool | None = None  # False: `strict` and `$schema` go from tool schemas
    usage: bool | None = None  # False: `stream_options` is not understood
    stream: Literal["both", "only", "never"] | None = None
    first_byte: float | None = None  # seconds to wait for the first byte of an answer
    pace: int | None = None  # requests per minute and key; more are held back until their turn

    def over(self, below: "Manners") -> "Manners":
        """These manners laid over more general ones."""

        def pick[T](mine: T | None, theirs: T | None) -> T | None:
            return theirs if mine is None else mine

        return Manners(
            accepts=(self.accepts | below.accepts)
            if self.accepts and below.accepts
            else pick(self.accepts, below.accepts),
            drop=self.drop | below.drop,
            rename={**below.rename, **self.rename},
            clamp={**below.clamp, **self.clamp},
            flatten=pick(self.flatten, below.flatten),
            developer=pick(self.developer, below.developer),
            strict_tools=pick(self.strict_tools, below.strict_tools),
            usage=pick(self.usage, below.usage),
            stream=pick(self.stream, below.stream),
            first_byte=pick(self.first_byte, below.first_byte),
            pace=pick(self.pace, below.pace),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A place that answers."""

    name: str
    title: str
    url: str  # base URL without a trailing slash; requests go to url + "/chat/completions"
    speaks: Literal["openai", "anthropic", "demo"] = "openai"
    keys: tuple[Secret, ...] = ()  # those that were found
    key_names: tuple[str, ...] = ()  # the environment variables that were looked at
    needs_key: bool = False
    client_key: bool = False  # `key: client`: send the key that the IDE typed
    login: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    proxy: str | None = None  # an HTTP proxy on the way to it, by URL
    ca: Path | None = None  # a certificate file to trust for it, instead of the system's
    manners: Manners = Manners()
    local: bool = False  # a server on the user's machine (Ollama …), found by asking it

    @property
    def ready(self) -> bool:
        """Whether a request can be sent: a key is there, or none is needed."""
        return bool(self.keys) or self.client_key or not (self.needs_key or self.login)


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
    manners: Manners = Manners()
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
    passthrough: bool = False
    offer: Literal["declared", "available"] = "declared"  # what a model list shows
    embeddings: Target | None = None  # what compares sentences for `about`, beside our own ways
    warnings: tuple[str, ...] = ()  # whole sentences, each with file:line:col

    def known(self, target: Target) -> KnownModel | None:
        return self.catalog.models.get(target)
