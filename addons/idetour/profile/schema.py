"""The words of the profile language and of the catalog, as pydantic models.

Each class is one mapping of the YAML file, each field one word, and its
description is what an editor shows. Short forms (`coder: nim/some-model`) are
written out before they are checked, so that the rest of the program sees one form.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema

from idetour.profile.conditions import WORDS, Count
from idetour.profile.source import resolve
from idetour.profile.values import (
    TEXT,
    TEXTS,
    Bounds,
    Flag,
    HeaderName,
    HeaderValue,
    Host,
    Json,
    Keys,
    Lone,
    Name,
    Names,
    Origin,
    Positive,
    Proxy,
    Short,
    TargetText,
    Trim,
    Url,
    Within,
    wrong,
)

FIELDS: dict[str, Any] = {  # fields of a request whose types are known from the OpenAI reference and vLLM's
    "temperature": Annotated[float, Within(0, 2)],
    "top_p": Annotated[float, Within(0, 1)],
    "min_p": Annotated[float, Within(0, 1)],
    "top_k": Annotated[int, Within(-1, whole=True)],
    "n": Count,
    "seed": Annotated[int, Within(whole=True)],
    "presence_penalty": Annotated[float, Within(-2, 2)],
    "frequency_penalty": Annotated[float, Within(-2, 2)],
    "repetition_penalty": Positive,
    "max_tokens": Count,
    "max_completion_tokens": Count,
    "min_thinking_tokens": Count,
    "max_thinking_tokens": Count,
    "thinking_budget": Count,
    "reasoning_budget": Annotated[int, Within(-1, whole=True)],
    "reasoning_effort": str,
    "enable_thinking": Flag,
    "parallel_tool_calls": Flag,
    "logprobs": Flag,
    "top_logprobs": Annotated[int, Within(0, 20, whole=True)],
}
THINK = "Where reasoning stands in the text: inline (<think>…</think>), opened (only </think>), or off."
REPAIR = "true: tool calls that the model writes as text become tool calls."
OURS = ("model", "messages", "stream", "tools")  # they come from the target and from the IDE


class Words(BaseModel):
    """A mapping that knows its words. A word with nothing behind it is as good as absent."""

    model_config = ConfigDict(extra="forbid")
    what: ClassVar[str] = "this"

    @classmethod
    def known(cls) -> list[str]:
        """All of them, its own before those that others have as well."""
        fields = sorted(cls.model_fields.items(), key=lambda each: each[0] not in cls.__annotations__)
        return [field.alias or name for name, field in fields]

    @model_validator(mode="before")
    @classmethod
    def written(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = cls.known()
        return {word: value for word, value in data.items() if value is not None or word not in known}


def _described(words: dict[str, tuple[Any, str | None]]) -> Any:
    fields: dict[str, Any] = {
        word: (kind | None, Field(None, description=said)) for word, (kind, said) in words.items()
    }
    return create_model("Described", __base__=Words, **fields)


class Params(_described({word: (kind, None) for word, kind in FIELDS.items()})):  # type: ignore[misc]  # made from a table
    """Fields of the request. Any may stand here; the known ones are checked."""

    model_config = ConfigDict(extra="allow")
    what: ClassVar[str] = "a request"

    @model_validator(mode="before")
    @classmethod
    def written(cls, data: Any) -> Any:
        for word in OURS if isinstance(data, dict) else ():
            if word in data:
                raise wrong(f"must not hold '{word}'", "the target and the IDE decide it")
        return resolve(data)


class When(_described(WORDS)):  # type: ignore[misc]  # made from a table
    """Conditions, all of which have to hold."""

    what: ClassVar[str] = "a condition"


class ModelManners(Words):
    """What a model takes and how, wherever it is named."""

    rename: dict[str, str] | None = Field(None, description="Fields that are sent under another name.")
    clamp: dict[str, Bounds] | None = Field(
        None, description="Fields with a number, and the lowest and the highest that is sent."
    )
    flatten: Flag | None = Field(None, description="true: content of text parts only is sent as one string.")
    developer: Flag | None = Field(None, description="false: the role `developer` is sent as `system`.")
    strict_history: Flag | None = Field(
        None, description="true: calls and results are paired, roles put in order, empty messages left out."
    )
    strict_tools: Flag | None = Field(None, description="false: `strict` and `$schema` go from tool schemas.")
    usage: Flag | None = Field(None, description="false: `stream_options` is not understood.")
    forced: Flag | None = Field(
        None, description="false: a model that thinks is not made to call a tool (`tool_choice`)."
    )
    cache_control: Flag | None = Field(
        None, description="Marks of what is to be cached: true, they are heeded; false, they are refused."
    )
    replay: Flag | None = Field(
        None,
        description="true: reasoning that the IDE dropped is put back; false: none is sent in a history.",
    )
    think: Literal["inline", "opened", "off"] | None = Field(None, description=THINK)
    repair: Flag | None = Field(None, description=REPAIR)
    cumulative: Flag | None = Field(None, description="true: each chunk tells the text from its beginning.")
    stream: Literal["both", "only", "never"] | None = Field(None, description="Which answers it can give.")
    first_byte: Positive | None = Field(None, description="Seconds to wait for an answer to begin.")


class MannersSpec(ModelManners):
    """What an upstream, or a model that the catalog knows, takes and how."""

    accepts: Names | None = Field(
        None, description="The only fields of a request that are sent. Default: all."
    )
    drop: Names | None = Field(None, description="Fields of a request that are not sent.")
    pace: Count | None = Field(None, description="Requests per minute and key; more wait for their turn.")


class UpstreamSpec(MannersSpec):
    """A place that answers. Of one that the catalog knows, only what differs has to be written."""

    what: ClassVar[str] = "an upstream"
    title: str | None = Field(None, description="Its name for people.")
    url: Url | None = Field(
        None, description="Base URL: requests go to it + /chat/completions, or another protocol's path."
    )
    key: Keys | None = Field(
        None,
        description="$NAME reads an environment variable; `client` sends the IDE's own key; a list takes turns.",
    )
    speaks: Literal["openai", "anthropic", "responses", "ollama", "demo"] | None = Field(
        None, description="Its protocol. Default: openai, which is Chat Completions."
    )
    login: Literal["qwen"] | None = Field(None, description="Use the accounts of `idetour login`.")
    headers: dict[HeaderName, HeaderValue] | None = Field(
        None, description="Added to each request. No keys here."
    )
    proxy: Proxy | None = Field(None, description="An HTTP proxy on the way to it: a URL or $NAME.")
    ca: str | None = Field(
        None, description="A certificate file (PEM) to trust for it; relative to this file."
    )
    local: Flag | None = Field(None, description="A server on this machine: offered while it answers.")


class ModelSpec(ModelManners):
    """A name that the IDE may ask for, and what answers."""

    what: ClassVar[str] = "a model"
    to: TargetText = Field(description="upstream/model-id; the first slash divides.")
    with_: Params | None = Field(None, alias="with", description="Defaults; what the IDE sends wins.")
    always: Params | None = Field(None, description="Fields that win over what the IDE sends.")
    drop: Names | None = Field(None, description="Fields of the IDE's request that are not sent.")
    trim: Trim | None = Field(
        None,
        description="When old tool results are left out: tool-results, where the window would be too small; "
        "or above so many tokens.",
    )


class EmbeddingsSpec(Words):
    """A model that turns sentences into vectors, at an upstream that has `/embeddings`."""

    what: ClassVar[str] = "embeddings"
    to: TargetText = Field(description="upstream/model-id; the first slash divides.")


def _weights(data: Any) -> Any:
    """A name, or a list of names, stands for equal weights."""
    names = [data] if isinstance(data, str) else data
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return data
    return {name: names.count(name) for name in names}


def _some[T: (dict[str, float], list[RuleSpec])](data: T) -> T:
    if not data:
        raise wrong("is empty", "write a model, or upstream/model-id")
    return data


def _model(data: Any) -> Any:
    """A target stands for a model without parameters."""
    return {"to": data} if isinstance(data, str) else data


def _rule(data: Any) -> Any:
    """A name stands for a rule without conditions."""
    return {"use": data} if isinstance(data, str) else data


Weights = Annotated[dict[str, Positive], AfterValidator(_some), Short({"anyOf": [TEXT, TEXTS]}, _weights)]


class RuleSpec(Words):
    """One line of a route. The first that matches decides."""

    what: ClassVar[str] = "a rule"
    when: When | None = Field(None, description="Conditions; without them the rule always matches.")
    use: Weights = Field(description="A model or target, several, or several with weights.")
    else_: Names | None = Field(None, alias="else", description="Tried in this order when `use` fails.")


Rules = Annotated[list[Annotated[RuleSpec, Short(TEXT, _rule)]], AfterValidator(_some), Lone()]


class ProfileFile(Words):
    """Who answers what: upstreams, the models on them, and routes."""

    what: ClassVar[str] = "a profile"
    upstreams: dict[str, Annotated[UpstreamSpec, Short({"type": "null"}, lambda data: data or {})]] | None = (
        Field(None, description="Places that answer. Those of the catalog are there without being named.")
    )
    models: dict[str, Annotated[ModelSpec, Short(TEXT, _model)]] | None = Field(
        None, description="Names that the IDE may ask for."
    )
    routes: dict[str, Rules] | None = Field(None, description="Rules that decide what answers to a name.")
    access: Keys | None = Field(None, description="Keys that callers must have: $NAME, or several.")
    hosts: Annotated[list[Host], Lone()] | None = Field(
        None, description="Hosts to answer for. Default: api.openai.com."
    )
    limit: Count | None = Field(
        None, description="Requests per minute of each caller: an access key, or all who need none."
    )
    names: Annotated[list[Name], Lone()] | None = Field(
        None, description="Names by which a reverse proxy asks us. Who asks so needs an access key."
    )
    origins: Annotated[list[Origin], Lone()] | None = Field(
        None, description="Web pages elsewhere that may ask: https://chat.example.com."
    )
    passthrough: Flag | None = Field(
        None, description="true: unknown models go to the real host with the IDE's key."
    )
    offer: Literal["declared", "available"] | None = Field(None, description="What a list of models shows.")
    embeddings: Annotated[EmbeddingsSpec, Short(TEXT, _model)] | None = Field(
        None, description="An embeddings model, by which `about` compares sentences."
    )


Added = Annotated[dict[str, Any], BeforeValidator(resolve)]


class ThinkingSpec(Words):
    """Fields for each effort. `on` stands for low, medium, high and max; $budget and $effort are filled in."""

    what: ClassVar[str] = "thinking"
    off: Added | None = None
    on: Added | None = None
    low: Added | None = None
    medium: Added | None = None
    high: Added | None = None
    max: Added | None = None
    system: dict[Literal["off", "on", "low", "medium", "high", "max"], str] | None = None


class KnownModelSpec(MannersSpec):
    """A model of the catalog."""

    what: ClassVar[str] = "a known model"
    title: str
    context: Count | None = None
    output: Count | None = None
    images: Flag | None = None
    with_: Params | None = Field(None, alias="with")
    thinking: ThinkingSpec | None = None
    retired: str | None = None
    instead: TargetText | None = None


class CatalogFile(Words):
    """`profiles/catalog.yaml`: what is known of public upstreams and their models."""

    what: ClassVar[str] = "the catalog"
    upstreams: dict[str, UpstreamSpec]
    models: dict[str, dict[str, KnownModelSpec]]
    hosts: list[Host]


class _Brief(GenerateJsonSchema):
    """Without titles and defaults that repeat what stands beside them."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> Json:
        return self.generate_inner(schema["schema"])


def json_schema() -> Json:
    """The JSON Schema of a profile, for the completion and the checks of an editor."""
    schema = ProfileFile.model_json_schema(schema_generator=_Brief)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "idetour profile",
    }
