"""`GET /v1/models`: what an IDE checks when a model is added.

Some IDEs insist on every field of the full item, so all are there.
"""

import msgspec

from idetour.errors import NotFound
from idetour.profile import Profile
from idetour.routes.plan import Listed, offered

CREATED = 1_700_000_000  # a fixed time: clients want one, and none would be true


def listing(profile: Profile, listed: Listed, host: str | None) -> bytes:
    """All models as `{"object": "list", "data": […]}`; `host` is the intercepted host, whose own shape is kept."""
    items = [item(profile, name, host) for name in offered(profile, listed)]
    return msgspec.json.encode({"object": "list", "data": items})


def one(profile: Profile, listed: Listed, name: str, host: str | None) -> bytes:
    """One model. Raises NotFound."""
    if name not in offered(profile, listed):
        raise NotFound(
            f"No model is called {name!r} here. GET /v1/models lists all.",
            code="model_not_found",
            param="model",
        )
    return msgspec.json.encode(item(profile, name, host))


def item(profile: Profile, name: str, host: str | None) -> dict[str, object]:
    model = profile.models.get(name)
    upstream = model.target.upstream if model else name.partition("/")[0] if "/" in name else "idetour"
    made: dict[str, object] = {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": upstream,
        "permission": [permission(name)],
        "root": name,
        "parent": None,
    }
    return made | openrouter(profile, name) if host == "openrouter.ai" else made


def permission(name: str) -> dict[str, object]:
    return {
        "id": f"modelperm-{name}",
        "object": "model_permission",
        "created": CREATED,
        "allow_create_engine": False,
        "allow_sampling": True,
        "allow_logprobs": True,
        "allow_search_indices": False,
        "allow_view": True,
        "allow_fine_tuning": False,
        "organization": "*",
        "group": None,
        "is_blocking": False,
    }


def openrouter(profile: Profile, name: str) -> dict[str, object]:
    """The fields that OpenRouter's list has beyond OpenAI's; IDEs refuse its entries without them."""
    known = profile.known(profile.models[name].target) if name in profile.models else None
    context = (known and known.context) or 131_072
    return {
        "name": name,
        "description": "",
        "context_length": context,
        "architecture": {
            "modality": "text->text",
            "input_modalities": ["text"],
            "output_modalities": ["text"],
            "tokenizer": "Other",
            "instruct_type": None,
        },
        "pricing": {"prompt": "0", "completion": "0", "request": "0", "image": "0"},
        "top_provider": {
            "context_length": context,
            "max_completion_tokens": known.output if known else None,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": ["max_tokens", "temperature", "tools", "tool_choice"],
    }
