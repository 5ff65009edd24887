"""`GET /v1/models`: what an IDE checks when a model is added.

Some IDEs insist on every field of the full item, so all are there.
"""

import msgspec

from idetour.profile import Profile, Target
from idetour.routes.plan import Listed, offered, unknown

CREATED = 1_700_000_000  # a fixed time: clients want one, and none would be true
CONTEXT = 131_072  # tokens, where the catalog does not know


def listing(profile: Profile, listed: Listed, host: str | None) -> bytes:
    """All models as `{"object": "list", "data": […]}`; `host` is the intercepted host, whose own shape is kept."""
    items = [item(profile, name, target, host) for name, target in offered(profile, listed).items()]
    return msgspec.json.encode({"object": "list", "data": items})


def one(profile: Profile, listed: Listed, name: str, host: str | None) -> bytes:
    """One model of the list. Raises NotFound."""
    names = offered(profile, listed)
    if name not in names:
        raise unknown(profile, name, listed)
    return msgspec.json.encode(item(profile, name, names[name], host))


def item(profile: Profile, name: str, target: Target | None, host: str | None) -> dict[str, object]:
    made: dict[str, object] = {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": target.upstream if target else "idetour",
        "permission": [permission(name)],
        "root": name,
        "parent": None,
    }
    return made | openrouter(profile, name, target) if host == "openrouter.ai" else made


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


def openrouter(profile: Profile, name: str, target: Target | None) -> dict[str, object]:
    """The fields that OpenRouter's list has beyond OpenAI's; IDEs refuse its entries without them."""
    known = profile.known(target) if target else None
    context = (known and known.context) or CONTEXT
    return {
        "canonical_slug": name,
        "name": known.title if known else name,
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
